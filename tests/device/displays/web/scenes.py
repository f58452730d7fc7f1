"""What the tests show on the page, and how they read it there."""

from __future__ import annotations

import datetime as dt
from typing import Any

from device.displays.scene import Row, Scene
from device.messages import Message, Thread

MONDAY = dt.date(2025, 3, 31)
BEN = Thread(
    "b",
    "Anna",
    (
        Message("Anna", "did the boxes come?", dt.time(17, 40), MONDAY - dt.timedelta(1)),
        Message("Ben", "all six are in the hall", dt.time(17, 52), MONDAY - dt.timedelta(1)),
        Message("Ben", "can you bring 3 chairs?", dt.time(8, 3), MONDAY),
        Message("Ben", "and is 19:30 ok?", dt.time(8, 4), MONDAY),
    ),
    "Ben",
    unread_from=2,
)
GLANCE = Scene("glance", (Row("Ben asks for 3 chairs.", "model"),), "Ben", "reply, next (2)", BEN)
DRAFTS = Scene(
    "card",
    tuple(Row(text, "model", f"{i + 1}") for i, text in enumerate(("Sure!", "Sorry.", "When?"))),
    "Reply to Ben",
    "1, 2, 3, type …, cancel",
    BEN,
)
CONFIRM = Scene(
    "card",
    (Row("Send this to Ben?", "notice"), Row("Sure!", "model", "draft")),
    "Ben",
    "send, cancel",
    BEN,
)
READER = Scene(
    "reader", (Row("Ben: can you bring 3 chairs?", "quote", "read"),), "Ben", "next", BEN
)


async def texts(page: Any, selector: str) -> list[str]:
    """What the page's elements hold, as one would read it."""
    found: list[str] = await page.locator(selector).all_text_contents()
    return found


async def told(page: Any, selector: str, text: str) -> None:
    """Returns once an element holds just this."""
    await page.wait_for_function(
        "([selector, text]) => document.querySelector(selector)?.textContent === text",
        arg=[selector, text],
    )
