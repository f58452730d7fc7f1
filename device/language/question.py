"""What a question about messages asks for: the kind of its answer, who is meant to have said it,
and the words that the answer, or what it answers, must have.

English, by the rules a search needs; no model is asked. A question that fits none of the rules is
still searched by its words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from device.language.clauses import ends_asking, pieces
from device.language.values import fold, values
from device.language.words import STOP, stem, words

Wants = Literal["when", "where", "how much", "how many", "who", "what"]

_SAY = (
    r"(?:say|said|says|tell|told|tells|write|wrote|writes|written|mention(?:ed|s)?|ask(?:ed|s)?"
    r"|want(?:ed|s)?|need(?:ed|s)?|text(?:ed)?|message[ds]?|suggest(?:ed|s)?|promised?|offer(?:ed)?"
    r"|repl(?:y|ied)|answer(?:ed)?|send|sent)"
)
_NAME = r"(?P<who>[^\W\d_][^?,.!]{0,40}?)"
_SPEAKERS = (
    re.compile(rf"\b(?:did|does|has|had|have|do) {_NAME} (?:just |ever |last )?{_SAY}\b"),
    re.compile(rf"\baccording to {_NAME}(?=[?,.!]|$)"),
    re.compile(rf"\b(?:messages?|word|news|text|anything|something) from {_NAME}(?=[?,.!]|$)"),
    re.compile(rf"\b(?:what|when|where|that|who) {_NAME} {_SAY}\b"),
    re.compile(rf"^{_NAME} {_SAY}\b"),
)
_CHAT = re.compile(
    r"\b(?:in|on) (?:the |my )?(?P<chat>[^?,.!]{1,40}?) (?:group|chat|thread|conversation)\b"
)
_KINDS: tuple[tuple[Wants, re.Pattern[str]], ...] = (
    (
        "when",
        re.compile(
            r"\bwhen\b|\b(?:what|which) (?:time|day|date|hour|evening|morning)\b"
            r"|\bhow (?:late|soon|early|long)\b"
        ),
    ),
    (
        "where",
        re.compile(r"\bwhere\b|\b(?:what|which)(?:'s| is| was)? (?:the )?(?:address|place)\b"),
    ),
    (
        "how much",
        re.compile(
            r"\bhow (?:much|expensive)\b|\b(?:what|which) (?:price|sum)\b"
            r"|\bwhat(?= (?:do|does|did) [^?]{1,40}\bowe\b)"
        ),
    ),
    (
        "how many",
        re.compile(
            r"\bhow (?:many|old|far|heavy|often)\b"
            r"|\b(?:what|which)(?:'s| is| was)? (?:the )?(?:phone )?number\b"
        ),
    ),
    ("who", re.compile(r"\bwho(?:se|m|'s)?\b")),
)
_ASIDE = """
    when where who whose whom what which why how say said tell told write wrote written mention
    mentioned message messages text texted reply replied answer answered word news according
    anything something anyone anybody someone somebody everyone people again last latest lately
    recently today ever group chat thread conversation from know find show who's what's when's
    where's how's there's it's supposed meant happen happened happening us time
