"""From the microphone to utterances: end of speech, then words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from device.voice.audio import Source
from device.voice.endpoint import Endpoint, Speech
from device.voice.recogniser import Recogniser, Vocabulary


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
        is_whole: Callable[[str, bool], bool],
        began: Callable[[], None] = lambda: None,
        endpoint: Endpoint | None = None,
    ):
        """`is_whole`: whether a text is a command that nothing more belongs to, where free words
        are heard and where they aren't; it is acted on at the first pause. `began` is called as
        soon as somebody speaks."""
        self._source = source
        self._recogniser = recogniser
        self._is_whole = is_whole
        self._began = began
        self._endpoint = endpoint or Endpoint()
        self._thread = ThreadPoolExecutor(1, "ears")
        self.silence = asyncio.Event()
        """Set while nobody speaks."""
        self.silence.set()

    def expect(self, vocabulary: Vocabulary) -> None:
        """What may be named from now on."""
        self._thread.submit(self._recogniser.expect, vocabulary)

    async def heard(self) -> AsyncIterator[Heard]:
        """Utterance after utterance. Raises `VoiceError` where there is no microphone."""
        loop = asyncio.get_running_loop()
        since, text, ready = 0.0, "", 0.0
        async for block in self._blocks():
            for event in await self._events(block):
                if event.what == "began":
                    since = time.monotonic()
                    self.silence.clear()
                    self._began()
                    continue
                if not event.was_paused:  # else it was understood while the silence went on
                    started = time.perf_counter()
                    recognise = self._recogniser.text
                    text = await loop.run_in_executor(self._thread, recognise, event.sound)
                    ready = event.ended_ago + time.perf_counter() - started
                if event.what == "paused":
                    if not self._is_whole(text, self._recogniser.dictates):
                        continue
                    self._endpoint.cut()
                self.silence.set()
                yield Heard(text, since, max(ready, event.ended_ago))
            if self._endpoint.speaking:
                self._thread.submit(self._recogniser.follow, self._endpoint.sound)

    async def close(self) -> None:
        """Let the microphone go."""
        await self._source.close()
        self._endpoint.close()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _blocks(self) -> AsyncIterator[bytes]:
        """The source's; a recording that ends with its last word is a button let go of."""
        async for block in self._source.blocks():
            yield block
        yield b""

    async def _events(self, block: bytes) -> Iterable[Speech]:
        """What happens in a block; b"" ends speech at once."""
        if not block:
            return [self._endpoint.cut()] if self._endpoint.speaking else []
        loop = asyncio.get_running_loop()
        return self._endpoint.feed(
            await loop.run_in_executor(self._thread, self._endpoint.weigh, block)
        )
