"""Many threads on one real engine: each card is as if its thread had been alone there.

The tiny model's words make no sense and hardly one passes a check, so that every text that was
decoded is compared, not only those that are shown.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

import pytest

from device.language.load import Model, load_writer
from device.language.writer import ROOM, Writer
from device.messages import Card, Message, Thread
from tests.engines import GGUF, TINY

CONTEXT = 400
WORDS = ("milk", "train", "plumber", "report", "dinner", "cake", "keys", "late", "please", "bring")


def thread(id: str, messages: int, seed: int) -> Thread:
    draw = random.Random(seed)
    said = [" ".join(draw.choices(WORDS, k=draw.randint(3, 9))) for _ in range(messages)]
    spoken = [Message(("Ben", "Noor")[i % 2], text) for i, text in enumerate(said)]
    return Thread(id, "me", tuple(spoken), "Flat", True)


THREADS = [
    thread("short", 1, 1),
    thread("long", 12, 2),
    thread("folded", 40, 3),
    thread("short too", 2, 4),
    thread("short", 2, 5),  # another one of that id, as from another file
    thread("middle", 4, 6),
    thread("folded too", 25, 7),
    thread("last", 1, 8),
]


class Heard:
    """A writer and all it decodes."""

    def __init__(self, engine: Literal["llama", "onnx"], together: int):
        self._texts: list[tuple[str, str, str]] = []
        path = GGUF if engine == "llama" else TINY
        self.writer: Writer = load_writer(
            Model("tiny", path), engine, 1, CONTEXT, together, self._hear
        )

    def _hear(self, thread: Thread, name: str, text: str, holds: bool) -> None:
        self._texts.append((thread.id, name, text))

    def texts(self) -> list[tuple[str, str, str]]:
        """All texts since the last call; neighbours' come mixed."""
        heard, self._texts = self._texts, []
        return sorted(heard)


def timeless(cards: Iterable[Card]) -> list[Card]:
    return [replace(card, timings_ms={}) for card in cards]


@pytest.fixture(scope="module", params=["llama", "onnx"])
def alone(request: pytest.FixtureRequest) -> Any:
    """(engine, the cards one by one, the texts decoded for them)."""
    heard = Heard(request.param, 1)
    cards = []
    for one in THREADS:
        cards += heard.writer.cards([one])
    return request.param, timeless(cards), heard.texts()


@pytest.mark.parametrize("together", [2, 3, 8])
def test_side_by_side(alone: Any, together: int) -> None:
    engine, cards, texts = alone
    heard = Heard(engine, together)
    assert timeless(heard.writer.cards(THREADS)) == cards
    assert heard.texts() == texts


def test_one_after_the_other_as_neighbours_push_each_other_out(alone: Any) -> None:
    engine, cards, _ = alone
    heard = Heard(engine, 2)
    for one in THREADS:
        heard.writer.prefill(one)
    backwards = [heard.writer.card(one) for one in reversed(THREADS)]
    assert timeless(reversed(backwards)) == cards


def test_the_threads_are_what_they_are_said_to_be(alone: Any) -> None:
    _, cards, texts = alone
    full = CONTEXT - ROOM
    held = {one.id: card.tokens for one, card in zip(THREADS, cards, strict=True)}
    assert sum(held.values()) > 2 * full, "they don't fit one context"
    assert {id.removesuffix(" (earlier)") for id, _, _ in texts if "earlier" in id} >= {
        "folded", "folded too",
    }  # fmt: skip
    assert len({text for _, _, text in texts}) > len(texts) // 2, "they say different things"