"""
_NOT_ABOUT = frozenset(_ASIDE.split())
_PRONOUNS = "he she they we you it anyone anybody someone somebody everyone everybody people"
_ANYBODY = frozenset(_PRONOUNS.split())
_WITHIN = "is are was the a to for of did about need do does"
_SMALL = frozenset(_WITHIN.split())
_IN_FRONT = "am is are was were do does did has have had can could will would shall should"
_FRONT = frozenset(_IN_FRONT.split())
"""Verbs that a question puts in front of whom it speaks of."""
_ASKING = frozenset(["when", "where", "who", "whose", "whom", "what", "which", "why", "how"])
"""Words that open a question, with such a verb behind them."""
_TELLS = re.compile(
    r"^(?!.*(?:\b(?:not|never)\b|n't\b)).*(?:"
    r"\b(?:gave|took|have|has|put|left|brought|sent|got|keep|kept|lent|hid|bring\w*|carry) "
    r"(?:it|them|that|those|one|mine)\b"
    r"|\b(?:it|they|mine|that)(?: is|'s| are|'re) (?:in|at|on|under|with|by|behind|near)\b)"
)
"""Says something of what was asked for just before: "who has the keys? I gave them to Ann"."""
_NAME_LIKE = re.compile(r"(?<=\s)[^\W\d_a-z][^\W\d_]+")
_SOON = re.compile(
    r"\b(?:to(?:day|night|morrow)|tmrw|tmr|soon|yesterday|(?:this|next|last) (?:week|month"
    r"|year|weekend|morning|afternoon|evening)|weekends?|in (?:an? |half an )?(?:hour|minute)s?"
    r"|(?:every|each|after|before) \w+|kal|aaj|subah|shaam|manana|hoy)\b|\d ?(?:min|h\b|hrs?)"
    r"|\b(?:at|by|until|till|from|before|after|around) \d{1,2}\b(?![:.,]?\d)"
)
_PLACE = re.compile(
    r"\b(?:at|in|on|by|near|outside|inside|behind|under|opposite|from|to|via|off) (?!\d|(?:the )?"
    r"(?:morning|evening|afternoon|night|time|moment|way|mon|tue|wed|thu|fri|sat|sun)|it\b|me\b"
    r"|you\b|be\b)\w"
    r"|\b(?:next to|in front of|address|street|road|avenue|platform|floor|room|entrance|gate|side"
    r"|corner|station|upstairs|downstairs|here|home)\b"
)
_BARE = re.compile(
    r"\W*(?:[\w']+\W+){0,3}(?:\d{1,2}\W*(?:\w+\W*){0,3}|(?:two|three|four|five|six|seven|eight|nine|ten"
    r"|eleven|twelve)\W*(?:(?:then|instead|ok|works|sharp)\W*)?)"
)
"""A few words and a number that may be a time; one in letters with nothing behind it to count."""
_NUMBERED = re.compile(
    r"\b(?:platform|track|gate|terminal|exit|room|floor|flat|house|table|seat|bus|tram|line|number"
    r"|page)(?: (?:is|was|has|now|been|changed|moved|switched|to|number))* ?\d"
)
"""A number that is a name, and no time."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, understood."""

    wants: Wants
    speaker: tuple[str, ...] = ()
    """Folded words that name who said it ("tom", "aunt", "marguerite"); empty: anybody."""
    by_me: bool = False
    """Whether the wearer's own messages are asked for."""
    chat: tuple[str, ...] = ()
    """Folded words that name the conversation; empty: any."""
    about: tuple[str, ...] = ()
    """Folded words that say what it is about, in order, each once."""
    names: frozenset[str] = frozenset()
    """Those of them that are written with a capital, the question's first word apart."""
    opening: str = ""
    """Its first word, folded."""
    of_words: bool = False
    """Whether it asks what was said, or who said it, rather than what is so."""

    @property
    def wants_value(self) -> bool:
        """Whether a time, place, sum or number is wanted; anything may say who or what."""
        return self.wants not in ("who", "what")


def understand_question(text: str) -> Question:
    """What a question asks for. Never raises; of an empty text nothing is asked.

    >>> q = understand_question("When did Tom say dinner is?")
    >>> q.wants, q.speaker, q.about
    ('when', ('tom',), ('dinner',))
    >>> understand_question("what did I tell Ben about the keys?").by_me
    True
    """
    folded = " ".join(fold(text).split())
    wants: Wants = "what"
    speaker, rest = _speaker(folded)
    for kind, pattern in _KINDS:
        if pattern.search(rest):
            wants, rest = kind, pattern.sub(" ", rest)
            break
    chat: tuple[str, ...] = ()
    if found := _CHAT.search(rest):
        chat = tuple(word for word in words(found["chat"]) if word not in STOP)
        rest = rest[: found.start()] + " " + rest[found.end() :]
    by_me = speaker in (("i",), ("me",))
    named = tuple(w for w in speaker if w not in STOP and w not in _ANYBODY)
    said = (w.removesuffix("'s") for w in words(rest) if w not in STOP and w not in _NOT_ABOUT)
    about = tuple(dict.fromkeys(w for w in said if len(w) > 1 or w.isdigit()))
    names = frozenset(fold(m[0]) for m in _NAME_LIKE.finditer(text)) & set(about)
    opening = _opening(words(folded))
    of_words = bool(speaker) and wants in ("what", "who")
    return Question(wants, named, by_me, chat, about, names, opening, of_words)


def _speaker(folded: str) -> tuple[tuple[str, ...], str]:
    """Who is meant to have said it, and the question without that."""
    for pattern in _SPEAKERS:
        found = pattern.search(folded)
        if found and len(who := words(found["who"])) <= 4 and not _is_phrase(who):
            return tuple(who), folded[: found.start("who")] + " " + folded[found.end("who") :]
    return (), folded


