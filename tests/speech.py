"""Wearers made by eSpeak NG, in quiet and in noise; always the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from device.voice.audio import RATE, samples
from device.voice.synthesis import Espeak

LEVEL = 6_000.0
"""Root mean square of a wearer's voice near the microphone, of 32768."""


def silence(seconds: float) -> bytes:
    """Digital silence."""
    return bytes(2 * round(seconds * RATE))


def wearer(text: str, voice: str = "en-us", words_a_minute: int = 150) -> bytes:
    """Somebody says it, at a level that is always the same."""
    spoken = samples(Espeak(voice, words_a_minute).sound(text)).astype(float)
    spoken *= LEVEL / np.sqrt(np.mean(spoken**2))
    return np.clip(np.rint(spoken), -(2**15), 2**15 - 1).astype("<i2").tobytes()


def last_sound(sound: bytes) -> float:
    """Seconds until the last of it that can be heard: eSpeak ends with a silence."""
    loud = np.flatnonzero(np.abs(samples(sound).astype(int)) > LEVEL / 50)
    return float(loud[-1]) / RATE


def pink(length: int, seed: int) -> np.ndarray:
    """So many samples of noise with as much power in each octave, of mean square 1."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(length))
    shaped = np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum)))), length)
    return shaped / np.sqrt(np.mean(shaped**2))


def in_noise(sound: bytes, snr_db: float | None, seed: int = 7) -> bytes:
    """The same in pink noise so many dB below a wearer's voice; None adds a microphone's hiss."""
    level = LEVEL / 10 ** ((60.0 if snr_db is None else snr_db) / 20)
    mixed = samples(sound).astype(float)
    mixed = mixed + level * pink(len(mixed), seed)
    return np.clip(np.rint(mixed), -(2**15), 2**15 - 1).astype("<i2").tobytes()


def scene(said: Sequence[bytes], pause: float = 1.2) -> bytes:
    """One after the other, with pauses before, between and behind."""
    return silence(pause) + b"".join(one + silence(pause) for one in said)
