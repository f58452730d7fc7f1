"""Many conversations at once: is every message kept, does memory stay bounded, who waits how long?

    python scripts/load_test.py [--threads 200] [--rate 50] [--seconds 60] [--model FILE]

It goes the way of `sidelong run`: a connector's arrivals are written to the inbox, a burst in one
conversation gives one card, one model writes the cards one after the other, prefilled threads
make room for each other on disk. Only the display is missing: a glance counts as shown when its
glance is there.

First the machine is idle: one message at a time, each in a conversation that the model has not read
yet, then again in each of these. Then messages come at random into all conversations (the seed is
fixed), more than any model could tell of: whenever the model is free, the newest conversation is
the next one as a rule, and its glance is timed from its last message on. The last line is one JSON
object. Exit code 1 where a message was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from device.assistant import Assistant
from device.card_queue import CardQueue, Model, NoNews, Written
from device.commands.common import positive
from device.connectors.connector import Able, Arrival, Receipt
from device.errors import ConnectorError, SidelongError
from device.inbox import Inbox
from device.intake import Changed, Intake
from device.language.catalog import Catalog
from device.language.load import find_model, load_writer
from device.language.spill import Spill
from device.memory import peak_mb
from device.messages import Card, Message, Thread
from device.model_in_use import KEPT
from device.settings import Settings
from scripts.bench.chat import ME, read_thread
from scripts.bench.stats import percentile

NAME = "load"
PROBES = 5
"""Messages while nothing else is going on."""
SETTLE = 600.0
"""Seconds that a card is waited for at most."""


@dataclass(frozen=True, slots=True)
class Load:
    """How much comes in."""

    threads: int
    rate: float
    """Messages a second."""
    seconds: float


@dataclass
class Source:
    """A connector whose messages are made here; it has nobody at the other end."""

    load: Load
    able: Able = field(default_factory=lambda: Able(frozenset({"history"})))
    me: str = ME
    queue: asyncio.Queue[Arrival | None] = field(default_factory=asyncio.Queue)
    sent: dict[str, float] = field(default_factory=dict)
    """Message id -> when it came, by `time.monotonic`."""
    acknowledged: list[str] = field(default_factory=list)

    async def threads(self) -> tuple[Thread, ...]:
        """Everyone's history: 24 messages, all of them read."""
        names = [f"thread {i}" for i in range(self.load.threads)]
        return tuple(replace(read_thread(), id=name) for name in names)

    async def arrivals(self) -> AsyncIterator[Arrival]:
        while (arrival := await self.queue.get()) is not None:
            yield arrival

    async def acknowledge(self, arrival: Arrival) -> None:
        self.acknowledged.append(arrival.message.id or "")

    async def send(self, conversation: str, text: str, key: str) -> Receipt:
        raise ConnectorError("nothing is sent in a load test")

    async def redact(self, receipt: Receipt) -> None:
        raise ConnectorError("nothing is sent in a load test")

    async def mark_read(self, conversation: str, message_id: str) -> None:
        raise ConnectorError("nobody hears of a load test")

    async def close(self) -> None:
        self.queue.put_nowait(None)

    def say(self, conversation: str) -> str:
        """One more message; its id."""
        n = len(self.sent)
        text = f"can you bring {2 + n % 90} chairs to the yard at {1 + n % 12}:30?"
        message = Message("Ilse", text, id=f"new {n}")
        self.sent[f"new {n}"] = time.monotonic()
        self.queue.put_nowait(Arrival(conversation, message, "Canal Street 14", True))
        return f"new {n}"


class Watching:
    """The model, and whoever wants to know which conversation it takes next."""

    def __init__(self, model: Model, taken: Callable[[Thread], None]):
        self._model = model
        self._taken = taken

    def stages(self, thread: Thread) -> Iterator[Card]:
        self._taken(thread)
        return self._model.stages(thread)

    def keep_up(self, thread: Thread) -> None:
        self._model.keep_up(thread)

    def forget(self, thread_id: str) -> None:
        self._model.forget(thread_id)


