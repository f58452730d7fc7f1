"""The wearer's own sent texts, out of the inbox: what `sidelong personalize` learns from.

A moment is an answer: the wearer's first message behind somebody else's. What the wearer adds to
their own message is left out, since the device never drafts that; so is what stands in a chat whose
language the model was not taught, since none is drafted there.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence

from device.errors import SidelongError
from device.inbox import Inbox
from device.language.languages import is_taught
from device.messages import Draft, Message, Thread
from device.text import neutralise
from federated.users import CONTEXT, Sent, User, intent_of, plain, split

TEXTS = 200
"""Moments that are learnt at most, the latest ones."""
MOST_GATE, MOST_TEST = 16, 40
"""Moments at most that say where to stop, and that decide whether the adapter is kept."""
FEWEST = 30
"""Different answers below which nothing is learnt: six of them are held out, and with fewer no
test could tell a gain from chance."""
MEDIA = re.compile(r"\[[\w ]+\]")
"""What exports write for a photo or a voice message ("[photo]"): no words of the wearer's."""


def answers(inbox: Inbox) -> list[Sent]:
    """Every answer of the wearer's in the order sent, with up to `CONTEXT` messages before it.

    Those whose day isn't known come first. The intent is a guess by a few words of the text; the
    model makes a better one later (`personal_gate.with_intents`). Raises `StoreError`.
    """
    found = [
        (_when(message), Sent(before, (Draft(intent_of(text), text),)))
        for info in inbox.threads()
        for message, text, before in _answers(inbox.thread(info.connector, info.id))
    ]
    return [sent for _, sent in sorted(found, key=lambda pair: pair[0])]


def _answers(thread: Thread) -> Iterator[tuple[Message, str, Thread]]:
    """(an answer, its words, the thread before it as the device had it) of a conversation.

    The words stand on one line, as a draft has to.
    """
    messages = thread.messages
    for i in range(1, len(messages)):
        answer = messages[i]
        if answer.sender != thread.me or messages[i - 1].sender == thread.me:
            continue
        text = neutralise(" ".join(answer.text.split()))
        if not text or MEDIA.match(text):
            continue
        before = messages[max(0, i - CONTEXT) : i]
        own = [n for n, m in enumerate(before, start=1) if m.sender == thread.me]
        moment = Thread(
            id=f"{thread.id} {i}",  # of its own: writers tell threads apart by it
            me=thread.me,
            messages=before,
            title=thread.title,
            is_group=thread.is_group,
            unread_from=own[-1] if own else 0,
        )
        if is_taught(moment):
            yield answer, text, moment


def _when(message: Message) -> tuple[dt.date, dt.time]:
    return message.date or dt.date.min, message.time or dt.time.min


def wearer(sents: Sequence[Sent]) -> User:
    """The wearer's moments cut in three (`users.split`).

    Raises `SidelongError` where there are fewer than `FEWEST` different ones.
    """
    different = len({plain(r.text) for s in sents for r in s.replies})
    user = split("me", sents, TEXTS, most_test=MOST_TEST, most_gate=MOST_GATE)
    if user is None or different < FEWEST:
        raise SidelongError(
            f"the inbox holds {different} different answers of yours, and learning takes {FEWEST} "
            "at least; `sidelong inbox import` keeps more chats; nothing was changed"
        )
    return user
