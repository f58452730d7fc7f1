"""What a statement claims beyond its words, and how well the thread bears it out.

The thread is cut into clauses, each with its sender; the statement's content words point to the
clauses that it is about. Against these clauses every claim is weighed: is a value bound to the same
words as in the statement, or another one? is the subject the one who wrote or is named there? is
the clause negated, a request, an offer, taken back later? Each answer is one soft feature, a number
near zero where the question doesn't arise.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from device.language.values import ORDINALS, Value, fold, values
from device.language.words import (
    OPPOSITES,
    STOP,
    asks,
    cancels,
    content,
    first_person,
    is_negator,
    is_newest,
    offers,
    second_person,
    stem,
    words,
)
from device.messages import Thread

FEATURES = (
    "unknown_word_value", "coverage", "best_clause", "bind", "bind_against", "bind_late", "rejected", "preferred",
    "speech", "speech_against", "action", "action_against", "mention", "addressee", "addressee_other", "request_mismatch",
    "offer_mismatch", "added_negation", "dropped_negation", "withdrawn", "opposite", "cohesion",
    "unknown_stems", "owes",
)  # fmt: skip
"""Names of the soft features, in their order."""

_CLAUSE = re.compile(r"[.!?;:\n…]+(?=\s|$)|,(?=\s)|\s[-–—]+\s|\b(?:but|because|so|while)\b")
_ENDS = re.compile(r"[.;!?](?=\s|$)|,(?=\s)|\b(?:but|while|though|because|since|and|so)\b")
_SPEECH = re.compile(
    r"\b(?:says?|said|asks?|asked|wants?|tells?|told|offers?|promises?|thinks?|believes?|claims?|"
    r"wrote|writes|reminds?|warns?|recommends?|suggests?|needs?|would like|begs?|prefers?|hints?|"
    r"expects?|admits?|admitted|voted|apologis\w+|promised|agrees?|checked|requires?)\b"
)
_REQUEST = re.compile(
    r"\b(?:asks? (?:if |whether )?you|asks? [a-z' ]{2,20} (?:to|for)|wants? you|needs? you|tells? you"
    r"|begs? you|would like you|reminds? you|wants? [a-z' ]{2,20} to|needs? your|wants? your)\b"
)
_OFFER = re.compile(
    r"\b(?:offers? (?:to|you|that)|promises?|will|'ll|is going to|has already|would)\b"
)
_TO_YOU = re.compile(
    r"\b(?:asks?|wants?|needs?|tells?|told|begs?|reminds?|asked)(?: if| whether)? you\b"
)
_TO_NAME = re.compile(
    r"\b(?:asks?|wants?|needs?|tells?|told|begs?|reminds?|asked)(?: if| whether)? ([a-z][\w'-]+)"
)
_VOCATIVE = re.compile(
    r"^\W*(?:hey |ok |also |so |and |please )?([a-z][\w-]+)\b|\b([a-z][\w-]+)\W*$|@(\w+)"
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of one message."""

    message: int
    order: int
    sender: int
    """Index into the cast; 0 is the wearer."""
    folded: str
    stems: frozenset[str]
    negated: bool
    people: frozenset[int]
    """Who is named in it."""
    addressed: int | None
    """Who is called by name at its start or end."""
    found: tuple[Value, ...]


@dataclass(slots=True)
class Index:
    """A thread cut into clauses, with everything that a statement is weighed against."""

    clauses: list[Clause] = field(default_factory=list)
    cast: list[frozenset[str]] = field(default_factory=list)
    """Folded words of each person's name; the wearer first."""
    idf: dict[str, float] = field(default_factory=dict)
    near: list[list[dict[str, float]]] = field(default_factory=list)
    words: frozenset[str] = frozenset()


_TITLES = frozenset(["mrs", "mr", "ms", "dr", "the", "flat", "unknown", "number", "from", "boss"])


def index_of(thread: Thread) -> Index:
    """The thread's clauses, people and word weights; the last few threads are kept."""
    return _index(thread)


@lru_cache(maxsize=8)
def _index(thread: Thread) -> Index:
    index = Index()
    people: dict[str, int] = {thread.me: 0}
    for message in thread.messages:
        people.setdefault(message.sender, len(people))
    for name in people:
        parts = [w for w in words(re.sub(r"[(\[].*?[)\]]", " ", name)) if w not in _TITLES]
        index.cast.append(frozenset(parts or words(name)))
    df: dict[str, int] = {}
    seen: set[str] = set()
    for number, message in enumerate(thread.messages):
        in_message: set[str] = set()
        pieces = [p for p in _pieces(message.text) if p.strip()]
        for piece in pieces:
            folded = fold(piece)
            tokens = words(piece)
            seen.update(tokens)
            stems = frozenset(content(tokens))
            in_message |= stems
            named = {i for i, name in enumerate(index.cast) if name & set(tokens)}
            index.clauses.append(
                Clause(
                    number, len(index.clauses), people[message.sender], folded, stems,
                    any(map(is_negator, tokens)), frozenset(named),
                    _addressed(folded, index.cast), tuple(values(piece, source=True)),
                )
            )  # fmt: skip
        for s in in_message:
            df[s] = df.get(s, 0) + 1
    count = len(thread.messages)
    index.idf = {s: math.log((1 + count) / (0.5 + n)) + 0.3 for s, n in df.items()}
    index.words = frozenset(seen)
    return index


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    start = 0
    for match in _CLAUSE.finditer(text):
        cut = match.end() if not match[0].strip().isalpha() else match.start()
        pieces.append(text[start:cut])
        start = cut
    return [*pieces, text[start:]]


