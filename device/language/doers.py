"""Who does what to whom: a thread's "I paid Dana" against "Dana paid Cem".

In a first-person clause whoever wrote it is the subject, and a person right behind the verb its
object. A question to the reader ("can you pick up Cem?") says what its writer wants and not what
its writer does, one about oneself ("should I bring the cake?") asks nobody else to do it. A thing
that is with somebody is with nobody else. Where the thread has the verb in a clause whose roles
can't be told, nothing is said against the statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from device.language.capitals import CALENDAR
from device.language.clauses import Clause, Index, parts
from device.language.values import fold
from device.language.verdict import Reason
from device.language.words import STOP, content, stem, words

Person = int | str
"""Index into the cast, or the folded name of somebody who wrote nothing."""

_NAME = r"[A-Z][\w’'-]*[\w]"
_AUXILIARY = (
    r"(?:(?:will|can|could|has|have|had|is|are|am|was|just|already|going|to|also|would|still|then)"
    r"\s)"
)
_PARTICLES = frozenset(("up", "out", "back", "off", "down", "over", "in", "on", "at", "for", "to"))
_SAYS_WHO = re.compile(
    rf"^\W*(?:and |but |so )?(?P<who>{_NAME}|[Yy]ou)(?: {_NAME})? (?P<aux>{_AUXILIARY}*)"
    r"(?P<verb>[a-z]{3,})\b(?: (?:up|out|back|off|down|over))?"
    rf"(?: (?P<whom>{_NAME}|you)\b(?<!['’]s)(?!['’]|-))?"
)
_TELLING_WORDS = """
    asks wants tells says said needs thinks offers suggests hopes reminds lets invites knows back
    meets sees joins lends wonders warns agrees confirms promises plans
"""
_TELLING = frozenset(map(stem, _TELLING_WORDS.split()))
"""Verbs that `device.language.asking` and `lending` weigh, and what two people do together."""
_I = frozenset(("i", "i'll", "i've", "i'd", "i'm", "ill", "ive", "im", "we", "we'll", "we've"))
_YOU = frozenset(("you", "u", "ya"))
_ME = frozenset(("me", "us"))
_BETWEEN_WORDS = """
    will can could would have has had just already also am was are going gonna to still then be only
    even should actually happily gladly definitely
