"""What a statement claims beyond its words, and how well the thread bears it out.

Against the clauses that a statement is about every claim is weighed: is the subject the one who
wrote them or is named there? are they negated, a request, an offer, taken back later? Each answer
is one soft feature, a number near zero where the question doesn't arise.
"""

from __future__ import annotations

import re
from itertools import pairwise

from device.language.asking import OF_YOU, SURE, VERBS, weigh_asking
from device.language.clauses import Aim, Clause, Index, aim, index_of, parts
from device.language.polarity import weigh_polarity
from device.language.value_claims import rejected_words, weigh_values
from device.language.words import (
    cancels,
    content,
    denies_something,
    first_person,
    second_person,
    stem,
    words,
)
from device.messages import Thread

FEATURES = (
    "unknown_word_value", "coverage", "bind", "bind_against",
    "superseded", "newest", "rejected", "rejected_word", "preferred", "speech", "speech_against",
    "action", "action_against", "mention", "addressee", "addressee_other", "ask_support",
    "offer_support", "to_whom", "neg_agree", "neg_add", "neg_drop", "withdrawn",
    "cohesion", "owes",
)  # fmt: skip
"""Names of the soft features, in their order."""

_SPEECH = re.compile(
    r"\b(?:says?|said|asks?|asked|wants?|tells?|told|offers?|promises?|thinks?|believes?|claims?|"
    r"wrote|writes|reminds?|warns?|recommends?|suggests?|needs?|would like|begs?|prefers?|hints?|"
    r"expects?|admits?|admitted|voted|apologis\w+|promised|agrees?|checked|requires?)\b"
)
TO_NAME = re.compile(rf"\b{VERBS} ([a-z][\w'-]+)")
"""A request to somebody, who is the first group."""

_OF_A_THREAD = "likely scam fake spam message claims looks stranger unknown number sender"
_TELLING = frozenset(map(stem, words(_OF_A_THREAD)))
"""What a statement says of a thread in words that the thread itself never has."""


def features(statement: str, thread: Thread) -> dict[str, float]:
    """The soft features of a statement, by name (`FEATURES`); every one within -2..2 or so."""
    index = index_of(thread)
    found = dict.fromkeys(FEATURES, 0.0)
    whole = aim(statement, index)
    if not whole.tokens or not index.clauses:
        return found
    found["coverage"] = _share([s in index.idf for s in whole.stems if s not in _TELLING])
    weigh_values(statement, whole, index, found)
    _weigh_people(statement, index, found)
    _weigh_mood(statement, index, found)
    for key in ("bind", "speech", "action"):
        found[f"{key}_against"] = min(0.0, found[key])
    found["rejected_word"] = rejected_words(whole, index)
    found["cohesion"] = _cohesion(statement, index)
    return found


def _share(flags: list[bool]) -> float:
    return sum(flags) / len(flags) if flags else 1.0


def people_in(tokens: list[str], index: Index) -> list[int]:
    """Who is named, in the order of the words; "you" is the wearer."""
    plain = [token.removesuffix("'s").removesuffix("'") for token in tokens]
    found: list[int] = []
    for token, bare in zip(tokens, plain, strict=True):
        called = closest(bare, set(plain), index)
        if token in ("you", "your", "you've", "you'll"):
            called.append(0)
        found += [person for person in called if person not in found]
    return found


def closest(word: str, said: set[str], index: Index) -> list[int]:
    """Who is meant by a name: of two Bens the one whose second name is `said` too."""
    called = [person for person, name in enumerate(index.cast) if word in name]
    most = max((len(index.cast[person] & said) for person in called), default=0)
    return [person for person in called if len(index.cast[person] & said) == most]


def _weigh_people(statement: str, index: Index, found: dict[str, float]) -> None:
    """Did the subject write, or is named in, the clauses that say what the statement says?"""
    for part in parts(statement):
        tokens = words(part)
        people = people_in(tokens, index)
        if not people:
            continue
        about = aim(part, index)
        if about.best < 0.2 or len(about.stems) < 1:
            continue
        subject = people[0]
        spoken = bool(_SPEECH.search(about.folded))
        scores = [
            max(
                w * _related(person, c, spoken)
                for c, w in zip(index.clauses, about.weights, strict=True)
            )
            for person in range(len(index.cast))
        ]
        others = [s for p, s in enumerate(scores) if p != subject]
        if others:
            key = "speech" if spoken else "action"
            gap = scores[subject] - max(others)
            found[key] = gap if found[key] == 0 else min(found[key], gap)
        if len(people) > 1:
            top = about.best
            together = max(
                w for c, w in zip(index.clauses, about.weights, strict=True) if w >= top - 0.1
            ) * any(
                people[1] in c.people or (people[1] == 0 and second_person(c.folded))
                for c, w in zip(index.clauses, about.weights, strict=True)
                if w >= top - 0.1
            )
            found["mention"] = together
        weigh_asking(about, subject, index, found)
        weigh_addressee(about, index, found)
        weigh_debt(about, index, found)


