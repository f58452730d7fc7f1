"""An empty inbox, and where it lies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from device.inbox import Inbox


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sidelong" / "inbox.db"


@pytest.fixture
def inbox(path: Path) -> Iterator[Inbox]:
    with Inbox(path) as opened:
        yield opened
