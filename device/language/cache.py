"""One cached sequence a thread: a message is prefilled once, when it arrives.

    opening | message message message message ...                        fits: only grows
    opening, earlier: line | message message ...                         does not fit

What no longer fits is folded, a window of messages at a time, into one line in its place: the
line that stood there before and the window give the next line. A window is a quarter of the
context, so that most messages find room behind the cached tokens and only extend them.

Together the threads take no more cells of the engine's cache than one of full length. The least
recently used one makes room: to disk, where there is a place for it, from where it comes back
without being read again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from device.language.engine import Engine, Seq, Token
from device.language.prompt import Prompt, thread_tokens
from device.language.quotes import shorten
from device.language.spill import Spill
from device.messages import Message, Thread

WINDOWS = 4
"""How many windows of messages the context has room for; one is dropped at a time."""
MOST_WINDOWS = 8
"""So many of new messages are read before what fits, at most: of an export of years, one line would
keep nothing of the first ones, and reading them would take minutes."""
READ_WINDOWS = 1
"""The same for messages that the wearer has read: they only help to understand the new ones."""
LEAST_SHARED = 2
"""So many folded messages must still be there for their line to hold: one "ok" may be another's."""
KNOWN = 64
"""Threads whose folded messages are remembered, a line each."""

SumUp = Callable[[Thread, Seq], str]
"""(messages that are dropped, a sequence that holds the newest of them behind the line for the
others) -> one line to stand for them all."""


@dataclass(frozen=True, slots=True)
class Cached:
    """A thread that stands in the engine, ready to be forked for a task."""

    seq: Seq
    tokens: int
    """Tokens of the thread as the engine holds it."""
    read: Thread
    """The thread without the oldest messages where they were too many to be read at all: nothing
    that the model says of it can come from them."""


@dataclass(frozen=True, slots=True)
class _Folded:
    """The oldest messages of a thread, which do not fit."""

    until: int
    """Index of the first message that stays."""
    messages: tuple[Message, ...] = ()
    """Those that the line stands for: all before `until`, as far back as they were read."""
    line: str | None = None


