"""Where a thread plainly says otherwise: rules that are hardly ever wrong.

Each looks for one thing that a small model turns round: a word for its opposite, who said it, who
is asked, who owes, offers or lends (`lending`), how many of what (`counts`), a negation added or
dropped. What can only be suspected is weighed in `device.language.claims`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from device.language.asking import weigh_asking
from device.language.claims import (
    FEATURES,
    TO_NAME,
    closest,
    people_in,
    weigh_addressee,
    weigh_debt,
)
from device.language.clauses import Clause, Index, aim, index_of, parts
from device.language.counts import miscounted
from device.language.doers import wrong_doer_or_object
from device.language.lending import wrong_lender
from device.language.values import fold
from device.language.verdict import Reason
from device.language.words import (
    OPPOSITES,
    STOP,
    cancels,
    denies,
    denies_something,
    first_person,
    stem,
    words,
)
from device.messages import Thread


def contradictions(statement: str, thread: Thread) -> Iterator[Reason]:
    """What a statement turns round, each with the words that do."""
    index = index_of(thread)
    yield from _opposite_words(statement, index)
    yield from _opposite_deeds(statement, index)
    yield from _wrong_speaker(statement, index)
    yield from _wrong_doer(statement, index)
    yield from _wrong_request(statement, index)
    yield from wrong_doer_or_object(statement, index)
    yield from wrong_lender(statement, index)
    yield from miscounted(statement, index)
    yield from _negation_added(statement, index)
    yield from _negation_dropped(statement, index)


def _opposite_words(statement: str, index: Index) -> Iterator[Reason]:
    """Words that aren't in the thread while their opposite is."""
    stems = {stem(w) for w in index.words}
    for token in dict.fromkeys(words(statement)):
        other = OPPOSITES.get(token) or OPPOSITES.get(stem(token))
        if not other or token in STOP or token in index.words or stem(token) in stems:
            continue
        if other in index.words or stem(other) in stems:
            yield Reason("negation", token, f"The thread says the opposite of “{token}”.")


_DEEDS = frozenset(("sell", "buy", "win", "lose", "cancel"))


def _opposite_deeds(statement: str, index: Index) -> Iterator[Reason]:
    """ "Leo bought a bike" where Leo sold one and somebody else bought one."""
    for part in parts(statement):
        tokens = words(part)
        people = people_in(tokens, index)
        if len(people) != 1:
            continue
        own = set().union(*(c.stems for c in index.clauses if c.sender == people[0]))
        for token in dict.fromkeys(tokens):
            other = OPPOSITES[stem(token)] if stem(token) in _DEEDS else None
            if other and stem(token) not in own and stem(other) in own:
                yield Reason("speaker", token, f"In the thread somebody else does “{token}”.")


_SPEAKS = re.compile(
    r"^([\w' .-]{2,30}?): "
    r"|^([A-Z][\w'’-]+) (?:says|said|asks|asked|wants|offers|tells|needs|thinks|suggests)\b"
)
_SENTENCE = re.compile(r"(?<=[.;!?]) ")
_LITTLE, _MUCH = 0.25, 0.5
"""Shares of the words said: so little by the one named, so much by another, is plainly wrong."""


def _wrong_speaker(statement: str, index: Index) -> Iterator[Reason]:
    """ "Ana: bring the cake" where Ben wrote it and Ana nothing of the sort."""
    for sentence in _SENTENCE.split(statement):
        match = _SPEAKS.match(sentence)
        if not match:
            continue
        named = set(words(match[1] or match[2]))
        people = list({p for word in named for p in closest(word, named, index) if p})
        said = [s for s in aim(sentence[match.end() :], index).stems if s in index.idf]
        if len(people) != 1 or len(said) < 2:
            continue
        total = sum(index.idf[s] for s in said)
        shares = []
        for person in range(len(index.cast)):
            own = set().union(*(c.stems for c in index.clauses if c.sender == person))
            shares.append(sum(index.idf[s] for s in said if s in own) / total)
        if shares[people[0]] <= _LITTLE and max(shares) >= _MUCH:
            name = match[1] or match[2]
            yield Reason("speaker", sentence, f"Somebody else than {name} wrote this.")


def _wrong_doer(statement: str, index: Index) -> Iterator[Reason]:
    """ "Kim brings wine" where Jo wrote "I'll bring wine", and no wine is Kim's business."""
    for part in parts(statement):
        tokens = words(part)
        people = people_in(tokens, index)
        said = {s for s in aim(part, index).stems if s in index.idf}
        if len(people) != 1 or 0 in people or len(said) < 2 or denies_something(tokens):
            continue
        (named,) = people
        rarest = max(sorted(said), key=index.idf.__getitem__)
        theirs = (c for c in index.clauses if named in (c.sender, c.addressed, *c.people))
        doers = {
            c.sender
            for c in index.clauses
            if said <= c.stems and first_person(c.folded) and "?" not in c.folded
        }
        if doers and not any(rarest in index.stems[c.message] for c in theirs):
            yield Reason("speaker", part.strip(), "Somebody else wrote this of themselves.")


