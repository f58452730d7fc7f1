"""Our engines behind the writer that the wearer has, timed where the wearer waits."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.errors import ModelError
from device.language.decoder import since
from device.language.engine import Engine, Sampling, Seq, Token
from device.language.llama_engine import LlamaEngine
from device.language.load import cells
from device.language.prompt import VERSION, ThreadPrompt
from device.language.tokenizer import JsonTokenizer, Tokenizer
from device.language.tuning import UNTUNED, Tuning
from device.language.writer import FORKS, Writer
from device.messages import Intent, Thread
from scripts.bench.chat import arrived, tokens_of

GREEDY = Sampling()
SEQUENCES = 1 + FORKS
DRAFTED: tuple[Intent, ...] = ("accept", "decline", "ask")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything is measured, in tokens unless it says otherwise."""

    context: int = 2048
    histories: tuple[int, ...] = (10, 100, 500, 1500)
    prefilled: int = 512
    decoded: int = 64
    drafted: int = 24
    arrivals: int = 3
    """Messages that arrive a round and a history."""
    megabytes: int = 256
    """Of the array whose reading measures memory."""


class Left(Exception):
    """What was waited for is there: nothing more is decoded."""


class TimedEngine:
    """An engine that remembers when `generate` first gave a token."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self.first: float | None = None
        """A `time.perf_counter`; set it to None before what is measured."""
        self.leave = False
        """Whether the first token is all that is waited for: `Left` comes with it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def generate(self, *asked: Any) -> Iterator[list[Token | None]]:
        for step in self._engine.generate(*asked):
            if self.first is None:
                self.first = time.perf_counter()
            if self.leave:
                raise Left
            yield step


