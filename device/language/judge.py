"""The judge: rules that always hold, and a weighing of what rules can only suspect.

    p(true) = sigmoid(bias + sum of weight x feature)

The features are `device.language.claims`. No model is asked: ours are too small to tell a true
statement from its false twin (docs/decisions/0003-truth.md has the figures). A statement fails
when a hard rule fails it (`device.language.grounding.check`), whatever its probability, or when
its probability is below the threshold. The weights are fitted by `python -m export.fit_judge` and
stand in `judge_weights.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from device.language.claims import features
from device.language.grounding import check
from device.language.judge_weights import BIAS, THRESHOLD, WEIGHTS
from device.language.verdict import Reason, ReasonKind, Verdict
from device.messages import Thread

_SUSPICIONS: dict[str, tuple[ReasonKind, str]] = {
    "unknown_word_value": ("number", "A number in words is not in the thread."),
    "bind_against": ("number", "Another value of the thread fits these words better."),
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
}
"""Feature -> what it suspects, said when it weighs most against a statement."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges statements about threads; stateless, safe to share."""

    threshold: float = THRESHOLD
    """Statements below this probability fail."""
    least_covered: float = 0.0
    """Statements with a smaller share of their words in the thread fail. A person's statement about
    a thread in another language may share none."""

    def judge(self, statement: str, thread: Thread) -> Verdict:
        """Whether the statement passes, and if not, why.

        Never raises: an empty statement fails, and a thread without messages is judged too.
        """
        hard = check(statement, thread)
        if not hard.passes:
            return hard
        found = features(statement, thread)
        if found["coverage"] < self.least_covered:
            reason = Reason("whole", statement, "Most of it is not in the thread.")
            return Verdict(False, (reason,))
        if probability(found) < self.threshold:
            return Verdict(False, (_reason(statement, found),))
        return hard


def probability(found: dict[str, float]) -> float:
    """p(true) of a statement with these features, by the weighing alone."""
    total = BIAS + sum(WEIGHTS.get(name, 0.0) * value for name, value in found.items())
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def _reason(statement: str, found: dict[str, float]) -> Reason:
    """What weighs most against a statement."""
    against = {name: WEIGHTS[name] * found[name] for name in _SUSPICIONS}
    worst = min(against, key=against.__getitem__)
    if against[worst] >= -0.05:
        return Reason("whole", statement, "Taken as a whole the thread doesn't bear this out.")
    kind, text = _SUSPICIONS[worst]
    return Reason(kind, statement, text)
