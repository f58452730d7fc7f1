"""A voice, a loudspeaker and a recogniser that a test holds in its hands; a wearer with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

from device.by_ear import ByEar, Ending
from device.errors import VoiceError
from device.settings import Activity
from device.voice.audio import Feed
from device.voice.endpoint import CHUNK, Endpoint
from device.voice.mouth import Mouth
from device.voice.recogniser import Vocabulary
from tests.lives import Glass


class Words:
    """A voice whose sound is its text."""

    name = "words"

    def sound(self, text: str) -> bytes:
        if "fail" in text:
            raise VoiceError("espeak-ng says nothing")
        return text.encode()


class Room:
    """A loudspeaker that plays each sound until it is stopped, or a test lets all of them end."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.stops = 0
        self.goes_on = asyncio.Event()
        self.begun = asyncio.Event()
        self._stopped = asyncio.Event()

    async def play(self, sound: bytes) -> None:
        self._stopped.clear()
        self.heard.append(sound.decode())
        self.begun.set()
        ends = [asyncio.create_task(event.wait()) for event in (self.goes_on, self._stopped)]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()

    def stop(self) -> None:
        self.stops += 1
        self._stopped.set()

    async def close(self) -> None:
        self.stop()


class Letters:
    """A recogniser whose sound is text, a byte a chunk; "_" stands between words."""

    dictates = True

    def __init__(self) -> None:
        self.asked = 0
        self.followed = b""
        self.vocabulary = Vocabulary()

    def expect(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    def follow(self, sound: bytes) -> None:
        self.followed = sound

    def text(self, sound: bytes) -> str:
        self.asked += 1
        letters = sound[::CHUNK].replace(b" ", b"").replace(b"_", b" ")
        if letters == b"deaf":
            raise RuntimeError("the recogniser is gone")
        return letters.decode()


def spoken(text: str) -> bytes:
    return b"".join(bytes([letter]) * CHUNK for letter in text.encode())


def loud_but_blanks(sound: bytes) -> list[float]:
    """A detector of the same sound: a blank is silence."""
    return [0.0 if sound[at : at + 1] == b" " else 1.0 for at in range(0, len(sound), CHUNK)]


class Street:
    """A wearer with ears, a mouth and a glass."""

    def __init__(self, activity: Activity, ends_with: Ending) -> None:
        self.glass, self.feed, self.room = Glass(), Feed(), Room()
        self.recogniser = Letters()
        endpoint = Endpoint(loud_but_blanks)
        self.by_ear = ByEar(
            self.glass,
            self.feed,
            self.recogniser,
            Mouth(Words(), self.room),
            lambda: activity,
            lambda: ["Ben"],
            endpoint,
            ends_with,
        )
        self.utterances = self.by_ear.utterances()

    def says(self, text: str) -> None:
        self.feed.put(spoken(text) + b" " * (30 * CHUNK))

    async def passed(self) -> str:
        return await asyncio.wait_for(anext(self.utterances), 30)

    async def until(self, spoken: str) -> None:
        async with asyncio.timeout(30):
            while spoken not in self.room.heard:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def street(
    activity: Activity = "seated", ends_with: Ending = "typing"
) -> AsyncIterator[Street]:
    made = Street(activity, ends_with)
    try:
        yield made
    finally:
        await made.by_ear.close()


def play(test: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(test())
