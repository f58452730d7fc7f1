"""Who takes part in the simulation, and what each has sent: one file a user, nothing mixed.

None of them trained the shipped model: GlanceChat's development personas, NUS SMS and Gitter. A
user's texts are in the order in which they were sent and are cut in three, the last ones last:

    train | gate | test        the gate decides which adapter is kept, the test alone is reported
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Any

from device.connectors.jsonl import thread_of
from device.language.words import asks, commits
from device.messages import Draft, Intent, Message, Thread
from export.data import read_jsonl, split_glancechat
from federated.settings import Settings

FEWEST = 8
"""Moments of writing below which nobody takes part: too few to train, gate and test."""
CONTEXT = 6
"""Messages of a thread that are kept before a text."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A moment at which the user wrote: the thread so far, and the user's own words.

    GlanceChat has up to three replies to a thread, the others one.
    """

    thread: Thread
    replies: tuple[Draft, ...]

    def own_texts(self) -> Iterator[str]:
        """Everything in here that the user wrote, the thread's messages included."""
        yield from (r.text for r in self.replies)
        yield from (m.text for m in self.thread.messages if m.sender == self.thread.me)


@dataclass(frozen=True, slots=True)
class User:
    """One user's own data; nobody else's is in it but what others wrote to them."""

    name: str
    train: tuple[Sent, ...]
    gate: tuple[Sent, ...]
    test: tuple[Sent, ...]


def plain(text: str) -> str:
    """The same for texts that differ in case, spaces and punctuation only."""
    return " ".join(re.findall(r"\w+", text.casefold())) or text.strip()


_THANKS = re.compile(r"\b(?:thanks?|thx|tnx|ty|thank you|cheers)\b")
_NO = re.compile(r"^(?:no+|nope|nah|sorry|cannot|can't|cant|don't think)\b")
_YES = re.compile(r"^(?:yes|yeah|yep|yup|ya|sure|okay?s?|ok|okie|alright|k|kk|fine)\b")
_LATER = re.compile(r"\b(?:later|tomorrow|tmr|another time|not yet)\b")
_CONGRATULATE = re.compile(r"\b(?:congrat\w*|happy (?:birthday|new year|bday)|well done)\b")
_COMFORT = re.compile(r"\b(?:take care|don't worry|dont worry|get well|hope you)\b")


def intent_of(text: str) -> Intent:
    """What a text does, by a few words of it.

    On the device the wearer picks the intent; what these sets hold was typed without one.
    """
    folded = text.casefold().strip()
    if _CONGRATULATE.search(folded):
        return "congratulate"
    if _THANKS.search(folded):
        return "thanks"
    if "?" in folded or asks(folded):
        return "ask"
    if _COMFORT.search(folded):
        return "comfort"
    if _NO.search(folded):
        return "decline"
    if _YES.search(folded):
        return "accept" if len(folded) > 12 or commits(folded) else "ack"
    if _LATER.search(folded) and commits(folded):
        return "defer"
    return "inform"


@dataclass(frozen=True, slots=True)
class Source:
    """A set of users: their names, and how to read what one of them sent."""

    names: list[str]
    read: Callable[[str], list[Sent]]


def glancechat(folder: Path) -> Source:
    """The development personas, those with most threads first."""
    found: dict[str, list[Sent]] = {}
    for example in split_glancechat(folder)[1]:
        if example.drafts:
            found.setdefault(example.persona, []).append(Sent(example.thread, example.drafts))
    return Source(sorted(found, key=lambda name: (-len(found[name]), name)), found.__getitem__)


def others(path: Path, seed: int) -> Source:
    """A file of users/, whose threads end with the user's own text; users in an order by chance."""
    records: dict[str, list[dict[str, Any]]] = {}
    for record in read_jsonl(path):
        if record["user"] and record["thread"][-1]["text"].strip():
            records.setdefault(record["user"], []).append(record)

    def read(user: str) -> list[Sent]:
        in_order = sorted(records[user], key=lambda r: r["thread"][-1]["ts"] or "")
        return [_sent(r) for r in in_order]

    shuffled = sorted(records, key=lambda n: hashlib.sha256(f"{seed} {n}".encode()).digest())
    return Source(shuffled, read)


def _sent(record: dict[str, Any]) -> Sent:
    """One record of users/: its last turn is the reply, those before are the thread."""
    *before, last = record["thread"]
    messages = [
        {"from": m["from"], "at": m["ts"], "text": m["text"]}
        for m in before[-CONTEXT:]
        if (m["from"] or "").strip()
    ]
    reply = Draft(intent_of(last["text"]), last["text"].strip())
    return Sent(_thread(record["id"], last["from"] or "?", messages), (reply,))


