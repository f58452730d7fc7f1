"""Threads with what is known of them: one typed record over every set.

Two kinds of JSONL are read, gzipped or not. GlanceChat's has a thread in the format that the device
reads (`device.connectors.jsonl`) and this product's targets; a target that a record leaves out is
not known. A dialogue's is `{"id", "thread": [{"from", "text", "ts"}], "summary", "user", "source",
"license"}`.

Splits go by persona, user or thread and never by line: a persona's style and cast stand in all its
threads. `export.recipe` says which sets a model is made from.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from device.connectors.jsonl import thread_of
from device.connectors.reading import parse_json
from device.errors import InputError
from device.messages import INTENTS, URGENCIES, Draft, Thread, Triage

Known = Literal["glance", "summary", "asks", "triage"]
ALL: frozenset[Known] = frozenset(get_args(Known))

NOBODY = "-"
"""The wearer's name where none of who speaks is the wearer."""
_UNKNOWN = Triage(needs_reply=False, urgency="low")

_SHIPS = """
    Apache-2.0 MIT CC0-1.0 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CDLA-Sharing-1.0
"""
SHIPS = frozenset(_SHIPS.split())
"""SPDX names of the licences that let weights trained on a text be given to anybody."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record comes from."""

    set: str = ""
    license: str = ""
    """An SPDX name, maybe with a remark behind it; empty where nobody has said."""
    source: str = ""
    """Repository and commit."""

    @property
    def ships(self) -> bool:
        """Whether the licence lets a model that learnt from this be given to anybody."""
        return re.split(r"[\s;,(]", self.license, maxsplit=1)[0] in SHIPS


@dataclass(frozen=True, slots=True)
class Example:
    """A thread and what the device should say about it, as far as that is known."""

    thread: Thread
    glance: str
    summary: str
    asks: str | None
    """None where nothing is asked of the wearer."""
    triage: Triage
    drafts: tuple[Draft, ...]
    persona: str
    """What splits go by: the persona, elsewhere the user or the conversation."""
    lang: str
    known: frozenset[Known] = ALL
    """Which of the fields above say something; drafts do wherever there are any."""
    origin: Origin = Origin()


@dataclass(frozen=True, slots=True)
class Statements:
    """Statements about one thread, written by hand in pairs: a true one and its false twin."""

    thread_id: str
    kinds: tuple[str, ...]
    true: tuple[str, ...]
    false: tuple[str, ...]


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSONL file, gzipped or not. Raises `InputError`, with file and line."""
    for _, record in numbered(path):
        yield record


def numbered(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The same, each with its line, counted from 1."""
    opener = gzip.open if path.suffix == ".gz" else open
    number = 0
    try:
        with opener(path, "rt", encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                record = parse_json(line)
                if not isinstance(record, dict):
                    raise InputError("a line must hold one JSON object", path, number)
                yield number, record
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error.msg}", path, number) from error
    except FileNotFoundError as error:
        raise InputError("there is no such file", path) from error
    except (ValueError, OSError, EOFError) as error:  # not UTF-8, too deep, no gzip, cut off
        raise InputError(f"can't be read behind line {number}: {error}", path) from error


def example_of(record: dict[str, Any], origin: Origin = Origin()) -> Example:
    """One record of either kind; its own licence and source go before `origin`'s.

    Raises `InputError` or `KeyError` where it is neither.
    """
    origin = replace(
        origin,
        license=record.get("license") or origin.license,
        source=record.get("source") or origin.source,
    )
    if "thread" in record:
        return _dialogue_of(record, origin)
    _check_targets(record)
    known: set[Known] = {name for name in ("glance", "summary", "asks") if name in record}
    if "needs_reply" in record:
        known.add("triage")
    return Example(
        thread=thread_of(record),
        glance=record.get("glance", ""),
        summary=record.get("summary", ""),
        asks=record.get("asks"),
        triage=Triage(record["needs_reply"], record["urgency"]) if "triage" in known else _UNKNOWN,
        drafts=tuple(Draft(r["intent"], r["text"]) for r in record.get("replies", ())),
        persona=record.get("persona", record["id"]),
        lang=record.get("lang", "en"),
        known=frozenset(known),
        origin=origin,
    )


