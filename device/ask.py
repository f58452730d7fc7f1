"""The wearer asks, a message answers: finding it among all that are kept.

    found = ask(inbox, "when did Tom say dinner is?")
    found[0].message            # cited as it is, with sender, time and conversation
    []                          # nothing found

A message is weighed by how many of the question's words it has (rare ones count more; those of its
neighbours count too, for "what time is dinner?" is answered by "8"), by whether it has what such a
question wants (a time, a place, a sum), and by how new it is. What weighs too little is no answer.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from device.corrections import BEFORE, VERBS, Course, was_agreed
from device.inbox import Inbox, Passage
from device.language.question import (
    Question,
    asks_the_same,
    fits_kind,
    likeness,
    understand_question,
)
from device.language.triage import only_nods
from device.language.words import CANON, stem, words
from device.messages import Message, Thread

ENOUGH = 0.6
"""A message that weighs less is no answer."""
NAME = 2.0
"""Weight of a name, beside the other words."""
BESIDE = 0.7
"""What a word counts that only stands in one of the messages before."""
REPLIED = 0.9
"""The same where the message right before is a question with that word."""
CORRECTED = 1.1
"""The same where a value takes the place of one said before ("make it half past"); such a message
may go on from all that are read."""
VERB = 0.35
"""Weight of a verb that many sentences have, beside the other words."""
TITLE = 0.7
"""What a word counts that only stands in the conversation's name."""
NO_SUCH_KIND = 0.3
"""Factor for a message without a time, say, where one is wanted."""
NO_PLACE = 0.7
"""The same for a place, which is not surely told from another word."""
ASKS_BACK = 0.6
"""Factor for a message that only asks; one that ends with a question has half of it."""
BY_ME = 0.9
"""Factor for the wearer's own message where nobody asked for those."""
FRESH = 0.05
"""What being new adds at most: among messages that say the same, the last one counts."""
AWAY = dt.timedelta(hours=6)
"""Messages further apart than this don't speak of the same thing by standing side by side."""

Turn = Literal["later", "before", ""]


@dataclass(frozen=True, slots=True)
class Found:
    """A message that may answer."""

    connector: str
    thread_id: str
    title: str | None
    is_group: bool
    me: str
    message: Message
    score: float
    """Higher is better; at least `ENOUGH`."""
    asked: bool = False
    """Whether the message only asks the same, and answers nothing."""
    changes: bool = False
    """Whether it gives another value than was said before it, or may do so, or calls it off."""
    may_be_changed: bool = False
    """Whether it gives a value that another message may take the place of."""
    came: int = 0
    """Its place among all that are kept: the greater, the later it came."""

    @property
    def by_me(self) -> bool:
        """Whether the wearer wrote it."""
        return self.message.sender == self.me


def ask(inbox: Inbox, text: str, limit: int = 3) -> list[Found]:
    """The messages that answer a question, best first, and behind them those that only ask it, at
    most `limit`; the newest change of the best one comes with it on top. Empty where there is none.

    Raises `StoreError` when the inbox can't be read.
    """
    question = understand_question(text)
    if not (question.about or question.speaker or question.by_me or question.chat):
        return []
    writers = inbox.senders()
    if question.by_me:
        speakers: set[str] | None = {name for name, mine in writers if mine}
    else:
        speakers = _people(question.speaker, (name for name, mine in writers if not mine)) or None
    if question.speaker and speakers is None:
        # Nobody of that name wrote; who it is may stand in a text ("the doctor says ...").
        about = (*question.speaker, *question.about)
        question = replace(question, about=about, of_words=False)
    passages = inbox.passages(
        [_forms(word) for word in question.about], None if speakers is None else sorted(speakers)
    )
    best: dict[int, Found] = {}
    weights = _rarity(question, passages)
    for passage in passages:
        if question.chat and not _is_in(question.chat, passage):
            continue
        course = Course(passage.messages, question)
        for i, (seq, message) in enumerate(zip(passage.order, passage.messages, strict=True)):
            changes, off = _changes(course, i), course.calls_off(i)
            if not (speakers is None or message.sender in speakers or changes or off):
                continue
            asked = asks_the_same(question, message.text)
            unnamed = speakers is None
            score = ENOUGH if asked else _weigh(question, passage, i, weights, unnamed, changes)
            if off:  # told along with what it calls off
                score = max(score, ENOUGH)
            if score >= ENOUGH and (seq not in best or best[seq].score < score):
                best[seq] = Found(
                    passage.connector,
                    passage.thread_id,
                    passage.title,
                    passage.is_group,
                    passage.me,
                    message,
                    score,
                    asked,
                    bool(changes) or off,
                    course.may_be_replaced(i),
                    seq,
                )
    newest = {seq: rank for rank, seq in enumerate(sorted(best))}
    fresh = {seq: FRESH * (newest[seq] + 1) / len(best) for seq in best}

    def place(one: Found) -> tuple[bool, float, int]:
        return not one.asked, one.score + fresh[one.came], one.came

    ordered = sorted(best.values(), key=place, reverse=True)
    answers = [one for one in ordered if speakers is None or one.message.sender in speakers]
    return _with_change(answers[:limit], ordered)


