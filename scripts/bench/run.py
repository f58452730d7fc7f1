"""What is measured in one run: all of it in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import llama_cpp.llama_cpp as llama

from device.language.llama_vocab import LlamaModel
from device.language.prompt import Task
from device.language.tuning import UNTUNED, Tuning
from device.messages import Thread
from scripts.bench import energy, fresh, limits
from scripts.bench.chat import arrived, history, read_thread, tokens_of
from scripts.bench.figures import Figure, ceilings, figures
from scripts.bench.ours import Ours, Sizes, open_llama, open_onnx, prefixed
from scripts.bench.peers import (
    Absent,
    Asked,
    Peer,
    PlainLlama,
    llama_bench,
    optimum_peer,
    torch_peer,
)
from scripts.bench.stats import Case, Samples, interleave

T = TypeVar("T")
NOT_INSTALLED = "{} isn't installed (pip install -e '.[export]')"
SOON = 100
"""Tokens of history up to which nothing takes seconds."""
KINDS = ("int4", "int8", "fp32")
PEERS = {
    "llama": "Sidelong, llama.cpp",
    **{f"ours-{kind}": f"Sidelong, ONNX {kind}" for kind in KINDS},
    "plain": "plain llama_cpp.Llama",
    **{f"optimum-{kind}": f"Optimum, ONNX {kind}" for kind in KINDS},
    "torch-fp32": "transformers, torch fp32",
    "torch-bf16": "transformers, torch bf16",
}
"""Prefix of a way's samples -> what it is called."""


@dataclass(frozen=True, slots=True)
class Files:
    """What is measured."""

    model: Path
    onnx: Mapping[str, Path]
    """Folders by "int4", "int8", "fp32"."""
    checkpoint: Path | None = None
    llama_bench: Path | None = None
    sha256: str = "untuned"
    """The model's, by which a fresh process finds what `sidelong tune` remembers of it."""
    tuning: Tuning = UNTUNED


