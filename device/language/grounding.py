"""Is every name, number, time and negation of a line in its source?

`check` reads a line about a thread, `check_reply` a draft in the wearer's own voice. Both are
rules alone: what they fail is wrong, or at least can't be shown to be right.
`device.language.judge` adds what only weighing can tell (who did what, which time is the newest).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from device.language.capitals import ADDRESS, CALENDAR, EVERYDAY, OPENERS
from device.language.clauses import index_of
from device.language.contradictions import contradictions
from device.language.counts import miscounted
from device.language.fraud import accuses, may_be_fraud
from device.language.value_supply import Supply
from device.language.values import Value, ValueKind, fold, values
from device.language.verdict import Reason, ReasonKind, Verdict
from device.messages import Thread

_REASON_OF: dict[ValueKind, ReasonKind] = {
    "number": "number", "amount": "amount", "time": "time", "date": "date", "weekday": "date",
    "word": "number",
}  # fmt: skip
_URL = re.compile(
    r"(?:https?://|www\.)\S+|\b(?:[^\W_][\w-]*\.)+[^\W\d_]{2,}\b(?:/\S*)?", re.IGNORECASE
)
"""An address, of whatever ending: a scam's link has the ending nobody listed."""
_NO_HOST = re.compile(r"(?:(?:\w|\d+)\.)+\w+$")
"""Abbreviations and times: "a.m", "U.K", "7.am"."""
_TOKEN = re.compile(r"[^\W_](?:[\w'’&-]*\w)?")
_SENTENCE_END = re.compile(r"(?:^|[.!?:;…\"“”'‘(\[\n—–/¿¡-])\s*$")
_LIKE_A_NAME = re.compile(r": (?=\w)| and [A-Z]\w")
_EMERGENCY = re.compile(r"\b(?:call|ring|dial|phone)\w* (?:the )?(?=(?:112|911|999)\b)", re.I)
"""What a draft may tell somebody to dial unasked."""
_RADIO = frozenset((73, 88))
"""How radio amateurs end a message: best regards, hugs."""
MOST_CHARS = 1000
"""Of a statement. The checks take a sentence or two, and some look back from each word."""
_CONTROL = re.compile(r"<\|[^<>|]*\|>")
JOINED = 4
"""So many words of the source may be written as one: "SaiYingPun"."""


class Source:
    """A thread, read once for everything that a line can be held against."""

    def __init__(self, thread: Thread):
        texts = [m.text for m in thread.messages]
        senders = {m.sender for m in thread.messages}
        self.thread = thread
        said = [*texts, *sorted(senders), thread.title or "", thread.me]
        folded = fold("\n".join(said))
        self.supply = Supply(said)
        self.words = frozenset(t[0].removesuffix("'s") for t in _TOKEN.finditer(folded))
        self.tokens = "\n".join(re.sub(r"[\W_]+", "", token) for token in folded.split())
        self.joined = frozenset(_joined("\n".join(said)))
        self.folded = folded
        self.plain = " ".join(_plain_words(folded))
        self.dates = {m.date for m in thread.messages if m.date}

    def signs(self, initial: str) -> bool:
        """Whether one of the wearer's names begins so."""
        return any(name.startswith(initial) for name in _plain_words(self.thread.me))

    def names(self, word: str) -> bool:
        """Whether a capitalised word stands in the source, as itself or as part of a word."""
        squashed = re.sub(r"[\W_]+", "", word)
        if word in self.words or squashed in self.joined:
            return True
        if len(squashed) > 2 and squashed in self.tokens:
            return True
        if len(squashed) > 4 and squashed[:-1] in self.tokens:
            return True  # a plural or another ending: "Danes", "Adeyemis"
        parts = [part for part in word.split("-") if part]
        return len(parts) > 1 and all(part in EVERYDAY or self.names(part) for part in parts)