def _addressed(folded: str, cast: list[frozenset[str]]) -> int | None:
    for match in _VOCATIVE.finditer(folded):
        word = match[1] or match[2] or match[3]
        for person, name in enumerate(cast):
            if word in name:
                return person
    return None


@dataclass(slots=True)
class _Aim:
    """A part of the statement and how much each clause of the thread is about it."""

    tokens: list[str]
    folded: str
    stems: list[str]
    weights: list[float]
    """Per clause, 0..1: the share of the part's weight that stands in or around the clause."""

    @property
    def best(self) -> float:
        return max(self.weights, default=0.0)


def _aim(text: str, index: Index, without: Iterable[str] = ()) -> _Aim:
    tokens = words(text)
    names = set().union(*index.cast) if index.cast else set()
    skip = set(without) | {stem(n) for n in names}
    stems = [s for s in content(tokens) if s not in skip]
    known = [(s, index.idf[s]) for s in stems if s in index.idf]
    total = sum(w for _, w in known) or 1.0
    by_message: dict[int, set[str]] = {}
    for clause in index.clauses:
        by_message.setdefault(clause.message, set()).update(clause.stems)
    empty: set[str] = set()
    weights = []
    for clause in index.clauses:
        message = by_message[clause.message]
        around = by_message.get(clause.message - 1, empty) | by_message.get(
            clause.message + 1, empty
        )
        score = sum(
            w
            if s in clause.stems
            else 0.75 * w
            if s in message
            else 0.4 * w
            if s in around
            else 0.0
            for s, w in known
        )
        weights.append(score / total)
    return _Aim(tokens, fold(text), stems, weights)


def features(statement: str, thread: Thread) -> dict[str, float]:
    """The soft features of a statement, by name (`FEATURES`); every one within -2..2 or so."""
    index = index_of(thread)
    found = dict.fromkeys(FEATURES, 0.0)
    whole = _aim(statement, index)
    if not whole.tokens or not index.clauses:
        return found
    found["coverage"] = _share([s in index.idf for s in whole.stems])
    found["unknown_stems"] = min(4, sum(s not in index.idf for s in whole.stems)) / 4
    found["best_clause"] = whole.best
    _weigh_values(statement, whole, index, found)
    _weigh_people(statement, index, found)
    _weigh_mood(statement, index, found)
    for key in ("bind", "speech", "action"):
        found[f"{key}_against"] = min(0.0, found[key])
    found["opposite"] = float(_opposites(whole, index))
    found["cohesion"] = _cohesion(statement, index)
    return found


def _share(flags: list[bool]) -> float:
    return sum(flags) / len(flags) if flags else 1.0


# values


def _weigh_values(statement: str, whole: _Aim, index: Index, found: dict[str, float]) -> None:
    """Is each value bound to the words that the statement binds it to, or is another one?"""
    said = [v for v in values(statement) if not _is_article(v, statement)]
    folded = whole.folded
    for match in re.finditer(r"\b(?:" + "|".join(ORDINALS) + r")\b", folded):
        said.append(Value("word", ORDINALS[match[0]], match.start(), match.end()))
    spread = []
    for value in said:
        if _is_denied(folded, value):
            continue
        here = [c for c in index.clauses if any(_same(value, v) for v in c.found)]
        if not here:
            found["unknown_word_value"] += value.kind == "word" and value.number > 0.9
            continue
        context = _aim(_around(statement, value), index)
        rivals = [
            (clause, v)
            for clause in index.clauses
            for v in clause.found
            if _rival(value, v) and not any(_same(s, v) for s in said)
        ]
        mine = max(context.weights[c.order] for c in here)
        late = max(c.order for c in here if context.weights[c.order] >= mine - 0.15)
        if rivals:
            theirs = max(context.weights[c.order] for c, _ in rivals)
            spread.append(mine - theirs)
            last = [c.order for c, _ in rivals if context.weights[c.order] >= mine - 0.2]
            if last and max(last) > late:
                newer = index.clauses[max(last)]
                found["bind_late"] = max(
                    found["bind_late"], 1.5 if is_newest(newer.folded) else 0.7
                )
        for clause in here:
            for v in clause.found:
                if _same(value, v):
                    found["rejected"] = max(found["rejected"], float(_is_denied(clause.folded, v)))
                    if is_newest(clause.folded) and not _is_denied(clause.folded, v):
                        found["preferred"] = 1.0
    found["bind"] = min(spread, default=0.0)
    found["unknown_word_value"] = min(2.0, found["unknown_word_value"])