def _is_phrase(who: list[str]) -> bool:
    """Whether these words are a piece of a sentence rather than somebody."""
    return not _SMALL.isdisjoint(who[1:]) or not {"is", "are", "it", "to"}.isdisjoint(who[:1])


def asks_the_same(question: Question, text: str) -> bool:
    """Whether a message asks for all that the question does, and tells nothing of it: it gives none
    of what is wanted, and each clause of it with a word of the question asks, by a question mark or
    by opening as the question does. Never where what somebody asked is asked for.

    >>> tent = understand_question("who brings the tent?")
    >>> asks_the_same(tent, "who's bringing the tent, I have none"), asks_the_same(tent, "Tent? Me")
    (True, False)
    >>> asks_the_same(tent, "who brings the tent? It is in my car")
    False
    >>> asks_the_same(tent, "I bring a tent. Who brings the stove?")
    False
    >>> asks_the_same(understand_question("hotel?"), "Hotel is booked for Friday")
    False
    """
    wanted = set(question.about)
    if not wanted or question.of_words or _shared(question, text) != wanted:
        return False
    cut = [(_shared(question, piece), _asks(question, piece)) for piece in pieces(text)]
    asked = set().union(*(shared for shared, asks in cut if asks))
    if asked != wanted or any(shared for shared, asks in cut if not asks):
        return False
    if any(_TELLS.search(fold(piece)) for piece in pieces(text) if not ends_asking(piece)):
        return False
    # "Dinner at 7?" may be right, "when is dinner today?" only asks.
    proposes = question.wants_value and fits_kind(question.wants, text)
    return not proposes or bool(dict(_KINDS)[question.wants].search(fold(text)))


def _asks(question: Question, piece: str) -> bool:
    said = words(piece)
    if ends_asking(piece) or _opening(said) != question.opening:
        return ends_asking(piece)
    # "when the ferry leaves, ..." asks nothing: a question has its verb in front. And a question
    # of catchwords ("hotel") opens as any statement may.
    inverted = question.opening in _ASKING and not _FRONT.isdisjoint(said[1:3])
    return inverted or question.opening in ("who", *_FRONT)


def _shared(question: Question, piece: str) -> set[str]:
    """Those of the question's words that are said in it too."""
    said = words(piece)
    return {asked for asked in question.about if any(likeness(asked, word) for word in said)}


def _opening(said: list[str]) -> str:
    return said[0].removesuffix("'s") if said else ""


def fits_kind(wants: Wants, text: str) -> float:
    """How surely a message has what such a question wants, a time, place, sum or number: 0 to 1.

    "who" and "what" are answered by anything.

    >>> fits_kind("when", "half seven, bring salad"), fits_kind("when", "it was great")
    (1.0, 0.0)
    """
    if wants in ("who", "what"):
        return 1.0
    folded = fold(text)
    if wants == "where":
        return float(bool(_PLACE.search(folded)))
    found = values(text)
    kinds = {value.kind for value in found}
    if wants == "when":
        if kinds & {"time", "date", "weekday"}:
            return 1.0
        bare = _BARE.fullmatch(folded) and "amount" not in kinds
        is_time = bare and not _NUMBERED.search(folded)
        return 0.95 if _SOON.search(folded) or is_time else 0.0
    # "23.50" is a time to some, and a sum to others.
    if any(v.kind == "time" and "." in text[v.start : v.end] for v in found):
        kinds.add("amount")
    if wants == "how much" and "amount" in kinds:
        return 1.0
    return 0.9 if kinds & {"number", "word", "amount"} else 0.0


OTHER_FORM = 0.95
"""What another form of a word, or a near-synonym, counts for it."""


def likeness(asked: str, said: str) -> float:
    """1 where a word of a message is the one asked for, less where it is another form of it, 0
    where it is another word.

    >>> likeness("dinner", "dinner"), likeness("mother", "mum"), likeness("car", "carpet")
    (1.0, 0.95, 0.0)
    """
    if asked == said:
        return 1.0
    shorter, longer = sorted((asked, said), key=len)
    begins = len(shorter) >= 5 and longer.startswith(shorter)
    return OTHER_FORM if begins or stem(asked) == stem(said) else 0.0
