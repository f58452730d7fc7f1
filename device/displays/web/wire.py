"""What goes over the websocket: the whole state to a page, utterances back.

To the page, one JSON object each time anything changes:

    {"number": 7, "audio": false, "scene": {
        "tier": "card", "title": "Ben", "hint": "reply, later",
        "rows": [{"text": "Ben: chairs?", "mark": "model", "label": ""}],
        "thread": {"title": "Ben", "is_group": false, "earlier": 0, "messages": [
            {"sender": "Ben", "text": "…", "time": "18:02", "date": "2025-03-31",
             "mine": false, "new": true}]}}}

From the page: `{"say": TEXT}`, `{"drawn": NUMBER}`, and sound as binary frames, which
`display.AudioHook` describes.
"""

from __future__ import annotations

import json
from typing import Any

from device.displays.scene import Scene
from device.messages import Message, Thread
from device.text import clean, neutralise

LAST = 60
"""Messages of a thread that the page shows; of the others it says how many there are."""


def state(number: int, scene: Scene, audio: bool) -> str:
    """All that a page shows. Everybody's words in it are neutralised."""
    record = {"number": number, "audio": audio, "scene": _scene(scene)}
    return json.dumps(record, ensure_ascii=False)


def read(frame: str) -> str | int:
    """What a page says: an utterance, or the number of the scene that it has drawn.

    Raises `ValueError` for anything else.
    """
    try:
        record = json.loads(frame)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    match record:
        case {"say": str(text)}:
            return clean(text).strip()
        case {"drawn": int(number)}:
            return number
    raise ValueError("neither an utterance nor a number")


def _scene(scene: Scene) -> dict[str, Any]:
    return {
        "tier": scene.tier,
        "title": neutralise(scene.title),
        "hint": neutralise(scene.hint),
        "rows": [
            {"text": neutralise(row.text), "mark": row.mark, "label": neutralise(row.label)}
            for row in scene.rows
        ],
        "thread": scene.thread and _thread(scene.thread),
    }


def _thread(thread: Thread) -> dict[str, Any]:
    earlier = max(0, len(thread.messages) - LAST)
    return {
        "title": neutralise(thread.title or "") or ("Group" if thread.is_group else "Chat"),
        "is_group": thread.is_group,
        "earlier": earlier,
        "messages": [
            _message(message, thread, i >= thread.unread_from)
            for i, message in enumerate(thread.messages[earlier:], start=earlier)
        ],
    }


def _message(message: Message, thread: Thread, unread: bool) -> dict[str, Any]:
    mine = message.sender == thread.me
    return {
        "sender": neutralise(message.sender),
        "text": neutralise(message.text),
        "time": message.time and message.time.strftime("%H:%M"),
        "date": message.date and message.date.isoformat(),
        "mine": mine,
        "new": unread and not mine,
    }