class ThreadCache:
    """Keeps up to `capacity` threads in the engine; the least recently used one makes room."""

    def __init__(
        self,
        engine: Engine,
        prompt: Prompt,
        capacity: int,
        room: int,
        sum_up: SumUp,
        spill: Spill | None = None,
    ):
        """`room` is how many positions stay free behind a thread for tasks and answers."""
        self._engine = engine
        self._prompt = prompt
        self._capacity = capacity
        self._limit = engine.n_ctx - room
        self._sum_up = sum_up
        self._spill = spill
        self._seqs: OrderedDict[str, Seq] = OrderedDict()
        self._folded: OrderedDict[str, _Folded] = OrderedDict()

    @property
    def limit(self) -> int:
        """The most tokens that are held, of one thread and of all together."""
        return self._limit

    def size(self, thread: Thread) -> int:
        """How many tokens of the thread would be held, at most."""
        tokens, dropped = thread_tokens(self._prompt, thread, self._limit)
        return self._limit if dropped else len(tokens)

    def holds(self, thread_id: str) -> bool:
        """Whether the engine holds something of that thread."""
        return thread_id in self._seqs

    def sync(self, thread: Thread) -> Cached:
        """Bring the engine up to the thread as it is now; only what is new is queued."""
        folded = self._known(thread)
        tokens, too_many = self._behind(folded, thread)
        seq = self._opened(thread.id, self._limit if too_many else len(tokens))
        while too_many:
            folded = self._fold(thread, folded, seq)
            tokens, too_many = self._behind(folded, thread)
        self._remember(thread.id, folded)
        self._hold(seq, tokens)
        return Cached(seq, len(tokens), _from(thread, folded.until - len(folded.messages)))

    @contextmanager
    def reworded(self, thread: Thread, other: Thread) -> Iterator[Seq]:
        """The sequence of a cached thread as if its messages were those of `other`.

        It is rewritten from the first token that differs, and back at the end: a fork would leave
        the original be, but both together can be more than the engine's shared cache has room for.
        """
        seq = self._seqs[thread.id]
        original = self._engine.tokens(seq)
        self._hold(seq, self._behind(self._known(thread), other)[0])
        try:
            yield seq
        finally:
            self._hold(seq, original)

    def clear(self) -> None:
        """Free every sequence; none is spilled."""
        while self._seqs:
            self._engine.close(self._seqs.popitem()[1])

    def forget(self, thread_id: str) -> None:
        """Keep nothing of a thread, neither in the engine nor on disk."""
        self._folded.pop(thread_id, None)
        if (seq := self._seqs.pop(thread_id, None)) is not None:
            self._engine.close(seq)
        if self._spill is not None:
            self._spill.drop(thread_id)

    def _opened(self, thread_id: str, size: int) -> Seq:
        """The sequence of a thread that will have so many tokens; others make room for it."""
        seq = self._seqs.pop(thread_id, None)
        others = sum(len(self._engine.tokens(other)) for other in self._seqs.values())
        while self._seqs and (len(self._seqs) >= self._capacity or others + size > self._limit):
            oldest, other = self._seqs.popitem(last=False)
            others -= len(self._engine.tokens(other))
            if self._spill is not None:
                self._spill.put(self._engine, oldest, other)
            self._engine.close(other)
        if seq is None and self._spill is not None:
            seq = self._spill.take(self._engine, thread_id)
        self._seqs[thread_id] = self._engine.open() if seq is None else seq
        return self._seqs[thread_id]

    def _hold(self, seq: Seq, tokens: Sequence[Token]) -> None:
        """Make these the tokens of a sequence; what it holds of them already stays, the rest is
        decoded together with what is asked first."""
        kept = _common(self._engine.tokens(seq), tokens)
        self._engine.truncate(seq, kept)
        self._engine.extend(seq, tokens[kept:])

    def _behind(self, folded: _Folded, thread: Thread) -> tuple[list[Token], int]:
        """Tokens of the thread, its folded messages as their line; how many more don't fit."""
        rest = _from(thread, folded.until)
        return thread_tokens(self._prompt, rest, self._limit, folded.line)

    def _fold(self, thread: Thread, folded: _Folded, seq: Seq) -> _Folded:
        """One more window folded into the line.

        Its tokens are the beginning of what the sequence holds already, as a rule.
        """
        until = folded.until + self._window(thread, folded)
        window = thread.messages[folded.until : until]
        read = replace(thread, messages=window, unread_from=0)
        self._hold(seq, thread_tokens(self._prompt, read, self._limit, folded.line)[0])
        messages = folded.messages + window
        older = replace(thread, id=f"{thread.id} (earlier)", messages=messages, unread_from=0)
        line = self._sum_up(older, seq)
        while len(self._prompt.opening(thread, line)) > self._limit // 2 and len(line) > 20:
            line = shorten(line, len(line) // 2)  # a small context, a script of many tokens
        return _Folded(until, messages, line)

    def _window(self, thread: Thread, folded: _Folded) -> int:
        """How many messages are dropped next: a quarter of the context, never the last one."""
        room = self._limit - len(self._prompt.opening(thread, folded.line))
        total = 0
        rest = thread.messages[folded.until : -1]
        for i, message in enumerate(rest):
            total += len(self._prompt.message(message, thread.me))
            if i and total > room:
                return i
            if total >= self._limit // WINDOWS:
                return i + 1
        return len(rest)

    def _known(self, thread: Thread) -> _Folded:
        """What of the thread is folded already; nothing, where it has grown beyond that.

        The thread may have lost its beginning since then, as a view of its newest messages does.
        """
        known = self._folded.get(thread.id, _Folded(0))
        least = min(LEAST_SHARED, len(known.messages))
        for until in range(min(known.until, len(thread.messages) - 1), least - 1, -1):
            shared = min(until, len(known.messages))
            if thread.messages[until - shared : until] == known.messages[-shared:]:
                known = replace(known, until=until)
                break
        else:
            known = _Folded(0)
        size = 0
        for i in range(len(thread.messages) - 1, known.until - 1, -1):
            size += len(self._prompt.message(thread.messages[i], thread.me))
            windows = MOST_WINDOWS if i >= thread.unread_from else READ_WINDOWS
            if size > self._limit + windows * (self._limit // WINDOWS):
                return _Folded(min(i + 1, len(thread.messages) - 1))
        return known

    def _remember(self, thread_id: str, folded: _Folded) -> None:
        """Keep what is folded, sequence or not: a new message must not cost it again."""
        self._folded.pop(thread_id, None)
        if folded.line is not None:
            self._folded[thread_id] = folded
        if len(self._folded) > KNOWN:
            self._folded.popitem(last=False)


def _from(thread: Thread, start: int) -> Thread:
    """The thread as if it began with the message of that index."""
    unread = max(0, thread.unread_from - start)
    return replace(thread, messages=thread.messages[start:], unread_from=unread)


def _common(held: Sequence[Token], wanted: Sequence[Token]) -> int:
    """Length of the longest common beginning."""
    length = 0
    for a, b in zip(held, wanted, strict=False):
        if a != b:
            break
        length += 1
    return length