def _is_article(value: Value, text: str) -> bool:
    written = fold(text[value.start : value.end])
    return value.kind == "word" and written in ("one", "half", "single", "both", "once", "quarter")


def _around(text: str, value: Value) -> str:
    """The clause of the statement that a value stands in, without the value."""
    cuts = [0, *(m.start() for m in _ENDS.finditer(text)), len(text)]
    start = max(c for c in cuts if c <= value.start)
    end = min(c for c in cuts if c >= value.end)
    piece = f"{text[start : value.start]} {text[value.end : end]}"
    return piece if len(content(words(piece))) > 1 else f"{text[: value.start]} {text[value.end :]}"


_DENIED = re.compile(
    r"\b(?:not|instead of|rather than|no longer|nahi|was|were|from|old)(?: at| on| the| a)*\s*$"
)


def _is_denied(folded: str, value: Value) -> bool:
    """Whether a value is named as what doesn't hold: "not 7", "instead of Friday"."""
    if _DENIED.search(folded[: value.start]):
        return True
    return bool(re.match(r"\s*(?:is|'s)? ?(?:off|cancelled|gone|nahi)\b", folded[value.end :]))


_CLOCKLIKE = ("time", "number", "word")


def _same(said: Value, there: Value) -> bool:
    if said.kind == "time" or there.kind == "time":
        if said.kind == there.kind:
            return said.number == there.number and not (
                said.half and there.half and said.half != there.half
            )
        clock, bare = (said, there) if said.kind == "time" else (there, said)
        return bare.kind in _CLOCKLIKE and bare.number * 60 % 720 == clock.number
    return (said.kind == "weekday") == (there.kind == "weekday") and said.number == there.number


def _rival(said: Value, there: Value) -> bool:
    """Whether a value of the thread could stand where the statement's stands."""
    if _same(said, there):
        return False
    if said.kind == "time":
        return there.kind == "time" or (there.kind in _CLOCKLIKE and 1 <= there.number <= 12)
    if said.kind == "weekday" or there.kind == "weekday":
        return said.kind == there.kind
    if there.kind == "time":
        return said.number <= 12 and there.number % 60 == 0
    if said.number <= 0 or there.number <= 0:
        return False
    return abs(math.log10(said.number / there.number)) < 1


# people


def _people_in(tokens: list[str], index: Index) -> list[int]:
    """Who is named, in the order of the words; "you" is the wearer."""
    found: list[int] = []
    for token in tokens:
        plain = token.removesuffix("'s").removesuffix("'")
        for person, name in enumerate(index.cast):
            if (
                plain in name or (person == 0 and token in ("you", "your", "you've", "you'll"))
            ) and (person not in found):
                found.append(person)
    return found


def _weigh_people(statement: str, index: Index, found: dict[str, float]) -> None:
    """Did the subject write, or is named in, the clauses that say what the statement says?"""
    for part in _parts(statement):
        tokens = words(part)
        people = _people_in(tokens, index)
        if not people:
            continue
        aim = _aim(part, index)
        if aim.best < 0.2 or len(aim.stems) < 1:
            continue
        subject = people[0]
        spoken = bool(_SPEECH.search(aim.folded))
        scores = [
            max(
                w * _related(person, c, spoken)
                for c, w in zip(index.clauses, aim.weights, strict=True)
            )
            for person in range(len(index.cast))
        ]
        others = [s for p, s in enumerate(scores) if p != subject]
        if others:
            key = "speech" if spoken else "action"
            gap = scores[subject] - max(others)
            found[key] = gap if found[key] == 0 else min(found[key], gap)
        if len(people) > 1:
            top = aim.best
            together = max(
                w for c, w in zip(index.clauses, aim.weights, strict=True) if w >= top - 0.1
            ) * any(
                people[1] in c.people or (people[1] == 0 and second_person(c.folded))
                for c, w in zip(index.clauses, aim.weights, strict=True)
                if w >= top - 0.1
            )
            found["mention"] = together
        _weigh_addressee(aim, index, found)
        _weigh_debt(aim, index, found)


def _related(person: int, clause: Clause, spoken: bool) -> float:
    """How well a clause fits a person as the one who says or does what it says."""
    if spoken:
        return 1.0 if clause.sender == person else 0.5 if person in clause.people else 0.2
    if clause.sender == person:
        return 1.0 if first_person(clause.folded) or not clause.people else 0.7
    if person in clause.people or (person == 0 and second_person(clause.folded)):
        return 1.0
    return 0.3


