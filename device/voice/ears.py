"""From the microphone to utterances: end of speech, then words."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from device.voice.audio import Source
from device.voice.endpoint import Endpoint
from device.voice.recogniser import Recogniser, Vocabulary

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Heard:
    """One utterance."""

    text: str
    """"" where it was speech but nothing that was understood."""
    began: float
    """`time.monotonic` when it was noticed."""
    took: float
    """Seconds from the end of the speech until it was understood."""


class Ears:
    """One microphone and one recogniser."""

    def __init__(
        self,
        source: Source,
        recogniser: Recogniser,
        is_whole: Callable[[str], bool],
        began: Callable[[], None] = lambda: None,
        endpoint: Endpoint | None = None,
    ):
        """`is_whole`: whether a text is a command that nothing more belongs to; it is acted on at
        the first pause. `began` is called as soon as somebody speaks."""
        self._source = source
        self._recogniser = recogniser
        self._is_whole = is_whole
        self._began = began
        self._endpoint = endpoint or Endpoint()
        self._thread = ThreadPoolExecutor(1, "ears")

    def expect(self, vocabulary: Vocabulary) -> None:
        """What may be named from now on."""
        self._thread.submit(self._recogniser.expect, vocabulary)

    async def heard(self) -> AsyncIterator[Heard]:
        """Utterance after utterance. Raises `VoiceError` where there is no microphone."""
        since = 0.0
        async for block in self._source.blocks():
            for event in self._endpoint.feed(block):
                if event.what == "began":
                    since = time.monotonic()
                    self._began()
                    continue
                started = time.perf_counter()
                text = await self._words(event.sound)
                took = event.ended_ago + time.perf_counter() - started
                if event.what == "paused":
                    if not self._is_whole(text):
                        continue
                    self._endpoint.cut()
                yield Heard(text, since, took)
        if self._endpoint.speaking:  # a recording that ends with its last word
            started = time.perf_counter()
            text = await self._words(self._endpoint.cut().sound)
            yield Heard(text, since, time.perf_counter() - started)

    async def close(self) -> None:
        """Let the microphone go."""
        await self._source.close()
        self._endpoint.close()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _words(self, sound: bytes) -> str:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._recogniser.text, sound)