"""
_BETWEEN = frozenset(_BETWEEN_WORDS.split())
"""What may stand between a subject and its verb."""
_ASKED = re.compile(
    r"\b(?:can|could|would|will) (?:you|u|someone|somebody|anyone|anybody|one of you)\b"
)
_DOES = re.compile(
    r"(?:(?:just|already|also|still|then) )*(?:will|can|is going to|is (?:\w+ )*\w+ing$|\w+s$)"
)
"""A deed to come, with what may stand before its verb."""
_MY_OWN = re.compile(r"\b(?:should|shall|may) (?:i|we)\b")
_ASKS_YOU = re.compile(r"\b(?:asks|asked|wants|wanted|needs|tells|told) you to ([a-z]{3,})")
_WITH = re.compile(
    r"\b(?:is|are|was|were)(?: still| now| left| all)? with ([a-z][\w'-]*)|\b(?:it|that|they)'"
    r"(?:s|re)(?: still| now)? with ([a-z][\w'-]*)"
)


def wrong_doer_or_object(statement: str, index: Index) -> Iterator[Reason]:
    """Where a statement turns round who does what, or gives it to another one."""
    for part in parts(statement):
        said = _SAYS_WHO.match(part)
        if said and stem(said["verb"]) not in _TELLING and not said["verb"].startswith("owe"):
            yield from _against_roles(part, said, index)
            yield from _against_request(part, said, index)
        yield from _against_own_question(part, index)
        yield from _against_holder(part, index)


def _who(name: str, index: Index) -> Person:
    bare = fold(name).removesuffix("'s")
    if bare in _YOU:
        return 0
    called = [person for person, known in enumerate(index.cast) if bare in known]
    return called[0] if len(called) == 1 else bare


def _against_roles(part: str, said: re.Match[str], index: Index) -> Iterator[Reason]:
    if not said["whom"] or fold(said["whom"]) in CALENDAR:
        return
    doer, other, verb = _who(said["who"], index), _who(said["whom"], index), stem(said["verb"])
    if doer == other:
        return
    there = [_roles(c, verb, index) for c in index.clauses if verb in c.stems]
    if not there or None in there:
        return
    if (other, doer) in there and (doer, other) not in there:
        yield Reason("speaker", part.strip(), "In the thread the other one does this.")
    elif all(d == doer and o is not None and o != other for d, o in filter(None, there)):
        yield Reason("speaker", part.strip(), "In the thread somebody else is meant.")


def _roles(clause: Clause, verb: str, index: Index) -> tuple[Person, Person | None] | None:
    """Who does it and to whom, as a clause says it; None where that can't be told."""
    tokens = words(clause.folded)
    at = next((i for i, token in enumerate(tokens) if stem(token) == verb), 0)
    before = at - 1
    while before >= 0 and tokens[before] in _BETWEEN:
        before -= 1
    if before < 0 or "?" in clause.folded:
        return None
    reader: Person | None = 1 - clause.sender if len(index.cast) == 2 else None
    doer: Person | None
    if tokens[before] in _I:
        doer = clause.sender
    elif tokens[before] in _YOU:
        doer = reader
    else:
        found = _who(tokens[before], index)
        doer = found if isinstance(found, int) else None
    after = at + 1
    while after < len(tokens) and tokens[after] in _PARTICLES:
        after += 1
    if doer is None or after >= len(tokens) or tokens[after] in ("him", "her", "them", "it"):
        return None
    word = tokens[after]
    if word in _ME:
        return doer, clause.sender
    if word in _YOU:
        return None if reader is None else (doer, reader)
    whom = _who(word, index)
    return doer, None if whom in STOP or word.isdigit() else whom


def _against_request(part: str, said: re.Match[str], index: Index) -> Iterator[Reason]:
    """ "Ben will pick up Cem" where Ben asks somebody to pick up Cem."""
    doer, verb = _who(said["who"], index), stem(said["verb"])
    there = [c for c in index.clauses if verb in c.stems]
    deed = f"{said['aux']}{said['verb']}"
    if not there or not _DOES.match(deed) or "?" in part or doer == 0:
        return
    if all(c.sender == doer and _ASKED.search(c.folded) for c in there):
        yield Reason("request", part.strip(), "In the thread this is asked of somebody else.")


def _against_own_question(part: str, index: Index) -> Iterator[Reason]:
    """ "Dana asks you to bring the cake" where Dana wrote "should I bring the cake?"."""
    asked = _ASKS_YOU.search(fold(part))
    verb = stem(asked[1]) if asked else ""
    there = [c for c in index.clauses if verb in c.stems and c.sender]
    if there and all(_MY_OWN.search(c.folded) for c in there):
        yield Reason("request", part.strip(), "The thread asks whether to do this oneself.")


def _against_holder(part: str, index: Index) -> Iterator[Reason]:
    """ "The keys are with Cem" where they are with Dana."""
    held = _WITH.search(fold(part))
    if not held:
        return
    word = held[1] or held[2]
    holder = _who(word, index)
    things = {s for s in content(words(part[: held.start()])) if s in index.idf}
    named = re.search(rf"\b{re.escape(word)}\b", part, re.IGNORECASE)
    if not things or (isinstance(holder, str) and not (named and named[0][0].isupper())):
        return
    holders = []
    for clause in index.clauses:
        if things <= clause.stems and (found := _WITH.search(clause.folded)):
            name = found[1] or found[2]
            mine = name in _ME
            if name in STOP and not mine:
                return
            holders.append(clause.sender if mine else _who(name, index))
    if holders and holder not in holders:
        yield Reason("speaker", part.strip(), "In the thread somebody else has this.")
