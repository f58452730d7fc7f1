"""The one flow: a thread in, a card out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Self

from device.language.adapter_choice import Adapters
from device.language.catalog import Catalog
from device.language.load import find_model, load_writer
from device.language.spill import Spill
from device.language.writer import Writer
from device.messages import Card, Thread
from device.settings import Settings


class Assistant:
    """Reads threads and says what the glasses would show."""

    def __init__(self, writer: Writer):
        self._writer = writer

    @classmethod
    def from_settings(
        cls, settings: Settings, together: int = 1, spill: Spill | None = None
    ) -> Self:
        """With the model, engine and threads of the settings, and the wearer's own adapter.

        What is learnt or rolled back later speaks from the next thread on. Raises `ModelError`.

        `together`: how many threads `cards` reads side by side, or `card` keeps prefilled.
        `spill`: where those are put that make room for others.
        """
        model = find_model(settings.model, Catalog.default())
        return cls(
            load_writer(
                model,
                settings.engine,
                settings.threads,
                settings.context,
                together,
                adapter=Adapters.default().follow(model.sha256),
                spill=spill,
            )
        )

    def card(self, thread: Thread) -> Card:
        """The card of one thread. Raises `ValueError` for a thread without messages."""
        return self._writer.card(thread)

    def stages(self, thread: Thread) -> Iterator[Card]:
        """The card as far as it is written: with its glance first, the last one whole.

        Raises `ValueError` for a thread without messages.
        """
        return self._writer.stages(thread)

    def keep_up(self, thread: Thread) -> None:
        """Read on in a thread that is prefilled, before anything is asked of it."""
        self._writer.keep_up(thread)

    def forget(self, thread_id: str) -> None:
        """Keep nothing of that thread, neither in memory nor on disk."""
        self._writer.forget(thread_id)

    def cards(self, threads: Sequence[Thread]) -> Iterator[Card]:
        """A card a thread, in their order. Raises `ValueError` for one without messages."""
        return self._writer.cards(threads)


def card_json(card: Card) -> str:
    """A card as one line of JSON."""
    record: dict[str, Any] = {
        "id": card.thread_id,
        "glance": card.glance.text,
        "glance_source": card.glance.source,
        "summary": card.summary.text,
        "summary_source": card.summary.source,
        "asks": card.asks and card.asks.text,
        "asks_source": card.asks and card.asks.source,
        "needs_reply": card.triage.needs_reply,
        "urgency": card.triage.urgency,
        "replies": [{"intent": d.intent, "text": d.text, "source": d.source} for d in card.drafts],
        "timings_ms": {part: round(ms, 1) for part, ms in card.timings_ms.items()},
        "tokens": card.tokens,
        "model": card.model,
    }
    return json.dumps(record, ensure_ascii=False)
