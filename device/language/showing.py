"""When a text of the model's may be shown: the bar of each kind."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from device.language.grounding import check_reply
from device.language.judge import Judge
from device.language.mirrored import is_mirrored, repeats
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
LEAST_SURE: dict[str, float] = {"glance": -0.25, "summary": -0.1, "asks": -math.inf}
"""Mean nats a token: a line that the model itself holds less likely is not shown. Of 22 glances
above that 20 were true, of 36 just below it 26; of the shipped model's summaries hardly any was
true, however likely, and none is as likely as this (docs/decisions/0012-one-decoding.md). Of what
is asked only "nothing" is shown, which has no words to be wrong."""
LEAST_SURE_DRAFT = -1.0
"""The same of a draft: one less likely is seldom one that could be sent
(docs/decisions/0011-drafts.md)."""
_PRONOUN = re.compile(r"\b(?:he|she|him|her|his|hers)\b", re.IGNORECASE)


def line_passes(task: str, text: str, thread: Thread) -> bool:
    """Whether a whole "glance", "summary" or "asks" passes its check."""
    if task == "asks":
        return text == NOTHING_ASKED
    if _is_broken(text) or (task == "glance" and len(text) > GLANCE_CHARS):
        return False
    if text.startswith(f"{thread.me}:"):  # nobody tells the wearer what they said themselves
        return False
    return LINES[task].judge(text, thread).passes and not _guesses_who(text, thread)


def draft_passes(intent: str, text: str, thread: Thread, taken: Iterable[str]) -> bool:
    """Whether a whole draft of `intent` passes its check, and says another thing than all `taken`
    ones. A refusal may have the words of what it refuses."""
    refuses = contradicts("accept", text)
    return not (
        _is_broken(text)
        or contradicts(intent, text)
        or text.casefold() in (other.casefold() for other in taken)
        or not check_reply(text, thread).passes
        or is_mirrored(text, thread)
        or any(
            repeats(text, other, thread) and contradicts("accept", other) == refuses
            for other in taken
        )
    )


def _guesses_who(text: str, thread: Thread) -> bool:
    """Whether it says "she" of whom nobody called so."""
    said = {word.lower() for message in thread.messages for word in _PRONOUN.findall(message.text)}
    return any(word.lower() not in said for word in _PRONOUN.findall(text))


def _is_broken(text: str) -> bool:
    return not text or text != neutralise(text) or is_stuck(text)
