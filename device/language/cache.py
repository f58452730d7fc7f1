"""One cached sequence a thread: a message is prefilled once, when it arrives."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from device.language.engine import Engine, Seq, Token
from device.language.prompt import Prompt, thread_tokens
from device.messages import Thread


@dataclass(frozen=True, slots=True)
class Cached:
    """A thread that stands in the engine, ready to be forked for a task."""

    seq: Seq
    tokens: int
    """Tokens of the thread as the engine holds it."""
    dropped: int
    """How many of its oldest messages did not fit."""


class ThreadCache:
    """Keeps up to `capacity` threads in the engine; the least recently used one makes room."""

    def __init__(self, engine: Engine, prompt: Prompt, capacity: int, room: int):
        """`room` is how many positions stay free behind a thread for tasks and answers."""
        self._engine = engine
        self._prompt = prompt
        self._capacity = capacity
        self._limit = engine.n_ctx - room
        self._seqs: OrderedDict[str, Seq] = OrderedDict()

    @property
    def limit(self) -> int:
        """The most tokens of a thread that are read."""
        return self._limit

    def size(self, thread: Thread) -> int:
        """How many tokens of the thread would be held."""
        return len(thread_tokens(self._prompt, thread, self._limit)[0])

    def sync(self, thread: Thread, earlier: str | None = None) -> Cached:
        """Bring the engine up to the thread as it is now; only what is new is decoded.

        `earlier` stands in the place of the messages that no longer fit.
        """
        tokens, dropped = thread_tokens(self._prompt, thread, self._limit, earlier)
        seq = self._seqs.get(thread.id)
        if seq is None:
            if len(self._seqs) >= self._capacity:
                self._engine.close(self._seqs.popitem(last=False)[1])
            seq = self._seqs[thread.id] = self._engine.open()
        self._seqs.move_to_end(thread.id)
        kept = _common(self._engine.tokens(seq), tokens)
        self._engine.truncate(seq, kept)
        self._engine.extend(seq, tokens[kept:])
        self._engine.prefill([seq])
        return Cached(seq, len(tokens), dropped)

    def forget(self, thread_id: str) -> None:
        """Free a thread's sequence, if it has one."""
        seq = self._seqs.pop(thread_id, None)
        if seq is not None:
            self._engine.close(seq)

    def clear(self) -> None:
        """Free all of them."""
        for thread_id in list(self._seqs):
            self.forget(thread_id)


def _common(held: tuple[Token, ...], wanted: list[Token]) -> int:
    """Length of the longest common beginning."""
    length = 0
    for a, b in zip(held, wanted, strict=False):
        if a != b:
            break
        length += 1
    return length
