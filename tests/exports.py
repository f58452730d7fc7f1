"""Chat exports to read: where the golden ones lie, a short one, and what reading one gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from device.connectors.files import read_threads
from device.errors import InputError
from device.messages import Thread

GOLDEN = Path(__file__).parent / "device/connectors/golden"
EXPECTED = sorted(GOLDEN.glob("*.expected.json"))
CHAT = "01/03/24, 10:00 - Ben: hi\n13/03/24, 10:01 - Anna: hello\n"


def export_of(expected: Path) -> Path:
    export = GOLDEN / expected.name.removesuffix(".expected.json")
    return export / "_chat.txt" if export.is_dir() else export


def as_json(item: Thread | InputError) -> dict[str, Any]:
    """A thread as the golden files write it."""
    if isinstance(item, InputError):
        return {"error": item.problem, "line": item.line}
    return {
        "id": item.id,
        "title": item.title,
        "me": item.me,
        "is_group": item.is_group,
        "unread_from": item.unread_from,
        "messages": [
            [
                m.date.isoformat() if m.date else None,
                m.time.isoformat("minutes") if m.time else None,
                m.sender,
                m.text,
            ]
            for m in item.messages
        ],
    }


def problem(path: Path, **options: Any) -> InputError:
    """The error for a file that can't be read at all, raised before anything is asked for."""
    with pytest.raises(InputError) as caught:
        read_threads(path, **options)
    return caught.value