class Run:
    """One run: what is written down, and when which card was there."""

    def __init__(self, load: Load, inbox: Inbox, thread: ThreadPoolExecutor, model: Model):
        self._load = load
        self.source = Source(load)
        self.inbox = inbox
        self._intake = Intake(NAME, self.source, inbox)
        self._cards = CardQueue(NAME, inbox, Watching(model, self._taken), thread)
        self._glanced: dict[str, float] = {}
        self._newest = ""
        """The conversation that something came into last."""
        self._newest_taken: set[str] = set()
        """Last messages of conversations that were the newest when the model took them."""
        self._busy: list[float] = []
        """Milliseconds from such a message to its glance."""
        self._news = asyncio.Event()
        self.cards = 0
        self.failed = 0
        self.memory_mb: list[float] = []
        """The most that was held up to each card."""

    async def go(self) -> dict[str, tuple[str, float]]:
        """All of it; each figure by its name: what people call it, and how much."""
        await self._intake.history()
        names = [f"thread {i}" for i in range(1 + min(PROBES, self._load.threads - 1))]
        work = [
            asyncio.create_task(self._intake.run(self._changed)),
            asyncio.create_task(self._cards.run(self._written)),
        ]
        try:
            await self._alone(names[0])  # the first one of all also warms the machine up
            unread = [await self._alone(name) for name in names[1:]]
            read = [await self._alone(name) for name in names[1:]]
            before, quiet = self.cards, len(self.source.sent)
            self.memory_mb.append(peak_mb())
            self._busy.clear()
            await self._glance(await self._flood())
            busy, cards = list(self._busy), self.cards - before
            await self.source.close()
            await work[0]
        finally:
            for task in work:
                task.cancel()
            for task in work:
                with suppress(asyncio.CancelledError):
                    await task
        alone, known, loaded = (percentile(times, 50) for times in (unread, read, busy))
        return {
            "threads": ("conversations", self._load.threads),
            "messages": ("messages that came", len(self.source.sent) - quiet),
            "lost": ("messages lost", len(self._lost())),
            "cards": ("whole cards written meanwhile", cards),
            "cards_failed": ("cards that the model failed at", self.failed),
            "glances_of_the_newest": ("glances of the conversation just in", len(busy)),
            "idle_glance_ms": ("ms to a glance, idle, chat not read yet", alone),
            "idle_glance_read_before_ms": ("ms to a glance, idle, chat read before", known),
            "busy_glance_ms": ("ms to a glance under load, half of them", loaded),
            "busy_glance_ms_p95": ("ms to a glance under load, 95 % of them", percentile(busy, 95)),
            "busy_over_idle": ("times as long as idle, chat not read yet", loaded / alone),
            "peak_mb_idle": ("MB of memory at most, before the load", self.memory_mb[0]),
            "peak_mb_halfway": ("MB halfway", self.memory_mb[len(self.memory_mb) // 2]),
            "peak_mb_most": ("MB at the end", self.memory_mb[-1]),
        }

    async def _flood(self) -> str:
        """Messages at the rate, whatever else is slow; the last one's id."""
        draw, last = random.Random(1), ""
        started = time.monotonic()
        for n in range(int(self._load.rate * self._load.seconds)):
            await asyncio.sleep(max(0.0, started + n / self._load.rate - time.monotonic()))
            last = self.source.say(f"thread {draw.randrange(self._load.threads)}")
        return last

    async def _glance(self, id: str) -> float:
        """Wait for the card that tells of a message; milliseconds since that came."""
        await self._until(lambda: id in self._glanced)
        return (self._glanced[id] - self.source.sent[id]) * 1000

    async def _alone(self, conversation: str) -> float:
        """The same while nothing else is going on; ends when the whole card is there."""
        before = self.cards
        ms = await self._glance(self.source.say(conversation))
        await self._until(lambda: self.cards > before)
        return ms

    async def _until(self, there: Callable[[], bool]) -> None:
        async with asyncio.timeout(SETTLE):
            while not there():
                self._news.clear()
                await self._news.wait()

    def _changed(self, changed: Changed) -> None:
        self._newest = changed.conversation
        if changed.wants_card:
            self._cards.want(changed.conversation)

    def _taken(self, thread: Thread) -> None:
        if thread.id == self._newest:
            self._newest_taken.add(thread.messages[-1].id or "")

    def _written(self, written: Written | NoNews) -> None:
        if isinstance(written, NoNews):  # its card came with the glance before
            return
        self.cards += written.part != "glance" and not written.overtaken
        self.failed += written.failed
        self.memory_mb.append(peak_mb())
        last = written.thread.messages[-1].id or ""
        if written.part != "rest" and last in self._newest_taken:
            self._newest_taken.remove(last)
            self._busy.append((time.monotonic() - self.source.sent[last]) * 1000)
        if written.part != "rest" and not written.overtaken:
            for message in written.thread.news:
                self._glanced.setdefault(message.id or "", time.monotonic())
            self.inbox.mark_read(NAME, written.thread.id, written.last)
            self._cards.was_read(written.thread.id)
        self._news.set()

    def _lost(self) -> set[str]:
        """What came and is not in the inbox, or was never acknowledged."""
        kept = {
            message.id
            for info in self.inbox.threads()
            for message in self.inbox.thread(NAME, info.id).messages
        }
        return set(self.source.sent) - (kept & set(self.source.acknowledged))


def main(arguments: list[str] | None = None) -> int:
    """0; 1 where a message was lost, 2 where the test can't be run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=200, help="conversations (default: 200)")
    parser.add_argument("--rate", type=float, default=50, help="messages a second (default: 50)")
    parser.add_argument("--seconds", type=float, default=60, help="of messages (default: 60)")
    parser.add_argument("--model", help="a model's name, or a path (default: the one in use)")
    parser.add_argument("--cpu-threads", type=positive, help="(default: as tuned, else one a core)")
    args = parser.parse_args(arguments)
    if args.threads < 2 or args.rate <= 0 or args.seconds <= 0:
        parser.error("at least two conversations, and a rate and seconds above 0")
    load = Load(args.threads, args.rate, args.seconds)
    with (
        tempfile.TemporaryDirectory(prefix="sidelong-load-") as folder,
        ThreadPoolExecutor(1, "model") as thread,
        Inbox(Path(folder) / "inbox.sqlite") as inbox,
    ):
        try:
            writer = load_writer(
                find_model(args.model, Catalog.default()),
                threads=Settings(threads=args.cpu_threads).threads,
                together=KEPT,
                spill=Spill(Path(folder) / "spilled"),
            )
        except SidelongError as error:
            print(error, file=sys.stderr)
            return 2
        found = asyncio.run(Run(load, inbox, thread, Assistant(writer)).go())
    for said, value in found.values():
        print(f"{said:<41} {f'{value:,.1f}'.removesuffix('.0'):>8}")
    print(json.dumps({name: round(value, 3) for name, (_, value) in found.items()}))
    return int(found["lost"][1] > 0)


if __name__ == "__main__":
    sys.exit(main())