_TARGETS: dict[str, tuple[str, Callable[[object], bool]]] = {
    "glance": ("a text", lambda v: isinstance(v, str)),
    "summary": ("a text", lambda v: isinstance(v, str)),
    "asks": ("a text or null", lambda v: v is None or isinstance(v, str)),
    "needs_reply": ("true or false", lambda v: isinstance(v, bool)),
    "urgency": (f"one of {', '.join(URGENCIES)}", lambda v: v in URGENCIES),
    "replies": ('a list of {"intent": ..., "text": ...}', lambda v: _are_replies(v)),
    "persona": ("a text", lambda v: isinstance(v, str)),
    "lang": ("a text", lambda v: isinstance(v, str)),
}
"""Key of a record -> what its value must be, and whether it is."""


def _check_targets(record: dict[str, Any]) -> None:
    """Raises `InputError` for a target of another type than it must have."""
    for key, (kind, holds) in _TARGETS.items():
        if key in record and not holds(record[key]):
            raise InputError(f"{key} must be {kind}")


def _are_replies(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(r, dict) and r.get("intent") in INTENTS and isinstance(r.get("text"), str)
        for r in value
    )


def _dialogue_of(record: dict[str, Any], origin: Origin) -> Example:
    """A dialogue that nobody in it wears glasses for."""
    said = [
        {"from": m["from"], "at": m.get("ts"), "text": m["text"]}
        for m in record["thread"]
        if m["text"].strip()
    ]
    thread = thread_of({"id": record["id"], "me": NOBODY, "messages": said, "unread_from": 0})
    summary = record.get("summary") or ""
    return Example(
        thread=thread,
        glance="",
        summary=" ".join(summary.split()),
        asks=None,
        triage=_UNKNOWN,
        drafts=(),
        persona=record.get("user") or thread.id,
        lang="en",
        known=frozenset({"summary"}) if summary else frozenset(),
        origin=origin,
    )


def record_of(example: Example) -> dict[str, Any]:
    """`example` as a record of GlanceChat's kind; `example_of` reads it back.

    Dates and message ids, which the prompt doesn't show, are left out.
    """
    thread = example.thread
    messages = [
        {"from": m.sender, "text": m.text} | ({"at": f"{m.time:%H:%M}"} if m.time else {})
        for m in thread.messages
    ]
    record: dict[str, Any] = {
        "id": thread.id,
        "persona": example.persona,
        "lang": example.lang,
        "me": thread.me,
        "title": thread.title,
        "is_group": thread.is_group,
        "messages": messages,
        "unread_from": thread.unread_from,
    }
    record |= {
        name: getattr(example, name)
        for name in ("glance", "summary", "asks")
        if name in example.known
    }
    if "triage" in example.known:
        record["needs_reply"] = example.triage.needs_reply
        record["urgency"] = example.triage.urgency
    record["replies"] = [{"intent": d.intent, "text": d.text} for d in example.drafts]
    record["license"], record["source"] = example.origin.license, example.origin.source
    return record


def load_examples(
    files: Iterable[Path], origin: Origin = Origin(), only: Container[str] | None = None
) -> list[Example]:
    """All examples of files of either kind, in their order, or those with one of the ids `only`.

    Raises `InputError`, with file and line, for a record that is of neither.
    """
    examples = []
    for path in files:
        for number, record in numbered(path):
            if only is not None and record.get("id") not in only:
                continue
            try:
                examples.append(example_of(record, origin))
            except InputError as error:
                raise InputError(error.problem, path, number) from error
            except (KeyError, TypeError, AttributeError) as error:
                raise InputError(f"no thread, or no {error}", path, number) from error
    return examples


def load_statements(path: Path) -> list[Statements]:
    """A file of hand-written statement pairs (`traps-train.jsonl`)."""
    return [
        Statements(r["id"], tuple(r.get("kinds", ())), tuple(r["true"]), tuple(r["false"]))
        for r in read_jsonl(path)
    ]


def split_glancechat(folder: Path) -> tuple[list[Example], list[Example]]:
    """(training, development) examples of a GlanceChat folder, split by its `splits.json`."""
    development = set(json.loads((folder / "splits.json").read_text())["development"])
    examples = load_examples(sorted(folder.glob("threads-*.jsonl")))
    training = [e for e in examples if e.persona not in development]
    return training, [e for e in examples if e.persona in development]
