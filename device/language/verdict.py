"""What a check says of a line: that it passes, or why it doesn't."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ReasonKind = Literal[
    "name", "number", "amount", "time", "date", "url", "place", "negation", "speaker", "request",
    "whole",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a line doesn't pass."""

    kind: ReasonKind
    span: str
    """The words of the line that are not supported."""
    text: str
    """One sentence for people."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a line passes, and if not, why."""

    passes: bool
    reasons: tuple[Reason, ...] = ()
