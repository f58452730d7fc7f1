"""Logs of the live flow: one JSON object a line, about what happened and never what was said.

    log.info("card", extra=about(conversation, ms=812))

A conversation is named by a short hash, so that lines about it can be followed. Texts stand in the
log only where the wearer asked for them (`--log-text`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import sys
from pathlib import Path
from typing import Any

from device.errors import SettingsError


def about(conversation: str | None = None, text: str | None = None, **facts: Any) -> dict[str, Any]:
    """What a log line says besides its event; `text` is left out unless the wearer asked for it."""
    named = None if conversation is None else hashlib.sha256(conversation.encode()).hexdigest()[:8]
    return {"facts": {"conversation": named, **facts}, "said": text}


class JsonLines(logging.Formatter):
    """Time, level, event and facts as one line of JSON."""

    def __init__(self, with_text: bool = False):
        super().__init__()
        self._with_text = with_text

    def format(self, record: logging.LogRecord) -> str:
        """The line. An exception is told by its type and place: its message may quote a text."""
        when = dt.datetime.fromtimestamp(record.created, dt.UTC)
        line: dict[str, Any] = {
            "at": when.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= getattr(record, "facts", {})
        if self._with_text:
            line["text"] = getattr(record, "said", None)
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            trace = record.exc_info[2]
            while trace and trace.tb_next:
                trace = trace.tb_next
            if trace:
                file = Path(trace.tb_frame.f_code.co_filename).name
                line["where"] = f"{file}:{trace.tb_lineno}"
            if self._with_text:
                line["text"] = str(record.exc_info[1])
        return json.dumps({k: v for k, v in line.items() if v is not None}, ensure_ascii=False)


def start_logging(path: Path | None, with_text: bool, level: int = logging.INFO) -> None:
    """Sidelong's own log to a file, or to stderr. Raises `SettingsError` where it can't be kept."""
    try:
        handler = (
            logging.StreamHandler(sys.stderr)
            if path is None
            else logging.FileHandler(path, encoding="utf-8")
        )
    except OSError as error:
        raise SettingsError(f"{path}: the log can't be written ({error.strerror})") from error
    handler.setFormatter(JsonLines(with_text))
    root = logging.getLogger("device")
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(level)
    root.propagate = False
