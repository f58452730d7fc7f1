"""The same weights, prompt and threads through other people's code."""

from __future__ import annotations

import json
import subprocess
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from device.errors import ModelError
from device.language.decoder import since
from device.language.llama_buffers import has_amx
from device.language.writer import MOST_TOKENS


class Absent(Exception):
    """A peer that can't be measured here; its text says why, on one line."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a peer reads from its beginning, each time anew."""

    glance: Sequence[int]
    """The thread with its new message, then the task."""
    summary: Sequence[int]
    stop: tuple[int, ...]


class Peer(Protocol):
    """Somebody else's way."""

    def glance(self, asked: Asked) -> Mapping[str, float]:
        """{"ttft_ms", "glance_ms"}: to the first token, and to the last of at most 36."""


class PlainLlama:
    """`llama_cpp.Llama` with its own defaults: one `create_completion` a task."""

    def __init__(self, model: Path, threads: int, context: int):
        """Raises `Absent`."""
        import llama_cpp

        if has_amx():
            raise Absent("llama.cpp's own AMX buffers crash (docs/decisions/0005-amx.md)")
        try:
            self._llama = llama_cpp.Llama(
                str(model),
                n_ctx=context,
                n_threads=threads,
                n_threads_batch=threads,
                verbose=False,
            )
        except ValueError as error:
            raise Absent(f"llama_cpp.Llama can't load it: {error}") from error

    def glance(self, asked: Asked) -> dict[str, float]:
        first, whole = self._complete(asked.glance, MOST_TOKENS["glance"])
        return {"ttft_ms": first, "glance_ms": whole}

    def summary(self, asked: Asked) -> dict[str, float]:
        """{"summary_ms"}."""
        return {"summary_ms": self._complete(asked.summary, MOST_TOKENS["summary"])[1]}

    def first(self, tokens: Sequence[int]) -> float:
        """Milliseconds to one token."""
        return self._complete(tokens, 1)[1]

    def _complete(self, tokens: Sequence[int], most: int) -> tuple[float, float]:
        """Milliseconds to the first piece of the completion, and to its end."""
        self._llama.reset()  # or the last call's tokens would still be in its cache
        started = time.perf_counter()
        pieces = iter(
            self._llama.create_completion(
                list(tokens), max_tokens=most, temperature=0.0, stream=True
            )
        )
        next(pieces)
        first = since(started)
        for _ in pieces:
            pass
        return first, since(started)


class _FirstToken:
    """A streamer of transformers: hears the prompt, then each token as it is chosen."""

    def __init__(self) -> None:
        self.heard: list[float] = []

    def put(self, value: object) -> None:
        self.heard.append(time.perf_counter())

    def end(self) -> None:
        """Nothing is held back."""


class Generating:
    """A model with transformers' `generate`: torch's own, or Optimum's over ONNX Runtime."""

    def __init__(self, model: Any):
        self._model = model

    def glance(self, asked: Asked) -> dict[str, float]:
        import torch

        ids = torch.tensor([list(asked.glance)])
        streamer = _FirstToken()
        started = time.perf_counter()
        with torch.inference_mode():
            self._model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=MOST_TOKENS["glance"],
                do_sample=False,
                eos_token_id=list(asked.stop),
                pad_token_id=0,
                streamer=streamer,
            )
        return {"ttft_ms": (streamer.heard[1] - started) * 1000, "glance_ms": since(started)}


def torch_peer(checkpoint: Path, dtype: str, threads: int) -> Generating:
    """transformers on torch. Raises `Absent`, and `ModelError` for what is no checkpoint."""
    try:
        import torch
        import transformers
    except ImportError as error:
        raise Absent(f"{error.name} isn't installed (pip install -e '.[export]')") from error
    transformers.utils.logging.set_verbosity_error()
    torch.set_num_threads(threads)
    try:
        model = transformers.LlamaForCausalLM.from_pretrained(
            checkpoint, dtype=getattr(torch, dtype), local_files_only=True
        )
    except (OSError, ValueError) as error:
        raise ModelError(f"{checkpoint}: transformers can't load it: {_line(error)}") from error
    return Generating(model.eval())


def optimum_peer(folder: Path, threads: int) -> Generating:
    """Optimum's ORTModelForCausalLM. Raises `Absent`."""
    try:
        import onnxruntime
        import transformers
        from optimum.onnxruntime import ORTModelForCausalLM
    except ImportError as error:
        raise Absent(f"{error.name} isn't installed (pip install -e '.[export]')") from error
    transformers.utils.logging.set_verbosity_error()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = ORTModelForCausalLM.from_pretrained(
                folder, session_options=options, local_files_only=True, use_io_binding=False
            )
    except Exception as error:  # Optimum's and ONNX Runtime's have no root of their own
        raise Absent(f"Optimum can't load {folder}: {_line(error)}") from error
    return Generating(model)


def llama_bench(
    tool: Path, model: Path, threads: int, prefilled: int, decoded: int
) -> dict[str, float]:
    """{"pp_tps", "tg_tps"}: tokens/s of reading and writing by llama.cpp's own tool.

    Raises `Absent` where it fails.
    """
    command = [str(tool), "-m", str(model), "-t", str(threads), "-p", str(prefilled)]
    command += ["-n", str(decoded), "-r", "2", "-o", "json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
        tests = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise Absent(f"{tool} fails: {_line(error)}") from error
    return {"pp_tps" if test["n_prompt"] else "tg_tps": float(test["avg_ts"]) for test in tests}


def _line(error: Exception) -> str:
    """The first line of what an error says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
