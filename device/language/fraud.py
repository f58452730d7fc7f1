"""When a line may call a message a fraud.

A false alarm about a friend is worse than none, so the word needs a sign in the thread: a link,
money, a code, an account, a wrong number, or orders to an assistant. Of 103 threads of GlanceChat
that a person called fraudulent or spam all have one, and 462 of the 2,129 others do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from device.language.clauses import pieces
from device.language.triage import calmed, is_unknown
from device.language.values import fold
from device.language.words import asks, commits
from device.messages import Message, Thread

_FRAUD = "(?:scam|spam|phishing|fraud)"
_ACCUSES = re.compile(
    rf"^{_FRAUD}(?:[:,]|-looking\b| (?:message|text|e?mail|call|trying|attempt)\b)"
    r"|\b(?:likely|possible|probable|suspected|looks? like|sounds? like|seems? like|it's|it is"
    rf"|this is) (?:an? )?{_FRAUD}\b"
)
_SIGNS = re.compile(
    r"https?:|www\.|\w\.\w{2,}/|[£$€₹]|\d+ ?(?:euros?|dollars?|pounds?|rupees|rs)\b|\brs\b"
    r"|\b(?:click|link|code|otp|pin|password|verif\w*|account|bank|card|transfer\w*|pay\w*|fee"
    r"|bill|deposit|gift|crypto|bitcoin|gold|trad(?:e|ing)|profit\w*|invest\w*|prize|won|winner"
    r"|lottery|parcel|package|customs|deliver\w*|kyc|log ?in|refund|loan|wallet|salary|earn\w*"
    r"|voucher|claim|unlock|expired?|blocked|suspended|disconnect\w*|wrong number|new number"
    r"|gave me this number|lost my phone|consumer|customer|ai assistants?|previous instructions"
    r"|cuenta|pago|premio|banco|tarjeta|enlace|clave)\b"
)
_LINK = re.compile(r"https?:|www\.|\b[\w-]+\.[a-z]{2,}/\S|\blink\b")
_DEMAND = re.compile(
    r"[£$€₹]|\b(?:pay\w*|fees?|card|account|bank|pin|otp|password|verif\w*|claim|log ?in|customs"
    r"|refund|kyc|prize|blocked|suspended|upi|gift)\b"
)
_GIVE = re.compile(
    r"\b(?:send|transfer|pay|paid|wire|lend|deposit|buy|purchase|forward|give|settle|return|confirm"
    r"|reply|share|tell)\b"
)
_NEED = re.compile(r"\b(?:i|we) (?:\w+ )?need\b")
_MONEY_OR_SECRET = re.compile(
    r"[£$€₹] ?\d|\d ?(?:euros?|dollars?|pounds?|rupees|rs)\b|\brs\.? ?\d|\b(?:money|cash|bitcoin"
    r"|crypto|gift ?cards?|vouchers?|pin|otp|passwords?|passcode|ssn|card (?:number|details)"
    r"|bank (?:details|login)|(?:digit|login|verification|security) codes?"
    r"|(?:codes?|digits) (?:that )?(?:yo)?u (?:just )?(?:got|get|received))\b"
)
_NEW_NUMBER = re.compile(r"\bnew number\b")
_HUSH = re.compile(r"\b(?:do not|don'?t) (?:\w+ )?(?:call|ring|phone|tell)\b")
RECENT = 50
"""Messages that are looked at: in a chat of years some word of any list has fallen."""
_KEEP = re.compile(r"\b(?:do not|don'?t|never) (?:share|give|tell)\b")


def accuses(line: str) -> bool:
    """Whether a line calls a message a fraud or spam; one that tells of a fraud doesn't.

    >>> accuses("Likely scam: asks for a code"), accuses("Mum got scammed: call her")
    (True, False)
    """
    return bool(_ACCUSES.search(fold(line)))


def may_be_fraud(thread: Thread) -> bool:
    """Whether what others wrote has a sign of one.

    Who says that a code is to be shared with nobody doesn't want it.
    """
    recent = thread.messages[-RECENT:]
    said = fold("\n".join(m.text for m in recent if m.sender != thread.me))
    found = set(_SIGNS.findall(said))
    return bool(found - {"code", "otp", "pin", "verification"} if _KEEP.search(said) else found)


def is_plain_fraud(thread: Thread) -> bool:
    """Whether a stranger, whom the wearer never wrote to, sends a link and wants money or secrets,
    or, in a chat of two, asks for them with another sign of a fraud.

    Of 2,232 threads of GlanceChat it is so in 16, all of which a person called fraudulent or spam.
    """
    recent = thread.messages[-RECENT:]
    if any(m.sender == thread.me for m in recent):
        return False
    news = [fold(m.text) for m in thread.news[-RECENT:] if is_unknown(m.sender)]
    links = any(_LINK.search(text) and _DEMAND.search(text) for text in news)
    return links or (not thread.is_group and _asks_for_money(thread, recent))


def _asks_for_money(thread: Thread, recent: Sequence[Message]) -> bool:
    """Whether money or a secret is asked for, with a link, haste, a new number, or a wish that
    nobody be called or told. Who has a new number is nobody known, under whatever name."""
    said = fold("\n".join(m.text for m in recent))
    is_new = bool(_NEW_NUMBER.search(said))
    hurries = calmed(thread) != thread
    if not (is_new or hurries or _HUSH.search(said) or _LINK.search(said)):
        return False
    news = [fold(m.text) for m in thread.news[-RECENT:] if is_new or is_unknown(m.sender)]
    return any(_wants(piece) for text in news for piece in pieces(text))


def _wants(clause: str) -> bool:
    """Whether a folded clause asks for money or a secret."""
    given = _MONEY_OR_SECRET.search(clause) and _GIVE.search(clause) and not _KEEP.search(clause)
    return bool(given and (_NEED.search(clause) or (asks(clause) and not commits(clause))))
