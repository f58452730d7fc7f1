"""What sound is in here, where it comes from, and where it goes.

Sound is 16-bit little-endian samples, one channel, 16,000 a second, as `bytes`: what the browser's
page gives, what the recognisers were trained on. A source gives it in blocks of any length.
"""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from device.errors import VoiceError

RATE = 16_000
"""Samples a second."""
WIDTH = 2
"""Bytes a sample."""
BLOCK = 1_600 * WIDTH
"""Bytes of a tenth of a second."""


class Source(Protocol):
    """A microphone, or what stands for one."""

    def blocks(self) -> AsyncIterator[bytes]:
        """Sound as it comes; b"" where the wearer has let go of a button. Ends with `close`."""

    async def close(self) -> None:
        """Let it go. May be called twice."""


class Sink(Protocol):
    """A loudspeaker, or what stands for one."""

    async def play(self, sound: bytes) -> None:
        """Returns when all of it was heard, or after `stop`. Raises `VoiceError`."""

    def stop(self) -> None:
        """Silence at once; nothing happens where nothing is played."""

    async def close(self) -> None:
        """Let it go. May be called twice."""


def seconds(length: int) -> float:
    """How long so many bytes of sound last.

    >>> seconds(BLOCK)
    0.1
    """
    return length / (RATE * WIDTH)


def samples(sound: bytes) -> NDArray[np.int16]:
    """The samples of a sound, as numbers."""
    return np.frombuffer(sound, "<i2")


def resampled(values: NDArray[np.int16], rate: int) -> bytes:
    """Samples of another rate as sound of ours, band-limited: its spectrum is cut or padded."""
    if rate == RATE or not len(values):
        return values.astype("<i2").tobytes()
    length = max(1, round(len(values) * RATE / rate))
    spectrum = np.fft.rfft(values.astype(float))
    resized = np.fft.irfft(spectrum[: length // 2 + 1], length) * (length / len(values))
    return np.clip(np.rint(resized), -(2**15), 2**15 - 1).astype("<i2").tobytes()


def read_wav(path: Path) -> bytes:
    """A WAV file as sound; of several channels the first. Raises `VoiceError`."""
    try:
        with path.open("rb") as raw, wave.open(raw) as file:
            if file.getsampwidth() != WIDTH:
                raise wave.Error(f"{8 * file.getsampwidth()} bits a sample")
            values = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            return resampled(values[:: file.getnchannels()], file.getframerate())
    except OSError as error:
        raise VoiceError(f"{path}: can't be read: {error.strerror}") from error
    except (EOFError, ValueError, wave.Error) as error:
        why = str(error) or "it ends too early"
        raise VoiceError(
            f"{path}: no WAV file of 16-bit samples ({why}); convert it: "
            "ffmpeg -i IN -c:a pcm_s16le OUT.wav"
        ) from error


def write_wav(path: Path, sound: bytes) -> None:
    """Sound as a WAV file. Raises `VoiceError`."""
    try:
        with path.open("wb") as raw, wave.open(raw, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(WIDTH)
            file.setframerate(RATE)
            file.writeframes(sound)
    except OSError as error:
        raise VoiceError(f"{path}: can't be written: {error.strerror}") from error


class Recording:
    """A `Source` of sound that is there already: a file's, or a test's.

    `pace` 1 gives it as a microphone would; None at once.
    """

    def __init__(self, sound: bytes, pace: float | None = 1.0):
        self._sound = sound
        self._pace = pace
        self._closed = False

    async def blocks(self) -> AsyncIterator[bytes]:
        """All of it, then the end."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        for at in range(0, len(self._sound), BLOCK):
            if self._closed:
                return
            block = self._sound[at : at + BLOCK]
            if self._pace is not None:
                ready = start + seconds(at + len(block)) / self._pace
                await asyncio.sleep(max(0.0, ready - loop.time()))
            yield block

    async def close(self) -> None:
        """End it after the block under way."""
        self._closed = True


class Feed:
    """A `Source` that somebody else's sound is put into: the browser's page, or a test."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue()

    def put(self, sound: bytes) -> None:
        """The next block; b"" where the wearer has let go of the button."""
        self._waiting.put_nowait(sound)

    async def blocks(self) -> AsyncIterator[bytes]:
        """What is put in, in its order."""
        while (block := await self._waiting.get()) is not None:
            yield block

    async def close(self) -> None:
        """End it behind what was put in."""
        self._waiting.put_nowait(None)


class Tape:
    """A `Sink` that keeps what was played, and writes it to a file where it has one.

    `pace` 1 lasts as long as a loudspeaker would; None takes no time.
    """

    def __init__(self, path: Path | None = None, pace: float | None = 1.0):
        """Raises `VoiceError` for a file that can't be written."""
        if path is not None:
            write_wav(path, b"")
        self._path = path
        self.pace = pace
        self._stopped = asyncio.Event()
        self.sound = b""

    async def play(self, sound: bytes) -> None:
        """Keep it, as far as it was played."""
        self._stopped.clear()
        if self.pace is None:
            self.sound += sound
            return
        started = asyncio.get_running_loop().time()
        try:
            await asyncio.wait_for(self._stopped.wait(), seconds(len(sound)) / self.pace)
        except TimeoutError:
            self.sound += sound
        else:
            played = asyncio.get_running_loop().time() - started
            self.sound += sound[: round(played * self.pace * RATE) * WIDTH]

    def stop(self) -> None:
        """Silence at once."""
        self._stopped.set()

    async def close(self) -> None:
        """Write the file. Raises `VoiceError`."""
        self.stop()
        if self._path is not None:
            write_wav(self._path, self.sound)