class Bench:
    """Everything loaded; `measure` fills `samples`, `limit` and `absent`."""

    def __init__(self, files: Files, threads: int, sizes: Sizes, folder: Path):
        """`folder` is for files of the moment. Raises `ModelError` or `Absent` for files that were
        given and can't be used; what else can't be measured is `absent`, with its reason.
        """
        self.sizes = sizes
        self.samples: Samples = {}
        self.absent: dict[str, str] = {}
        self._files, self._threads, self._folder = files, threads, folder
        self._ours = open_llama(files.model, threads, sizes, files.tuning)
        self._thread = read_thread()
        self._histories = [history(self._ours.prompt, n) for n in sizes.histories]
        self._asked = self._whole_prompts()
        model = LlamaModel(files.model, vocab_only=True)
        self._weight_bytes = int(llama.llama_model_size(model.pointer))
        self._weights = int(llama.llama_model_n_params(model.pointer))
        self._cases = [*self._limits(), *self._own(), *self._plain(), *self._tool()]
        self._cases += [*self._own_onnx(), *self._others()]

    def measure(self, rounds: int, slow: int, tell: Callable[[str], None]) -> dict[str, Figure]:
        """So many rounds of everything; of peers that take seconds, `slow`."""
        self.samples = interleave(self._cases, rounds, slow, tell)
        self.limit = limits.limit(
            self._weight_bytes, self._weights, *ceilings(self.samples), limits.last_cache_bytes()
        )
        model_mb = self._files.model.stat().st_size / 1e6
        found = figures(
            self.samples, self.limit, model_mb, self.sizes.histories, self._ours.glances_ms
        )
        tell("energy")
        found["joules_a_glance"] = self._joules()
        return found

    def _limits(self) -> Iterator[Case]:
        megabytes = self.sizes.megabytes
        yield Case("ceilings", lambda: limits.measure(self._threads, megabytes))
        yield Case(
            "a fresh process",
            partial(
                fresh.measure,
                self._files.model,
                self._files.sha256,
                self._threads,
                self.sizes.context,
            ),
            slow=True,
        )

    def _own(self) -> Iterator[Case]:
        ours, thread = self._ours, self._thread

        def case(
            name: str,
            run: Callable[[], Mapping[str, float]],
            prefix: str = "llama",
            slow: bool = False,
        ) -> Case:
            return Case(f"our engine: {name}", lambda: prefixed(prefix, run()), slow)

        yield case("glance", lambda: ours.glance(thread))
        yield case("card", lambda: ours.card(thread))
        for n, grown in zip(self.sizes.histories, self._histories, strict=True):
            yield case(f"{n} tokens", partial(ours.first, grown), f"llama@{n}", n > SOON)
        yield case("drafts, one token, restore", lambda: ours.behind(thread))
        yield case("speed", ours.speed)
        adapter = self._folder / "adapter.gguf"
        try:
            from scripts.bench.adapter import random_adapter

            random_adapter(self._files.model, adapter)
        except ImportError as error:
            self.absent["adapter swap"] = NOT_INSTALLED.format(error.name)
        else:
            yield case("adapter", lambda: ours.swap(thread, adapter), slow=True)

    def _plain(self) -> Iterator[Case]:
        plain = self._tried(
            "plain", lambda: PlainLlama(self._files.model, self._threads, self.sizes.context)
        )
        if plain is None:
            return
        yield self._peer("plain", plain, slow=False)
        yield Case("plain: summary", lambda: prefixed("plain", plain.summary(self._asked)))
        for n, grown in zip(self.sizes.histories, self._histories, strict=True):
            tokens = self._whole(arrived(grown), "glance")
            yield Case(f"plain: {n} tokens", partial(_first, plain, n, tokens), slow=n > SOON)

    def _tool(self) -> Iterator[Case]:
        tool = self._files.llama_bench
        if tool is None:
            self.absent["llama-bench"] = "no --llama-bench PATH"
            return
        measured = partial(
            llama_bench,
            tool,
            self._files.model,
            self._threads,
            self.sizes.prefilled,
            self.sizes.decoded,
        )
        measured()  # what can't be run is told now, not after everything else
        yield Case("llama-bench", lambda: prefixed("bench", measured()))

    def _own_onnx(self) -> Iterator[Case]:
        for kind, folder in self._files.onnx.items():
            name, ours = f"ours-{kind}", open_onnx(folder, self._threads, self.sizes)
            yield Case(PEERS[name], partial(_glance, name, ours, self._thread), slow=True)

    def _others(self) -> Iterator[Case]:
        threads, checkpoint = self._threads, self._files.checkpoint
        for kind in KINDS:
            name = f"optimum-{kind}"
            if folder := self._files.onnx.get(kind):
                peer = self._tried(name, partial(optimum_peer, folder, threads))
                if peer is not None:
                    yield self._peer(name, peer, slow=True)
            else:
                self.absent[f"ONNX {kind}"] = f"no --onnx-{kind} DIR"
        for short, dtype in (("fp32", "float32"), ("bf16", "bfloat16")):
            name = f"torch-{short}"
            if checkpoint is None:
                self.absent[PEERS[name]] = "no --checkpoint DIR"
            elif peer := self._tried(name, partial(torch_peer, checkpoint, dtype, threads)):
                yield self._peer(name, peer, slow=True)

    def _peer(self, name: str, peer: Peer, slow: bool) -> Case:
        return Case(PEERS[name], lambda: prefixed(name, peer.glance(self._asked)), slow)

    def _tried(self, name: str, act: Callable[[], T]) -> T | None:
        """What `act` gives; None, and the reason in `absent`, where it can't be had."""
        try:
            return act()
        except Absent as error:
            self.absent[PEERS.get(name, name)] = str(error)
            return None

    def _whole(self, thread: Thread, task: Task) -> list[int]:
        prompt = self._ours.prompt
        return tokens_of(prompt, thread) + prompt.task(task, thread)

    def _whole_prompts(self) -> Asked:
        new = arrived(self._thread)
        return Asked(
            self._whole(new, "glance"),
            self._whole(new, "summary"),
            tuple(self._ours.prompt.stop),
        )

    def _joules(self) -> Figure:
        """Of one glance, the wearer's whole machine included."""
        used = energy.joules(lambda: self._ours.glance(self._thread))
        return None if used is None else used / self.sizes.arrivals


def _glance(name: str, ours: Ours, thread: Thread) -> dict[str, float]:
    return prefixed(name, ours.glance(thread))


def _first(plain: PlainLlama, n: int, tokens: list[int]) -> dict[str, float]:
    return {f"plain@{n}.ttft_ms": plain.first(tokens)}
