"""A model's file -> a `Writer` that speaks through it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from device.disk import sha256_of
from device.errors import ModelError
from device.language.adapter_choice import Follow
from device.language.catalog import Catalog
from device.language.chat_prompt import ChatPrompt
from device.language.engine import Engine
from device.language.llama_engine import LlamaEngine
from device.language.prompt import VERSION, Prompt, ThreadPrompt
from device.language.spill import Spill
from device.language.tokenizer import JsonTokenizer, Tokenizer
from device.language.tuning import UNTUNED, Tuning, Tunings
from device.language.writer import FORKS, ROOM, Watch, Writer
from device.messages import Message, Thread


def cells(context: int, together: int) -> int:
    """Tokens that the cache of `together` threads holds: a context full of them, and what is
    decoded behind them in one batch.

    Behind one thread its summary, asks and drafts are decoded at once, tasks included in less than
    `ROOM` and a half; behind many `FORKS` texts, in half of `ROOM` each. An instruct model's tasks
    are longer, and what the threads leave of their own `ROOM` is there for them.
    """
    return context + min(FORKS, 3 * together) * ROOM // 2


@dataclass(frozen=True, slots=True)
class Model:
    """A file that can be loaded, already verified where it comes from the catalog."""

    name: str
    path: Path
    sha256: str | None = None


def find_model(name: str | None, catalog: Catalog) -> Model:
    """The model by that name or path; None is the one in use. Raises `ModelError`.

    A path has a separator in it ("./tiny") or ends in ".gguf".
    """
    if name is None:
        entry = catalog.current()
    elif _is_path(name) and not any(entry.name == name for entry in catalog.list()):
        path = Path(name)
        if not path.exists():
            raise ModelError(
                f"{name}: no such model file; `sidelong model list` shows what is there"
            )
        sha256 = None if path.is_dir() else catalog.tried(path)
        return Model(path.name.removesuffix(".gguf"), path, sha256)
    else:
        (entry,) = catalog.verify(name)
    return Model(entry.name, entry.path, entry.sha256)


def _is_path(name: str) -> bool:
    """Whether it can't be a name: a file that is called like a model never stands in for it."""
    separators = {os.sep, os.altsep or os.sep}
    return name.endswith(".gguf") or any(separator in name for separator in separators)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that can be spoken to, and how to write for it."""

    engine: Engine
    prompt: Prompt
    tokenizer: Tokenizer


def load_writer(
    model: Model,
    engine: Literal["llama", "onnx"] = "llama",
    threads: int | None = None,
    context: int = 2048,
    together: int = 1,
    watch: Watch | None = None,
    adapter: Follow | None = None,
    spill: Spill | None = None,
) -> Writer:
    """A writer on that model; `together`, `watch`, `adapter` and `spill` as for `Writer`.

    Raises `ModelError` where the file does not fit the engine.
    """
    loaded = load_engine(model, engine, threads, context, together)
    return Writer(
        loaded.engine, loaded.prompt, loaded.tokenizer, model.name, together, watch, adapter, spill
    )


def load_engine(
    model: Model,
    engine: Literal["llama", "onnx"] = "llama",
    threads: int | None = None,
    context: int = 2048,
    together: int = 1,
    tuning: Tuning | None = None,
) -> Loaded:
    """What a writer that reads `together` threads side by side stands on.

    `tuning` other than what `sidelong tune` found for this model on this CPU is for finding it.

    Raises `ModelError` where the file does not fit the engine.
    """
    prompt: Prompt
    sequences = together + FORKS
    if engine == "onnx":
        if not model.path.is_dir():
            raise ModelError(
                f"{model.path}: the onnx engine wants a folder made by `make onnx`, "
                "with model.onnx and tokenizer.json; or leave out --engine onnx"
            )
        # Only here: ONNX Runtime takes 40 MB and a third of a second that GGUF users need not pay.
        from device.language.onnx_engine import OnnxEngine

        tokenizer = JsonTokenizer(model.path / "tokenizer.json")
        prompt = _thread_prompt(tokenizer, model)
        onnx = OnnxEngine(model.path, n_ctx=context, n_seqs=sequences, threads=threads)
        if tokenizer.n_vocab > onnx.n_vocab:
            raise ModelError(
                f"{model.path}: tokenizer.json has {tokenizer.n_vocab} pieces, model.onnx only "
                f"{onnx.n_vocab}; export them together"
            )
        return Loaded(onnx, prompt, tokenizer)
    if model.path.is_dir():
        raise ModelError(f"{model.path}: a folder; the llama engine wants a .gguf file")
    sha256 = model.sha256 or sha256_of(model.path)
    llama = LlamaEngine(
        model.path,
        n_ctx=context,
        n_seqs=sequences,
        threads=threads,
        n_cells=cells(context, together),
        sha256=sha256,
        tuning=tuning or Tunings.default().of(sha256) or UNTUNED,
    )
    vocabulary = llama.vocabulary
    metadata = llama.metadata()
    if metadata.get("sidelong.prompt") == VERSION:
        prompt = _thread_prompt(vocabulary, model)
    elif template := metadata.get("tokenizer.chat_template"):
        try:
            prompt = ChatPrompt(vocabulary, template, ends=vocabulary.ends())
        except ModelError as error:
            raise ModelError(f"{model.path}: {error}; choose another model") from error
    else:
        raise ModelError(
            f"{model.path}: neither trained on Sidelong's prompt {VERSION} nor an instruct model "
            "(it has no chat template)"
        )
    return Loaded(llama, prompt, vocabulary)


def _thread_prompt(tokenizer: Tokenizer, model: Model) -> ThreadPrompt:
    try:
        return ThreadPrompt(tokenizer)
    except KeyError as error:
        raise ModelError(
            f"{model.path}: its vocabulary has no {error.args[0]}, so that it can't have learnt "
            "Sidelong's prompt; choose another model"
        ) from error


def try_out(path: Path) -> None:
    """Load a GGUF as for a chat and read a message with it. Raises `ModelError`.

    For a process of its own (`verified.try_loading`): a damaged file can end the process.
    """
    # The hash isn't needed: nothing is saved.
    writer = load_writer(Model("trial", path, sha256="trial"), threads=1, context=1024)
    writer.prefill(Thread("trial", "me", (Message("Ben", "hi"),)))


if __name__ == "__main__":
    try:
        try_out(Path(sys.argv[1]))
    except ModelError as problem:
        sys.exit(str(problem))