def turn(one: Found, best: Found) -> Turn:
    """How a message found stands to the best one, where either changes what the other says."""
    same = (one.connector, one.thread_id) == (best.connector, best.thread_id)
    if one is best or one.asked or not same:
        return ""
    if one.came > best.came:
        return "later" if one.changes else ""
    return "before" if best.changes and one.may_be_changed else ""


def _with_change(answers: list[Found], all_found: Iterable[Found]) -> list[Found]:
    """The answers; the newest change of the best one, by whomever, right behind it."""
    if not answers:
        return []
    best = answers[0]
    changes = [one for one in all_found if turn(one, best) == "later"]
    newest = sorted(changes, key=lambda one: one.came)[-1:]
    return [best, *newest, *(one for one in answers[1:] if one not in newest)]


def _people(named: Sequence[str], writers: Iterable[str]) -> set[str]:
    """Those whose name has all of these words: "aunt", "tom" and "mum" as well as a whole name."""
    if not named:
        return set()
    return {
        writer
        for writer in writers
        if all(any(likeness(word, part) for part in words(writer)) for word in named)
    }


def _is_in(chat: Sequence[str], passage: Passage) -> bool:
    return bool(_people(chat, [passage.title or passage.thread_id]))


def _forms(word: str) -> list[str]:
    """How a word may stand in the index: itself, its stem, and its near-synonyms."""
    near = [other for other, first in CANON.items() if first == stem(word)]
    return list(dict.fromkeys([word, stem(word), *near]))


def _rarity(question: Question, passages: Sequence[Passage]) -> dict[str, float]:
    """How much each word of the question tells: the log of the inverse share of passages with it,
    on top of one."""
    texts = [set(words(" ".join(m.text for m in passage.messages))) for passage in passages]
    weights = {}
    for word in question.about:
        having = sum(any(likeness(word, said) for said in text) for text in texts)
        rare = 1.0 + math.log((1 + len(texts)) / (1 + having))
        common = not VERBS.isdisjoint((word, stem(word), word.removesuffix("ing")))
        weights[word] = rare * (NAME if word in question.names else VERB if common else 1.0)
    return weights


def _weigh(
    question: Question,
    passage: Passage,
    i: int,
    weights: Mapping[str, float],
    unnamed: bool,
    changes: float,
) -> float:
    """How well a message answers; 1 is a message with all that was asked for."""
    message = passage.messages[i]
    if not message.text.strip() or only_nods(_alone(passage, message)):
        return 0.0
    fits = fits_kind(question.wants, message.text)
    own = words(message.text)
    before, replied = _before(passage.messages, i)
    near = REPLIED if replied else BESIDE
    if changes:
        before, near = passage.messages[:i], changes
    levels: tuple[tuple[list[str], float], ...] = (
        (own, 1.0),
        (words(message.sender) if message.sender != passage.me else [], 0.9),
        (_place(passage, question.by_me), TITLE),
        ([word for other in before for word in words(other.text)], near),
    )
    got = 0.0
    for word, weight in weights.items():
        named = unnamed and word in question.speaker
        got += weight * max(
            level * likeness(word, said)
            for heard, level in (levels[:1] if named else levels)
            for said in (*heard, "")
        )
    score = got / total if (total := sum(weights.values())) else 1.0
    score *= fits or (NO_PLACE if question.wants == "where" else NO_SUCH_KIND)
    if message.text.rstrip().endswith("?") and not (
        question.wants_value and was_agreed(passage.messages, i)
    ):
        only = len(re.findall(r"[.!?]+(?=\s|$)", message.text)) == message.text.count("?")
        score *= ASKS_BACK if only and not (question.wants_value and fits) else (1 + ASKS_BACK) / 2
    if message.sender == passage.me and not question.by_me:
        score *= BY_ME
    return score


def _changes(course: Course, i: int) -> float:
    """What a word of an earlier message counts for one that puts a value in that one's place; 0
    where it doesn't."""
    if course.replaces(i):
        return CORRECTED
    return BESIDE if course.may_replace(i) else 0.0


def _place(passage: Passage, by_me: bool) -> list[str]:
    """The words of the conversation's name; for the wearer's own words also whom they went to."""
    others = [m.sender for m in passage.messages if by_me and m.sender != passage.me]
    return words(" ".join([passage.title or "", *others]))


def _alone(passage: Passage, message: Message) -> Thread:
    return Thread(passage.thread_id, passage.me, (message,))


def _before(messages: Sequence[Message], i: int) -> tuple[Sequence[Message], bool]:
    """What a message may go on from, and whether the last of that is somebody else's question."""
    when = _when(messages[i])
    found = []
    for other in messages[max(0, i - BEFORE) : i]:
        then = _when(other)
        if when is None or then is None or abs(when - then) <= AWAY:
            found.append(other)
    replied = bool(found) and "?" in found[-1].text and found[-1].sender != messages[i].sender
    return found, replied


def _when(message: Message) -> dt.datetime | None:
    if message.date is None or message.time is None:
        return None
    return dt.datetime.combine(message.date, message.time)