def _joined(text: str) -> Iterator[str]:
    """Neighbouring words with capitals, written as one."""
    run: list[str] = []
    for token in text.split():
        run = [*run, token] if token[0].isupper() else []
        for start in range(max(0, len(run) - JOINED), len(run) - 1):
            yield re.sub(r"[\W_]+", "", fold("".join(run[start:])))


@lru_cache(maxsize=8)
def source_of(thread: Thread) -> Source:
    """The thread as a source; the last few are kept, since a card asks several times."""
    return Source(thread)


def check(statement: str, thread: Thread) -> Verdict:
    """Whether a line about the thread holds, by rules alone. Never raises.

    A line without a letter or digit says nothing and fails, and so does one of more than
    `MOST_CHARS`.
    """
    if not any(map(str.isalnum, _CONTROL.sub("", statement))):
        return Verdict(False, (Reason("whole", statement, "It says nothing."),))
    if len(statement) > MOST_CHARS:
        return Verdict(
            False, (Reason("whole", statement, f"Longer than {MOST_CHARS} characters."),)
        )
    source = source_of(thread)
    reasons = [
        *_urls(statement, source),
        *_values(statement, source, reply=False),
        *_names(statement, source, reply=False),
        *contradictions(statement, thread),
        *_against_itself(statement),
        *_capitals(statement, source),
        *_quotations(statement, source),
        *_accusation(statement, thread),
    ]
    return Verdict(not reasons, tuple(reasons))


def check_reply(text: str, thread: Thread) -> Verdict:
    """Whether a draft in the wearer's voice invents a fact: a number, also one in words where the
    thread counts the same, a time, name, place or URL.

    What the wearer promises or feels is theirs to say and isn't looked at. Never raises.
    """
    source = source_of(thread)
    reasons = [
        *_urls(text, source),
        *_values(text, source, reply=True),
        *miscounted(text, index_of(thread)),
        *_names(text, source, reply=True),
    ]
    return Verdict(not reasons, tuple(reasons))


_NOT_ITSELF = re.compile(
    r"(?<![\w.,:])([A-Z]\w{2,}|\d+(?:[.,:]\d+)*)(?![.,:]?\w)"
    r"(?:[ ,]+[\w:]+){0,2}[ ,;]+not (?:at |on )?\1(?![.,:]?\w)(?=[,;?!)]|\.?$|\. )"
)


_NOT = re.compile(r"\bnot (?:at |on |till |until |by )?$", re.IGNORECASE)


def _against_itself(statement: str) -> Iterator[Reason]:
    """ "Saturday 14:00, not Sat": what a small model writes when it has seen a correction."""
    if found := _NOT_ITSELF.search(statement):
        yield Reason("negation", found[0], f"“{found[0]}” contradicts itself.")
        return
    said = values(statement)
    for denied in said:
        if _NOT.search(statement, max(0, denied.start - 16), denied.start) and any(
            (v.kind, v.number) == (denied.kind, denied.number) for v in said if v.end < denied.start
        ):
            span = statement[denied.start : denied.end]
            yield Reason("negation", span, f"“{statement}” says {span} and not {span}.")


def _capitals(statement: str, source: Source) -> Iterator[Reason]:
    """Words in capitals that the thread has in no spelling; 2 of 4,464 gold lines have one."""
    for match in re.finditer(r"\b[A-Z]{3,}\b", statement):
        if fold(match[0]) not in source.folded:
            yield Reason("name", match[0], f"“{match[0]}” is not in the thread.")


_QUOTATION = re.compile(r"[“\"]([^“”\"]+)[”\"]")


def _quotations(statement: str, source: Source) -> Iterator[Reason]:
    """What stands between quotation marks is somebody's words, or the marks lie."""
    for match in _QUOTATION.finditer(statement):
        if " ".join(_plain_words(match[1])) not in source.plain:
            yield Reason("speaker", match[0], f"Nobody wrote {match[0]} in the thread.")