def _weigh_addressee(aim: _Aim, index: Index, found: dict[str, float]) -> None:
    to_you = bool(_TO_YOU.search(aim.folded))
    named = None
    for match in _TO_NAME.finditer(aim.folded):
        for person, name in enumerate(index.cast):
            if person and match[1].removesuffix("'s") in name:
                named = person
    if not to_you and named is None:
        return
    for clause, weight in zip(index.clauses, aim.weights, strict=True):
        if weight < aim.best - 0.1 or clause.sender == 0:
            continue
        same = [c for c in index.clauses if c.message == clause.message]
        called = {c.addressed for c in same if c.addressed is not None and c.addressed != c.sender}
        if to_you and called:
            found["addressee"] = 1.0 if 0 in called else -1.0
        if named is not None and called:
            found["addressee_other"] = 1.0 if named in called else -1.0


def _weigh_debt(aim: _Aim, index: Index, found: dict[str, float]) -> None:
    """ "You owe Tom" or "Tom owes you": who is in debt to whom."""
    if "owe" not in aim.folded:
        return
    wearer_owes = bool(re.search(r"\byou(?: still)? owe\b|\byou and [\w ]+ owe\b", aim.folded))
    for clause in index.clauses:
        if "owe" not in clause.folded:
            continue
        by_reader = re.search(r"\b(?:yo)?u (?:still )?owe\b", clause.folded)
        by_writer = re.search(r"\b(?:i|we) (?:still )?owe\b", clause.folded)
        if bool(by_reader) != bool(by_writer):
            owes = bool(by_reader) != (clause.sender == 0)
            found["owes"] = 1.0 if owes == wearer_owes else -1.0


# negation, requests, offers, what was taken back


def _weigh_mood(statement: str, index: Index, found: dict[str, float]) -> None:
    for part in _parts(statement):
        aim = _aim(part, index)
        if aim.best < 0.25 or not aim.stems:
            continue
        near = [
            (c, w) for c, w in zip(index.clauses, aim.weights, strict=True) if w >= aim.best - 0.12
        ]
        negated = any(map(is_negator, aim.tokens)) or cancels(aim.folded)
        strength = aim.best * min(1.0, len(aim.stems) / 3)
        shares = _share([c.negated or cancels(c.folded) for c, _ in near])
        if negated:
            found["added_negation"] = max(found["added_negation"], strength * (1 - shares))
        else:
            found["dropped_negation"] = max(found["dropped_negation"], strength * shares)
        asked = max(float(asks(c.folded)) for c, _ in near)
        offered = max(float(offers(c.folded)) for c, _ in near)
        if _REQUEST.search(aim.folded):
            found["request_mismatch"] = strength * (offered - asked)
        elif _OFFER.search(aim.folded):
            found["offer_mismatch"] = strength * (asked - offered)
        last = max(c.order for c, _ in near)
        later = index.clauses[last + 1 :]
        if not negated and any(cancels(c.folded) for c in later):
            found["withdrawn"] = max(found["withdrawn"], strength)


def _opposites(whole: _Aim, index: Index) -> int:
    """Words of the statement that aren't in the thread while their opposite is."""
    heard = index.words
    stems = {stem(w) for w in heard}
    return sum(
        1
        for token in set(whole.tokens)
        if (other := OPPOSITES.get(token) or OPPOSITES.get(stem(token)))
        and token not in heard
        and stem(token) not in stems
        and (other in heard or stem(other) in stems)
        and token not in STOP
    )


def _parts(statement: str) -> list[str]:
    """The statement's clauses, each with enough words to be about something."""
    parts: list[str] = []
    start = 0
    for match in _ENDS.finditer(statement):
        piece = statement[start : match.start()]
        if len(content(words(piece))) >= 2:
            parts.append(piece)
            start = match.start()
    parts.append(statement[start:])
    return [p for p in parts if p.strip()]


def _cohesion(statement: str, index: Index) -> float:
    """The mean, over neighbouring content words, of how close they stand in the thread."""
    scores = []
    for part in _parts(statement):
        known = [s for s in content(words(part)) if s in index.idf]
        for a, b in zip(known, known[1:], strict=False):
            scores.append(_closeness(a, b, index))
    return sum(scores) / len(scores) if scores else 0.5


def _closeness(a: str, b: str, index: Index) -> float:
    at = [c for c in index.clauses if a in c.stems]
    best = 0.0
    for c in at:
        for d in index.clauses:
            if b in d.stems:
                gap = abs(c.message - d.message)
                best = max(best, 1.0 if c is d else 0.7 if not gap else 0.4 if gap == 1 else 0.1)
    return best
