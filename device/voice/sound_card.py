"""Microphone and loudspeaker by PortAudio (sounddevice): chosen, plugged out, plugged in again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Literal

from device.errors import VoiceError
from device.voice.audio import BLOCK, RATE, WIDTH

log = logging.getLogger(__name__)

Way = Literal["input", "output"]
AGAIN = 2.0
"""Seconds between two tries to open a device that is gone."""
DUMB = 3.0
"""Seconds without a block after which a microphone counts as gone: some never report it."""
_NAMES: dict[Way, str] = {"input": "microphone", "output": "loudspeaker"}


@dataclass(frozen=True, slots=True)
class Device:
    """One device of this machine."""

    number: int
    name: str
    inputs: int
    outputs: int
    is_default_input: bool
    is_default_output: bool


def devices() -> tuple[Device, ...]:
    """All that PortAudio knows. Raises `VoiceError` where there is no PortAudio."""
    card = _portaudio()
    default_in, default_out = card.default.device
    return tuple(
        Device(
            number,
            str(found["name"]),
            int(found["max_input_channels"]),
            int(found["max_output_channels"]),
            number == default_in,
            number == default_out,
        )
        for number, found in enumerate(card.query_devices())
    )


def chosen(wanted: str | None, way: Way) -> Device:
    """The device of that number or name (or a part of it); without one the default.

    Raises `VoiceError` where there is none, or several have that part in their names.
    """
    able = [d for d in devices() if (d.inputs if way == "input" else d.outputs)]
    what = _NAMES[way]
    if not able:
        raise VoiceError(f"there is no {what} here; plug one in, or see `sidelong voice devices`")
    if wanted is None:
        defaults = [d for d in able if (d.is_default_input, d.is_default_output)[way == "output"]]
        return (defaults or able)[0]
    fits = [d for d in able if str(d.number) == wanted or d.name.casefold() == wanted.casefold()]
    fits = fits or [d for d in able if wanted.casefold() in d.name.casefold()]
    if len(fits) == 1:
        return fits[0]
    problem = "several are" if fits else "none is"
    names = ", ".join(f"{d.number} {d.name}" for d in fits or able)
    raise VoiceError(f"{what} {wanted!r}: {problem} called so; there is {names}")


class Microphone:
    """A `Source`. When it is plugged out, `tell` hears of it, and it is looked for until it comes.

    The first opening raises `VoiceError` from `blocks` where there is no such device.
    """

    def __init__(self, wanted: str | None = None, tell: Callable[[str], None] = lambda note: None):
        self._wanted = wanted
        self._tell = tell
        self._closed = asyncio.Event()

    async def blocks(self) -> AsyncIterator[bytes]:
        """A tenth of a second each."""
        stream, coming = self._open()
        try:
            while not self._closed.is_set():
                try:
                    block = await asyncio.wait_for(coming.get(), DUMB)
                except TimeoutError:
                    block = None
                if block is not None:
                    yield block
                    continue
                if self._closed.is_set():
                    return
                _shut(stream)
                self._tell("The microphone is gone. Plug it in again.")
                stream = None
                while stream is None:
                    if await _ended(self._closed, AGAIN):
                        return
                    _look_again()
                    try:
                        stream, coming = self._open()
                    except VoiceError as error:
                        log.debug("microphone: %s", error)
                self._tell("The microphone is back.")
        finally:
            _shut(stream)

    async def close(self) -> None:
        """End the blocks."""
        self._closed.set()

    def _open(self) -> tuple[Any, asyncio.Queue[bytes | None]]:
        device = chosen(self._wanted, "input")
        loop = asyncio.get_running_loop()
        coming: asyncio.Queue[bytes | None] = asyncio.Queue()

        def came(block: Any, frames: int, time: Any, status: Any) -> None:
            loop.call_soon_threadsafe(coming.put_nowait, bytes(block))

        def ended() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(coming.put_nowait, None)

        card = _portaudio()
        try:
            stream = card.RawInputStream(
                samplerate=RATE,
                blocksize=BLOCK // WIDTH,
                device=device.number,
                channels=1,
                dtype="int16",
                callback=came,
                finished_callback=ended,
            )
            stream.start()
        except card.PortAudioError as error:
            raise VoiceError(
                f"microphone {device.name!r} can't be opened at {RATE} Hz: {error}; "
                "choose another, such as pulse or default, see `sidelong voice devices`"
            ) from error
        return stream, coming


class Loudspeaker:
    """A `Sink`. When it is plugged out, what was played ends, and the next sound looks for it."""

    def __init__(self, wanted: str | None = None):
        """Raises `VoiceError` where there is no such device."""
        self._wanted = wanted
        self._stopping = asyncio.Event()
        chosen(wanted, "output")

    async def play(self, sound: bytes) -> None:
        """Play it. Raises `VoiceError` where the device can't be had."""
        self._stopping.clear()
        card = _portaudio()
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        at = 0

        def wanted(block: Any, frames: int, time: Any, status: Any) -> None:
            nonlocal at
            part = sound[at : at + len(block)]
            at += len(part)
            block[: len(part)] = part
            block[len(part) :] = bytes(len(block) - len(part))
            if len(part) < len(block):
                raise card.CallbackStop

        try:
            device = chosen(self._wanted, "output")
            stream = card.RawOutputStream(
                samplerate=RATE,
                device=device.number,
                channels=1,
                dtype="int16",
                callback=wanted,
                finished_callback=lambda: loop.call_soon_threadsafe(done.set),
            )
            stream.start()
        except (card.PortAudioError, VoiceError) as error:
            _look_again()
            raise VoiceError(f"the loudspeaker can't be used: {error}") from error
        both = [asyncio.create_task(done.wait()), asyncio.create_task(self._stopping.wait())]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            _shut(stream)

    def stop(self) -> None:
        """Silence at once; what the card has in its buffer is thrown away."""
        self._stopping.set()

    async def close(self) -> None:
        """Silence."""
        self.stop()


def _portaudio() -> Any:
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise VoiceError(
            f"microphone and speaker need PortAudio ({error}); "
            "pip install sounddevice, and on Debian: apt install libportaudio2"
        ) from error
    return sounddevice


def _look_again() -> None:
    """Let PortAudio see what was plugged in since: it looks only when it is initialised."""
    card = _portaudio()
    card._terminate()
    card._initialize()


def _shut(stream: Any) -> None:
    if stream is not None:
        try:
            stream.abort()
            stream.close()
        except _portaudio().PortAudioError as error:  # it is gone already
            log.debug("stream: %s", error)


async def _ended(event: asyncio.Event, timeout: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), timeout)
    except TimeoutError:
        return False
    return True
