"""The judge: rules that always hold, and a weighing of what rules can only suspect.

    p(true) = sigmoid(bias + sum of weight x feature)          the thread's own evidence
    p(true) = sigmoid(a + b x that sum + c x log-odds)         with the model's, where there is one

The features are `device.language.claims`, the log-odds the model's own answer to the `check` task.
A statement fails when a hard rule fails it (`device.language.grounding.check`), whatever its
probability, or when its probability is below the threshold. The weights are fitted by
`python -m export.fit_judge` and stand in `judge_weights.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from device.language.claims import features
from device.language.grounding import Reason, ReasonKind, Verdict, check
from device.language.judge_weights import BIAS, STACK, THRESHOLD, THRESHOLD_STACK, WEIGHTS
from device.messages import Thread

MOST_NATS = 8.0
"""Log-odds are clipped to this: beyond it a small model is sure of itself, not of the thread."""

_SUSPICIONS: dict[str, tuple[ReasonKind, str]] = {
    "unknown_word_value": ("number", "A number in words is not in the thread."),
    "bind_against": ("number", "Another value of the thread fits these words better."),
    "bind_late": ("number", "A later message gives another value."),
    "superseded": ("time", "A later message gives another time or day."),
    "rejected_word": ("place", "The thread names this only as what doesn't hold."),
    "rejected": ("number", "The thread names this value as the one that no longer holds."),
    "speech": ("speaker", "Somebody else wrote what this says."),
    "speech_against": ("speaker", "Somebody else wrote what this says."),
    "action": ("speaker", "The thread gives this part to somebody else."),
    "action_against": ("speaker", "The thread gives this part to somebody else."),
    "mention": ("name", "Nobody is named together with this in the thread."),
    "addressee": ("request", "The request is addressed to somebody else."),
    "addressee_other": ("request", "The request is addressed to somebody else."),
    "ask_support": ("request", "The thread offers this rather than asking for it."),
    "offer_support": ("request", "The thread asks for this rather than offering it."),
    "to_whom": ("request", "The thread asks this of somebody else."),
    "neg_add": ("negation", "The thread says this without a negation."),
    "neg_drop": ("negation", "The thread says the opposite of this."),
    "owes": ("request", "The thread says the other one owes."),
    "withdrawn": ("negation", "A later message takes this back."),
    "opposite": ("negation", "The thread has the opposite word."),
}
"""Feature -> what it suspects, said when it weighs most against a statement."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges statements about threads; stateless, safe to share."""

    threshold: float = THRESHOLD
    """Statements below this probability fail when there is no model's word."""
    threshold_stack: float = THRESHOLD_STACK
    """The same where there is."""

    def judge(self, statement: str, thread: Thread, log_odds: float | None = None) -> Verdict:
        """Whether the statement passes, with the model's log-odds (nats) where it has any.

        Never raises: a statement without words and a thread without messages are judged too.
        """
        hard = check(statement, thread)
        if not hard.passes:
            return hard
        found = features(statement, thread)
        chance = _probability(found, log_odds)
        if chance >= (self.threshold if log_odds is None else self.threshold_stack):
            return hard
        return Verdict(False, (_reason(statement, found),))

    def probability(self, statement: str, thread: Thread, log_odds: float | None = None) -> float:
        """p(true) by the weighing alone; the hard rules are not asked."""
        return _probability(features(statement, thread), log_odds)


def evidence(found: dict[str, float]) -> float:
    """Log-odds (nats) of a statement by the features of `device.language.claims` alone."""
    return BIAS + sum(WEIGHTS.get(name, 0.0) * value for name, value in found.items())


def _probability(found: dict[str, float], log_odds: float | None) -> float:
    total = evidence(found)
    if log_odds is not None and not math.isnan(log_odds):
        bias, rules, model = STACK
        total = bias + rules * total + model * max(-MOST_NATS, min(MOST_NATS, log_odds))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def _reason(statement: str, found: dict[str, float]) -> Reason:
    """What weighs most against a statement; the model's own word where nothing else does."""
    against = {name: WEIGHTS[name] * found[name] for name in _SUSPICIONS}
    worst = min(against, key=against.__getitem__)
    if against[worst] >= -0.05:
        return Reason("model", statement, "Taken as a whole the thread doesn't bear this out.")
    kind, text = _SUSPICIONS[worst]
    return Reason(kind, statement, text)
