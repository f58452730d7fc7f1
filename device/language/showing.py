"""When a text of the model's may be shown: the bar of each kind."""

from __future__ import annotations

from collections.abc import Iterable

from device.language.grounding import check_reply
from device.language.judge import Judge
from device.language.mirrored import is_mirrored
from device.language.polarity import contradicts
from device.language.prompt import NOTHING_ASKED
from device.language.repetition import is_stuck
from device.messages import GLANCE_CHARS, Thread
from device.text import neutralise

LINES: dict[str, Judge] = {
    "glance": Judge(threshold=0.6, least_covered=0.4),
    "summary": Judge(threshold=0.65, least_covered=0.4),
}
"""Hold the model's lines against their thread. Below its threshold a summary is no nearer to what
a person wrote than the quote in its place (docs/decisions/0003-truth.md), and may be false."""
LEAST_AGREED: dict[str, float] = {"glance": 0.9, "summary": 0.9, "asks": 0.6}
"""A line on which its samples agree less is not shown: of lines above 0.6 half were false
(docs/decisions/0008-consensus.md). Of what is asked only "nothing" is shown, which has no words to
be wrong."""
LEAST_SURE = -1.0
"""Nats a token: a draft that the model itself holds less likely is seldom one that could be sent
(docs/decisions/0011-drafts.md)."""


def line_passes(task: str, text: str, thread: Thread) -> bool:
    """Whether a whole "glance", "summary" or "asks" passes its check."""
    if task == "asks":
        return text == NOTHING_ASKED
    if _is_broken(text) or (task == "glance" and len(text) > GLANCE_CHARS):
        return False
    return LINES[task].judge(text, thread).passes


def is_agreed(task: str, agreement: float) -> bool:
    """Whether a text's samples agree on it as much as one of its kind must; drafts need none."""
    return agreement >= LEAST_AGREED.get(task, 0.0)


def draft_passes(intent: str, text: str, thread: Thread, taken: Iterable[str]) -> bool:
    """Whether a whole draft of `intent` passes its check, and differs from all `taken` ones."""
    return not (
        _is_broken(text)
        or contradicts(intent, text)
        or text.casefold() in (other.casefold() for other in taken)
        or not check_reply(text, thread).passes
        or is_mirrored(text, thread)
    )


def _is_broken(text: str) -> bool:
    return not text or text != neutralise(text) or is_stuck(text)