def _thread(name: str, me: str, messages: list[dict[str, Any]], **more: Any) -> Thread:
    """A thread that, unlike a connector's, may hold no message: an SMS that opens one."""
    if not messages:
        return Thread(name, me, ())
    return thread_of({"id": name, "me": me, "messages": messages} | more)


def split(
    name: str, sents: Sequence[Sent], texts: int, *, most_test: int = 12, most_gate: int = 8
) -> User | None:
    """Cut a user's moments in three, in their order; None where there are too few.

    The last fifth is the test and the eighth before it the gate (at least two each, at most
    `most_test` and `most_gate`); of the rest the last `texts` train. A text that comes twice counts
    where it comes first, so that "ok" is not both learnt and examined; and a moment of training
    that shows a gate's or test's text anywhere among the user's own words is left out.
    """
    seen: set[str] = set()
    fresh = []
    for sent in sents:
        replies = [r for r in sent.replies if plain(r.text) not in seen]
        seen.update(plain(r.text) for r in replies)
        if replies:
            fresh.append(dataclasses.replace(sent, replies=tuple(replies)))
    if len(fresh) < FEWEST:
        return None
    n_test = min(most_test, max(2, len(fresh) // 5))
    n_gate = min(most_gate, max(2, len(fresh) // 8))
    test = fresh[-n_test:]
    gate = _without(fresh[-n_test - n_gate : -n_test], test)
    train = _without(fresh[: -n_test - n_gate], [*gate, *test])[-texts:]
    if len(train) < FEWEST // 2 or not gate:
        return None
    return User(name, tuple(train), tuple(gate), tuple(test))


def _without(sents: Sequence[Sent], held_out: Sequence[Sent]) -> list[Sent]:
    """Those in which no reply of `held_out` stands."""
    texts = {plain(r.text) for sent in held_out for r in sent.replies}
    return [s for s in sents if not any(plain(t) in texts for t in s.own_texts())]


def choose(sources: Iterable[Source], settings: Settings) -> list[User]:
    """`settings.users` users, one of each source in turn; the same seed chooses the same."""
    lines = [_users(source, settings) for source in sources]
    users = filter(None, chain.from_iterable(zip_longest(*lines)))
    return list(islice(users, settings.users))


def _users(source: Source, settings: Settings) -> Iterator[User]:
    """Those of a source who have written enough."""
    users = (split(name, source.read(name), settings.texts) for name in source.names)
    return filter(None, users)


def load_users(settings: Settings) -> list[User]:
    """The users of a simulation, from `settings.data`. Raises `OSError` where a set is missing."""
    data = settings.path("data")
    files = ("nus_sms.jsonl.gz", "gitter_user_replies.jsonl.gz")
    sources = [
        glancechat(data / "glancechat"),
        *(others(data / "users" / f, settings.seed) for f in files),
    ]
    return choose(sources, settings)


def write_partitions(users: Sequence[User], folder: Path) -> None:
    """One file a user, `0000.json` and so on: a client opens its own and no other."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("[0-9]*.json"):
        old.unlink()
    for number, user in enumerate(users):
        parts = {p: [_record(s) for s in getattr(user, p)] for p in ("train", "gate", "test")}
        text = json.dumps({"name": user.name} | parts, ensure_ascii=False)
        (folder / f"{number:04}.json").write_text(text, encoding="utf-8")


def read_partition(folder: Path, number: int) -> User:
    """One user's file. Raises `OSError` where there is none."""
    record = json.loads((folder / f"{number:04}.json").read_text(encoding="utf-8"))
    parts = (tuple(map(_from_record, record[p])) for p in ("train", "gate", "test"))
    return User(record["name"], *parts)


def _record(sent: Sent) -> dict[str, Any]:
    thread = sent.thread
    return {
        "id": thread.id,
        "me": thread.me,
        "title": thread.title,
        "is_group": thread.is_group,
        "unread_from": thread.unread_from,
        "messages": [{"from": m.sender, "at": _at(m), "text": m.text} for m in thread.messages],
        "replies": [dataclasses.asdict(r) for r in sent.replies],
    }


def _from_record(record: dict[str, Any]) -> Sent:
    more = {k: record[k] for k in ("title", "is_group", "unread_from")}
    thread = _thread(record["id"], record["me"], record["messages"], **more)
    return Sent(thread, tuple(Draft(**r) for r in record["replies"]))


def _at(message: Message) -> str | None:
    """Date and time as the thread format has them."""
    if message.time is None:
        return message.date.isoformat() if message.date else None
    clock = message.time.strftime("%H:%M")
    return f"{message.date.isoformat()}T{clock}" if message.date else clock