def _related(person: int, clause: Clause, spoken: bool) -> float:
    """How well a clause fits a person as the one who says or does what it says."""
    if spoken:
        return 1.0 if clause.sender == person else 0.5 if person in clause.people else 0.2
    if clause.sender == person:
        return 1.0 if first_person(clause.folded) or not clause.people else 0.7
    if person in clause.people or (person == 0 and second_person(clause.folded)):
        return 1.0
    return 0.3


def weigh_addressee(about: Aim, index: Index, found: dict[str, float]) -> None:
    """ "Ana asks you": is the request addressed to the one the statement names?"""
    to_you = bool(OF_YOU.search(about.folded))
    named = None
    for match in TO_NAME.finditer(about.folded):
        for person, name in enumerate(index.cast):
            if person and match[1].removesuffix("'s") in name:
                named = person
    if not to_you and named is None:
        return
    if named is not None and len(index.cast) == 2:
        found["addressee_other"] = -1.0  # of two people, one can ask only the other
    for clause, weight in zip(index.clauses, about.weights, strict=True):
        if weight < about.best - 0.1 or clause.sender == 0:
            continue
        same = [c for c in index.clauses if c.message == clause.message]
        called = {c.addressed for c in same if c.addressed is not None and c.addressed != c.sender}
        if to_you and called:
            found["addressee"] = 1.0 if 0 in called else -1.0
        if named is not None and called:
            found["addressee_other"] = 1.0 if named in called else -1.0


def weigh_debt(about: Aim, index: Index, found: dict[str, float]) -> None:
    """ "You owe Tom" or "Tom owes you": who is in debt to whom."""
    if "owe" not in about.folded:
        return
    wearer_owes = bool(re.search(r"\byou(?: still)? owe\b|\byou and [\w ]+ owe\b", about.folded))
    for clause in index.clauses:
        if "owe" not in clause.folded:
            continue
        by_reader = re.search(r"\b(?:yo)?u (?:still )?owe\b", clause.folded)
        by_writer = re.search(r"\b(?:i|we) (?:still )?owe\b", clause.folded)
        by_other = re.search(r"\b(?:he|she) (?:still )?owes\b", clause.folded)
        if wearer_owes and by_other and not by_reader and clause.sender:
            found["owes"] = -1.0
        if bool(by_reader) != bool(by_writer):
            owes = bool(by_reader) != (clause.sender == 0)
            found["owes"] = 1.0 if owes == wearer_owes else -1.0


def _weigh_mood(statement: str, index: Index, found: dict[str, float]) -> None:
    for part in parts(statement):
        about = aim(part, index)
        weigh_polarity(about, index, found)
        if about.best < 0.25 or not about.stems:
            continue
        negated = denies_something(about.tokens) or cancels(about.folded)
        strength = about.best * min(1.0, len(about.stems) / 3)
        last = max(
            c.order
            for c, w in zip(index.clauses, about.weights, strict=True)
            if w >= about.best - SURE
        )
        later = index.clauses[last + 1 :]
        if not negated and any(cancels(c.folded) for c in later):
            found["withdrawn"] = max(found["withdrawn"], strength)
    if found["neg_agree"]:
        found["neg_add"] = 0.0


def _cohesion(statement: str, index: Index) -> float:
    """The mean, over neighbouring content words, of how close they stand in the thread."""
    scores = []
    for part in parts(statement):
        known = [s for s in content(words(part)) if s in index.idf]
        scores += [_closeness(a, b, index) for a, b in pairwise(known)]
    return sum(scores) / len(scores) if scores else 0.5


def _closeness(a: str, b: str, index: Index) -> float:
    """How close two stems stand in the thread at best: 1 in one clause, 0.1 far apart."""
    if any(a in c.stems and b in c.stems for c in index.clauses):
        return 1.0
    with_a, with_b = ({c.message for c in index.clauses if s in c.stems} for s in (a, b))
    if with_a & with_b:
        return 0.7
    if any(m - 1 in with_b or m + 1 in with_b for m in with_a):
        return 0.4
    return 0.1 if with_a and with_b else 0.0
