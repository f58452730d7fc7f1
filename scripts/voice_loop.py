"""A morning by ear, to be listened to: `python scripts/voice_loop.py [OUT.wav]`.

Plays `tests/morning.py`, prints what was said and spoken and how long it took, and writes what was
to be heard: Sidelong and the wearer, one after the other.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from device.voice.audio import write_wav
from tests.morning import morning


def main() -> None:
    print(
        "A morning of thirty messages; what Sidelong says, when, and what the wearer is doing then."
    )
    with tempfile.TemporaryDirectory() as folder:
        came = asyncio.run(morning(Path(folder) / "inbox.sqlite"))
    for text, activity, seconds in came.spoken:
        print(f"{seconds:6.1f} s  {activity:8}  {text[:90]}")
    print("answered:", ", ".join(f"{words} {seconds:.2f} s" for words, seconds in came.answers))
    print("said:", ", ".join(f"{words} ({times}x)" for words, times in came.said))
    print("sent:", came.sent)
    for name, times in (
        ("message to spoken glance", came.glance_seconds),
        ("end of speech to understood", came.understood_seconds),
        ("end of speech to first sound", [seconds for _, seconds in came.answers]),
    ):
        print(f"{name}: median {statistics.median(times):.2f} s, most {max(times):.2f} s")
    if len(sys.argv) > 1:
        write_wav(Path(sys.argv[1]), came.sound)
        print(f"to be listened to: {sys.argv[1]}")


if __name__ == "__main__":
    main()