def _plain_words(text: str) -> list[str]:
    return re.findall(r"\w+", fold(text))


def _accusation(statement: str, thread: Thread) -> Iterator[Reason]:
    if accuses(statement) and not may_be_fraud(thread):
        yield Reason("whole", statement, "The thread has no sign of a fraud.")


def _urls(text: str, source: Source) -> Iterator[Reason]:
    for match in _URL.finditer(text):
        url = fold(match[0]).rstrip(".,;:!?)'\"")
        if url not in source.folded and not _NO_HOST.match(url):
            yield Reason("url", match[0], f"The address {match[0]} is not in the thread.")


def _values(text: str, source: Source, reply: bool) -> Iterator[Reason]:
    """Values of the text that the source doesn't offer; a number word may be a mere article."""
    without = _URL.sub(lambda m: " " * len(m[0]), text)
    for value in values(without):
        if value.kind == "word" or source.supply.has(value):
            continue
        if reply and _is_idle(without, value):
            continue
        if value.kind == "weekday" and value.number in {d.weekday() for d in source.dates}:
            continue
        span = text[value.start : value.end]
        kind = _REASON_OF[value.kind]
        yield Reason(kind, span, f"The {_called(value)} {span} is not in the thread.")


_MOMENT = re.compile(r" ?(?:min|mins|minutes?|sec|secs|seconds?)\b", re.IGNORECASE)


def _is_idle(text: str, value: Value) -> bool:
    """Whether a draft's number says nothing of the thread: "give me 2 min", "call 112", "— 73"."""
    if value.number <= 5 and _MOMENT.match(text, value.end):
        return True
    if any(m.end() == value.start for m in _EMERGENCY.finditer(text)):
        return True
    return value.number in _RADIO and _is_last_after_dash(text, value.start, value.end)


def _is_last_after_dash(text: str, start: int, end: int) -> bool:
    return bool(re.search(r"[—–-] ?$", text[:start])) and not text[end:].strip(" .!")


_FAREWELL = re.compile(
    r"\b(?:regards|best|wishes|love|cheers|yours|sincerely)[,.!]?\s+$", re.IGNORECASE
)


def _signs(text: str, start: int, end: int) -> bool:
    """Whether a signature stands there: the last word, behind a dash or a farewell."""
    if _is_last_after_dash(text, start, end):
        return True
    return bool(_FAREWELL.search(text[:start])) and not text[end:].strip(" .!")


def _called(value: Value) -> str:
    return {"word": "number", "weekday": "day"}.get(value.kind, value.kind)


def _names(text: str, source: Source, reply: bool) -> Iterator[Reason]:
    """Capitalised words that the source doesn't know.

    Every sentence opens with a capital. There a line may have a common opening word, and a draft,
    whose language is the wearer's, any word that isn't used like a name ("Zoe: ", "Zoe and Ben").
    Whoever signs a draft must be known.
    """
    usual = EVERYDAY | ADDRESS if reply else EVERYDAY
    for match in _TOKEN.finditer(text):
        written = match[0]
        word = fold(written).removesuffix("'s")
        plain = word.split("'")[0]
        if not written[0].isupper() or {plain, word} & usual or plain in CALENDAR:
            continue
        signs = reply and _signs(text, match.start(), match.end())
        if signs and len(word) == 1 and not source.signs(word):
            yield Reason("name", written, f"{written} is no initial of the wearer.")
        if written.isupper() and (len(written) > 1 or reply):
            continue  # emphasis or an abbreviation
        if _SENTENCE_END.search(text[: match.start()]) and not signs:
            if reply and not _LIKE_A_NAME.match(text, match.end()):
                continue
            if plain in OPENERS or (len(plain) > 5 and plain.endswith("ing")):
                continue
        if source.names(plain) or source.names(word):
            continue
        yield Reason("name", written, f"The name {written} is not in the thread.")
