"""What is spoken, sentence by sentence, and silenced at once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from device.errors import VoiceError
from device.voice.audio import Sink
from device.voice.speakable import sentences, speakable
from device.voice.synthesis import Voice

log = logging.getLogger(__name__)

POLITE = 3.0
"""Seconds that somebody else is let finish; a street is never silent for long."""


class Mouth:
    """One voice and one loudspeaker. While a sentence is heard the next one is made."""

    def __init__(self, voice: Voice, sink: Sink, began: Callable[[str], None] = lambda text: None):
        """`began` is called with each text when its first sound is on its way."""
        self._voice = voice
        self._sink = sink
        self._began = began
        self._turn = asyncio.Lock()
        self._silenced = 0
        self._last_sound = float("-inf")
        self._maker = ThreadPoolExecutor(1, "voice")
        self._playing = False
        self.works = True
        """Whether the last sentence could be made and played."""

    @property
    def speaking(self) -> bool:
        """Whether anything is spoken or waits to be."""
        return self._turn.locked()

    @property
    def last_sound(self) -> float:
        """`time.monotonic` when it was last heard; now, while it is."""
        return time.monotonic() if self._playing else self._last_sound

    async def say(self, text: str, silence: asyncio.Event | None = None) -> bool:
        """Speak it behind what is being spoken, and once there is `silence`, which is waited for no
        longer than `POLITE`; whether all of it was heard."""
        silenced = self._silenced
        async with self._turn:
            loop = asyncio.get_running_loop()
            pieces = sentences(speakable(text))
            made = [loop.run_in_executor(self._maker, self._voice.sound, piece) for piece in pieces]
            if silence is not None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(silence.wait(), POLITE)
            try:
                for number, coming in enumerate(made):
                    sound = await coming
                    if silenced != self._silenced:
                        return False
                    if number == 0:
                        self._began(text)
                    self._playing = True
                    await self._sink.play(sound)
                    self._playing, self._last_sound = False, time.monotonic()
                    self.works = True
                    if silenced != self._silenced:
                        return False
            except VoiceError as error:
                log.warning("speech: %s", error)
                self.works = False
                return False
            finally:
                self._playing = False
                for coming in made:
                    coming.cancel()
            return True

    def hush(self) -> None:
        """Silence at once; what waits is dropped."""
        self._silenced += 1
        self._sink.stop()

    async def close(self) -> None:
        """Silence, and let the loudspeaker go. Raises `VoiceError`."""
        self.hush()
        self._maker.shutdown(wait=False, cancel_futures=True)
        await self._sink.close()