class Ours:
    """One engine, its prompt and its writer."""

    def __init__(self, engine: Engine, tokenizer: Tokenizer, sizes: Sizes):
        self.engine = TimedEngine(engine)
        self.prompt = ThreadPrompt(tokenizer)
        self._sizes = sizes
        self.glances_ms: list[float] = []
        """Every glance that was waited for."""
        self.writer = Writer(self.engine, self.prompt, tokenizer, "bench")

    def glance(self, thread: Thread) -> dict[str, float]:
        """A message arrives in a thread that is read already; ms, the middle of a few.

        To the glance's first token; and to where it can be shown: checked, and with its triage,
        which says whether it may interrupt.
        """
        timed = [self._arrival(thread) for _ in range(self._sizes.arrivals)]
        firsts, wholes = zip(*timed, strict=True)
        self.glances_ms += wholes
        return {"ttft_ms": statistics.median(firsts), "glance_ms": statistics.median(wholes)}

    def first(self, thread: Thread) -> dict[str, float]:
        """A message arrives: to the first token of the glance alone; ms, the middle of a few."""
        self.engine.leave = True
        try:
            timed = [self._arrival(thread) for _ in range(self._sizes.arrivals)]
        finally:
            self.engine.leave = False
        return {"ttft_ms": statistics.median(first for first, _ in timed)}

    def _arrival(self, thread: Thread) -> tuple[float, float]:
        """(to the glance's first token, to the card with the glance); ms."""
        self.writer.prefill(thread)
        new = arrived(thread)
        self.engine.first = None
        started = time.perf_counter()
        with suppress(Left):
            next(self.writer.stages(new))
        whole = since(started)
        assert self.engine.first is not None
        return (self.engine.first - started) * 1000, whole

    def card(self, thread: Thread) -> dict[str, float]:
        """A message arrives: to the whole card; ms."""
        self.writer.prefill(thread)
        started = time.perf_counter()
        self.writer.card(arrived(thread))
        return {"card_ms": since(started)}

    def behind(self, thread: Thread) -> dict[str, float]:
        """What is done behind a thread that stands in the cache; ms.

        One draft and three, of equally many tokens; one token; the thread written to disk, and
        read again to the first token of its glance.
        """
        seq = self._held(thread)
        found = {f"drafts_{n}_ms": self._drafted(seq, thread, n) for n in (1, len(DRAFTED))}
        length = len(self.engine.tokens(seq))
        found["decode_step_ms"] = self._step(seq, self._sizes.drafted)
        self.engine.truncate(seq, length)
        return found | self._restored(seq, thread)

    def speed(self) -> dict[str, float]:
        """Tokens/s of reading and of writing, from an empty cache as llama-bench does it."""
        self.writer.clear()
        seq = self._started([5] * (self._sizes.prefilled + 1))
        started = time.perf_counter()
        self.engine.prefill([seq])
        read = self._sizes.prefilled / (time.perf_counter() - started)
        self.engine.close(seq)
        seq = self._started([5])
        written = 1000 / self._step(seq, self._sizes.decoded)
        self.engine.close(seq)
        return {"prefill_tps": read, "decode_tps": written}

    def swap(self, thread: Thread, adapter: Path) -> dict[str, float]:
        """An adapter put in; and the thread read anew, to the first token of its glance; ms."""
        seq = self._held(thread)
        try:
            started = time.perf_counter()
            self.engine.set_adapter(adapter)
            swapped = since(started)
            self._first_token(seq, thread)
            return {"adapter_swap_ms": swapped, "adapter_first_token_ms": since(started)}
        finally:
            self.engine.close(seq)
            self.engine.set_adapter(None)

    def _restored(self, seq: Seq, thread: Thread) -> dict[str, float]:
        """A sequence written to disk, closed and read again."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "thread"
            started = time.perf_counter()
            self.engine.save(seq, path)
            saved = since(started)
            self.engine.close(seq)
            started = time.perf_counter()
            seq = self.engine.load(path)
            loaded = since(started)
            self._first_token(seq, thread)
            restored = since(started)
        self.engine.close(seq)
        return {"save_ms": saved, "load_ms": loaded, "restore_first_token_ms": restored}

    def _held(self, thread: Thread) -> Seq:
        """A sequence of its own that holds the thread, the writer's own let go."""
        self.writer.clear()
        seq = self._started(tokens_of(self.prompt, thread))
        self.engine.prefill([seq])
        return seq

    def _started(self, tokens: Sequence[Token]) -> Seq:
        seq: Seq = self.engine.open()
        self.engine.extend(seq, tokens)
        return seq

    def _first_token(self, seq: Seq, thread: Thread) -> None:
        self.engine.extend(seq, self.prompt.task("glance", thread))
        next(self.engine.generate([seq], GREEDY, (), 1))

    def _drafted(self, seq: Seq, thread: Thread, n: int) -> float:
        """Milliseconds of n forks decoded together, each to the same length."""
        started = time.perf_counter()
        forks = self.engine.fork(seq, n)
        for fork, intent in zip(forks, DRAFTED[:n], strict=True):
            self.engine.extend(fork, self.prompt.reply(intent, thread))
        for _ in self.engine.generate(forks, GREEDY, (), self._sizes.drafted):
            pass
        for fork in forks:
            self.engine.close(fork)
        return since(started)

    def _step(self, seq: Seq, steps: int) -> float:
        """Milliseconds a token, of so many decoded one after the other."""
        started = time.perf_counter()
        for _ in self.engine.generate([seq], GREEDY, (), steps):
            pass
        return since(started) / steps


def open_llama(path: Path, threads: int, sizes: Sizes, tuning: Tuning = UNTUNED) -> Ours:
    """As `device.language.load` does it for one thread. Raises `ModelError`."""
    engine = LlamaEngine(
        path,
        n_ctx=sizes.context,
        n_seqs=SEQUENCES,
        threads=threads,
        n_cells=cells(sizes.context, 1),
        sha256="bench",
        tuning=tuning,
    )
    if engine.metadata().get("sidelong.prompt") != VERSION:
        raise ModelError(f"{path}: not trained on Sidelong's prompt {VERSION}; choose another")
    return Ours(engine, engine.vocabulary, sizes)


def open_onnx(folder: Path, threads: int, sizes: Sizes) -> Ours:
    """As `device.language.load` does it. Raises `ModelError`."""
    from device.language.onnx_engine import OnnxEngine

    tokenizer = JsonTokenizer(folder / "tokenizer.json")
    engine = OnnxEngine(
        folder, n_ctx=sizes.context, n_seqs=SEQUENCES, threads=threads, sha256="bench"
    )
    return Ours(engine, tokenizer, sizes)


def prefixed(prefix: str, figures: Mapping[str, float]) -> dict[str, float]:
    """The same figures under names of their own."""
    return {f"{prefix}.{name}": value for name, value in figures.items()}
