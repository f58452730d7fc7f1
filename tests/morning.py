"""A morning by ear: thirty messages in four groups, and a wearer made by eSpeak who answers.

Everything between the microphone's samples and the connector is real (detector, end of speech,
recogniser, the live flow, consent, eSpeak's voice); the model is a quick one of the tests', and the
loudspeaker a tape. A command that isn't understood is said again, as a person would.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from device import desk
from device.by_ear import ByEar
from device.connectors.connector import Arrival
from device.consent import Patience
from device.messages import Card, Draft, Message, Thread
from device.settings import Activity
from device.voice.audio import Feed, Recording, Tape
from device.voice.mouth import Mouth
from device.voice.pocketsphinx_recogniser import PocketSphinx
from device.voice.synthesis import Espeak
from tests.lives import Glass, Peer, card, living
from tests.speech import in_noise, last_sound, silence, wearer

GROUPS = {"run": "Morning runners", "home": "Family", "work": "Work", "choir": "Choir"}
PEOPLE = ("David", "Sarah", "Anna", "Ben")
TEXTS = (
    "good morning everybody, it is going to rain all day long, so please bring a coat along",
    "who has the key?", "I do", "bus 18 is late", "see you at 9:30", "thanks 👍",
    "the plan is at https://example.org/plan", "dinner at seven?",
)  # fmt: skip
LONG = "we were thinking about the holidays and there is so much to tell. " * 6
DRAFTS = ("Yes, with pleasure.", "See you at seven on Friday.", "Who else is coming?")
TRIES = 4
SNR = 20.0
"""Decibels of the wearer above the street."""


@dataclass
class Morning:
    """What came of it."""

    spoken: list[tuple[str, Activity, float]] = field(default_factory=list)
    """Text, what the wearer was doing, and seconds since the start."""
    said: list[tuple[str, int]] = field(default_factory=list)
    """Each command and how often it had to be said."""
    shown: list[str] = field(default_factory=list)
    sent: list[tuple[str, ...]] = field(default_factory=list)
    glance_seconds: list[float] = field(default_factory=list)
    """From a message's arrival to the first sound of its glance."""
    answers: list[tuple[str, float]] = field(default_factory=list)
    """Each command, and seconds from its last sound to the first sound of the answer."""
    understood_seconds: list[float] = field(default_factory=list)
    """Of these, until the command was understood."""
    cut_short: bool = False
    """Whether the long message fell silent when the wearer spoke."""
    sound: bytes = b""
    """What was to be heard: Sidelong's loudspeaker and, between, the wearer."""


def drafted(thread: Thread) -> Card:
    drafts = tuple(Draft("inform", text) for text in DRAFTS)
    return replace(card(thread), drafts=drafts)


async def morning(path: Path, pace: float = 12.0) -> Morning:
    """Play it; the inbox lies at `path`, and speech goes `pace` times as fast as it would."""
    came = Morning()
    start = time.monotonic()
    activity: list[Activity] = ["riding"]
    wearer_said: list[tuple[int, bytes]] = []
    glass, peer, feed, tape = Glass(), Peer(), Feed(), Tape(pace=pace)

    def began(text: str) -> None:
        came.spoken.append((text, activity[0], time.monotonic() - start))

    mouth = Mouth(Espeak(), tape, began)
    by_ear = ByEar(
        glass, feed, PocketSphinx(), mouth, lambda: activity[0], lambda: list(GROUPS.values())
    )

    async def until(what: Callable[[], bool], patience: float) -> bool:
        end = time.monotonic() + patience
        while not what() and time.monotonic() < end:
            await asyncio.sleep(0.02)
        return what()

    async def quiet() -> None:
        """The wearer lets Sidelong finish, and the room fall silent."""
        await until(lambda: not mouth.speaking and time.monotonic() > mouth.last_sound + 0.4, 120)

    async def say(words: str, effect: Callable[[], bool], over: bool = False) -> None:
        for attempt in range(1, TRIES + 1):
            if not over:
                await quiet()
            speech = wearer(words)
            sound = in_noise(silence(0.4) + speech + silence(1.1), SNR, seed=attempt)
            wearer_said.append((len(tape.sound), silence(0.4) + speech + silence(0.4)))
            before, ended = len(came.spoken), time.monotonic() + 0.4 + last_sound(speech)
            async for block in Recording(sound).blocks():
                feed.put(block)
            if await until(effect, 20):
                came.said.append((words, attempt))

                def answered(since: int = before, end: float = ended) -> list[float]:
                    begun = [start + at - end for *_, at in came.spoken[since:]]
                    return [seconds for seconds in begun if seconds > 0]

                if not over and await until(lambda: bool(answered()), 20):
                    came.answers.append((words, answered()[0]))
                return
        raise AssertionError(f"{words!r} was not understood in {TRIES} tries: {glass.text}")

    def heard(text: str) -> Callable[[], bool]:
        at = len(came.spoken)
        return lambda: any(text in one for one, *_ in came.spoken[at:])

    patience = Patience(answer=300, countdown=0.05)
    async with living(path, by_ear, peer, drafted, patience):  # type: ignore[arg-type]
        for number in range(30):
            conversation = list(GROUPS)[number % 4]
            text = TEXTS[number % len(TEXTS)]
            told = heard(GROUPS[conversation])
            arrived = time.monotonic()
            peer.brings(arrival(conversation, PEOPLE[number % 4], text, f"m{number}"))
            if number < 4:
                assert await until(told, 60), "a first glance is spoken"
                came.glance_seconds.append(time.monotonic() - arrived)
                await quiet()
                await asyncio.sleep(desk.GLANCE_LEAST)  # so that the next one waits for nothing
        await quiet()
        activity[0] = "seated"
        await say("reply to family", lambda: "Reply to Family" in glass.text)
        await say("second", lambda: "To Family?" in glass.text and DRAFTS[1] in glass.text)
        await say("change seven to half past seven", lambda: "half past seven" in glass.text)
        await say("send", lambda: bool(peer.sent))
        await say("reply to choir", lambda: "Reply to Choir" in glass.text)
        await say("the second one", lambda: "To Choir?" in glass.text)
        await say("no, cancel", lambda: "Nothing was sent." in glass.text)
        peer.brings(arrival("work", "David", LONG, "long"))
        await until(lambda: LONG[:20] in glass.text, 60)
        tape.pace = 1.0  # what is cut short has to last
        told = heard("holidays")
        await say("read it", lambda: "so much to tell" in glass.text)
        await until(told, 30)
        before = len(tape.sound)
        await say("later", lambda: not mouth.speaking, over=True)
        whole = len(Espeak().sound(LONG))
        came.cut_short = len(tape.sound) - before < whole / 2
        came.shown = [row.text for scene in glass.scenes for row in scene.rows]
    came.understood_seconds = by_ear.latencies
    came.sent = peer.sent
    at = 0
    for until_then, words in wearer_said:
        came.sound += tape.sound[at:until_then] + words
        at = until_then
    came.sound += tape.sound[at:]
    return came


def arrival(conversation: str, sender: str, text: str, id: str) -> Arrival:
    """A message into one of the groups."""
    return Arrival(conversation, Message(sender, text, id=id), GROUPS[conversation], True)
