"""Text-to-speech: Piper where one of its voices is installed, eSpeak NG otherwise."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from device.errors import VoiceError
from device.voice.audio import resampled

WORDS_A_MINUTE = 175


class Voice(Protocol):
    """Says one piece of text. Called from one thread at a time."""

    name: str

    def sound(self, text: str) -> bytes:
        """The text spoken. Raises `VoiceError`."""


class Espeak:
    """eSpeak NG, a process a sentence: 20 to 50 ms, robotic, in a hundred languages."""

    def __init__(self, voice: str = "en-us", words_a_minute: int = WORDS_A_MINUTE):
        """Raises `VoiceError` where it isn't installed."""
        program = shutil.which("espeak-ng")
        if program is None:
            raise VoiceError(
                "nothing to speak with: apt install espeak-ng, or fetch a Piper voice with "
                "`sidelong voice pull`"
            )
        self.name = f"espeak-ng {voice}"
        # --stdin: text that begins with a dash is no option.
        self._command = [program, "-v", voice, "-s", str(words_a_minute), "--stdin", "--stdout"]

    def sound(self, text: str) -> bytes:
        """The text spoken."""
        try:
            done = subprocess.run(
                self._command, input=text.encode(), capture_output=True, timeout=60
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise VoiceError(f"espeak-ng: {error}") from error
        if done.returncode or not done.stdout:
            problem = done.stderr.decode(errors="replace").strip()
            raise VoiceError(f"espeak-ng says nothing ({problem or done.returncode})")
        with wave.open(io.BytesIO(done.stdout)) as file:
            # Piped, the length in its header is a placeholder: read what is there.
            values = np.frombuffer(file.readframes(2**30), "<i2")
            return resampled(values, file.getframerate())


class Piper:
    """A neural voice: `NAME.onnx` and `NAME.onnx.json` (https://github.com/OHF-Voice/piper1-gpl)."""

    def __init__(self, model: Path):
        """Raises `VoiceError` for a file that is no voice, or where piper-tts isn't installed."""
        try:
            from piper import PiperVoice
        except ImportError as error:
            raise VoiceError("piper-tts is missing; pip install 'sidelong[voice]'") from error
        self.name = f"piper {model.stem}"
        try:
            self._voice: Any = PiperVoice.load(model)
        except Exception as error:  # whatever ONNX Runtime and the JSON raise
            raise VoiceError(f"{model}: no Piper voice: {error}") from error

    def sound(self, text: str) -> bytes:
        """The text spoken."""
        try:
            parts = [
                resampled(np.frombuffer(part.audio_int16_bytes, "<i2"), part.sample_rate)
                for part in self._voice.synthesize(text)
            ]
        except Exception as error:  # as above
            raise VoiceError(f"{self.name}: {error}") from error
        return b"".join(parts)
