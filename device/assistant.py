"""The one flow: a thread in, a card out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

from device.connectors.files import read_threads
from device.errors import InputError
from device.language.catalog import Catalog
from device.language.grounding import Verdict
from device.language.load import find_model, load_writer
from device.language.writer import Writer
from device.messages import Card, Thread
from device.settings import DateOrder, Settings


class Assistant:
    """Reads threads and says what the glasses would show."""

    def __init__(self, writer: Writer):
        self._writer = writer

    @classmethod
    def from_settings(cls, settings: Settings, catalog: Catalog | None = None) -> Self:
        """With the model, engine and threads of the settings. Raises `ModelError`."""
        model = find_model(settings.model, catalog or Catalog.default())
        return cls(load_writer(model, settings.engine, settings.threads, settings.context))

    @property
    def writer(self) -> Writer:
        """The language room behind the flow."""
        return self._writer

    def card(self, thread: Thread) -> Card:
        """The card of one thread. Raises `ValueError` for a thread without messages."""
        return self._writer.card(thread)

    def judge(self, statement: str, thread: Thread) -> Verdict:
        """Whether a statement is supported by the thread, and what is not."""
        return self._writer.judge(statement, thread)


def read_all(
    paths: Iterable[Path],
    me: str | None = None,
    unread: int | None = None,
    date_order: DateOrder | None = None,
) -> Iterator[Thread | InputError]:
    """Threads of all files in their order; what can't be read comes as its error, in its place."""
    for path in paths:
        try:
            yield from read_threads(path, me=me, unread=unread, date_order=date_order)
        except InputError as error:
            yield error


def card_json(card: Card) -> str:
    """A card as one line of JSON."""
    record: dict[str, Any] = {
        "id": card.thread_id,
        "glance": card.glance.text,
        "glance_source": card.glance.source,
        "summary": card.summary.text,
        "summary_source": card.summary.source,
        "asks": card.asks,
        "needs_reply": card.triage.needs_reply,
        "urgency": card.triage.urgency,
        "replies": [{"intent": d.intent, "text": d.text} for d in card.drafts],
        "timings_ms": {part: round(ms, 1) for part, ms in card.timings_ms.items()},
        "tokens": card.tokens,
        "model": card.model,
    }
    return json.dumps(record, ensure_ascii=False)