_REQUESTS = {
    "addressee": "The thread asks this of somebody else.",
    "addressee_other": "The thread doesn't ask this of the one named.",
    "owes": "In the thread it is the other one who owes.",
    "offer_support": "The thread asks for this rather than offering it.",
}
_OFFER = re.compile(r"\boffer(?:s|ed)? to\b", re.IGNORECASE)
_ANYBODY = 0.1
"""How far an offer must be outweighed by a request."""


def _wrong_request(statement: str, index: Index) -> Iterator[Reason]:
    """A request to somebody else, a debt reversed, an offer that is a request."""
    found = dict.fromkeys(FEATURES, 0.0)
    for part in parts(statement):
        offers = _OFFER.search(part)
        if not offers and "owe" not in part and not TO_NAME.search(part.casefold()):
            continue
        about = aim(part, index)
        if about.best < 0.2:
            continue
        weigh_addressee(about, index, found)
        weigh_debt(about, index, found)
        if offers:
            for subject in people_in(words(part), index)[:1]:
                weigh_asking(about, subject, index, found)
    for name, text in _REQUESTS.items():
        if found[name] < (-_ANYBODY if name == "offer_support" else 0):
            yield Reason("request", statement, text)


_DENIES = re.compile(
    r"\b(?:do|does|did|wo|ca|is|are|was|were|should|would|could)n't\b((?:\W+[\w'-]+){1,4})"
    r"|\b(?:(?:can|do|does|did|will|would|should) ?not|never|not to)\b((?:\W+[\w'-]+){1,4})"
)
_CAN = re.compile(r"\b(?:can|could|(?:is|are) able to)\b((?:\W+[\w'-]+){1,4})")
_LEFT_OPEN = re.compile(r"\b(?:if|whether|asks?)\b|\?")
_DENIES_THING = re.compile(r"(?<!\bor )\bno ((?:[\w'-]+\W*){1,3})")
_CLAUSE_END = re.compile(r"[,.;!?]")


def _denied_words(folded: str) -> Iterator[str]:
    """The stem of the first content word after each denied verb."""
    for match in _DENIES.finditer(folded):
        yield from _content_of(match[1] or match[2])[:1]


def _content_of(text: str) -> list[str]:
    """The stems of the content words up to the end of the clause."""
    after = words(_CLAUSE_END.split(text)[0])
    return [stem(w) for w in after if w not in STOP and not w.isdigit()]


def _negation_added(statement: str, index: Index) -> Iterator[Reason]:
    """ "Don't bring the cake", "no cake" where the thread speaks of it and denies nothing."""
    folded = fold(statement)
    denied = [_content_of(m[1] or m[2]) for m in _DENIES.finditer(folded)]
    denied += [_content_of(m[1])[:1] for m in _DENIES_THING.finditer(folded)]
    for reached in denied:
        there = [(c, w) for w in reached for c in index.clauses if w in c.stems]
        first = any(w == reached[0] for _, w in there)
        if first and not any(_denies(clause, word) for clause, word in there):
            yield Reason("negation", statement, "The thread says this without a negation.")


_RATHER = re.compile(
    r"(?<=\w) (?<!\bis )(?<!'s )(?<!was )(?<!are )(?<!why )not (?:the|an?|my|your|our)\b.*"
)


def _denies(clause: Clause, word: str) -> bool:
    """Whether a clause may deny a stem of its own, as "salad not the bread" does the bread."""
    held = _RATHER.sub("", clause.folded)
    if word not in map(stem, words(held)):
        held = clause.folded
    return denies_something(words(held)) or cancels(held) or denies(held)


def _negation_dropped(statement: str, index: Index) -> Iterator[Reason]:
    """ "Bring the cake" where the thread only ever says not to bring it."""
    tokens = words(statement)
    if denies_something(tokens) or cancels(fold(statement)):
        return
    said = set(aim(statement, index).stems)
    folded = fold(statement)
    claimed = () if _LEFT_OPEN.search(folded) else _CAN.finditer(folded)
    able = {w for m in claimed for w in _content_of(m[1])[:1]}
    denied = [(c, set(_denied_words(c.folded)) & said) for c in index.clauses]
    for clause, stems in denied:
        always = all(
            s in d or (s in able and "?" in c.folded)  # "can you come?" says neither
            for s in stems
            for c, d in denied
            if s in c.stems
        )
        rest = said - clause.stems
        alone = stems & able and not any(
            rest & c.stems for c in index.clauses if "?" not in c.folded
        )
        if stems and always and (len(said & clause.stems) > 1 or alone):
            yield Reason("negation", statement, "The thread says not to.")
            return
