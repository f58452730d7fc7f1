"""`sidelong why`: plain sentences, whole or as JSON, and forgetting."""

from __future__ import annotations

import datetime as dt
import json
from typing import get_args

import pytest

from device.attention import When, Why
from device.attention_log import AttentionLog, Entry
from device.bandit import LEAST, OUTCOMES
from device.cli import main
from device.commands.inbox import inbox_path
from device.inbox import Inbox
from device.messages import Message, Thread
from device.why import about_chat, at, learning, sentence

NOW = dt.datetime.now().replace(microsecond=0)


def entry(why: Why = "reply", when: When = "now", **other: object) -> Entry:
    fields = {"conversation": "ben", "activity": "walking", "chance": 1.0} | other
    return Entry(1, NOW, "c", message="m0", when=when, why=why, features=("a",), **fields)  # type: ignore[arg-type]


def keep(*entries: Entry) -> None:
    with AttentionLog(inbox_path()) as kept, Inbox(inbox_path()) as inbox:
        for chat, title in (("ben", "Ben"), ("fam", "Family")):
            inbox.ingest("c", Thread(chat, "Me", (Message(title, "hi", id="m0"),), title))
        for one in entries:
            number = kept.add(one)
            if one.outcome:
                kept.came_of(number, one.outcome)


def test_every_decision_has_a_sentence() -> None:
    for why in get_args(Why):
        for when in get_args(When):
            for outcome in (None, *OUTCOMES):
                said = sentence(entry(why, when, outcome=outcome))
                assert said.endswith(".")
                assert said[0].isupper()


def test_a_try_is_called_one() -> None:
    assert "tried" in sentence(entry("learnt", chance=0.01))
    assert "taught" in sentence(entry("learnt", chance=0.97))


def test_the_state_of_learning_is_said() -> None:
    few, many = [entry(outcome="read")], [entry(outcome="dismissed")] * LEAST
    assert f"1 of the {LEAST}" in learning(few)
    assert "told at once you read or answered 0" in learning(many)
    assert about_chat([]) == ""
    assert "read or answered 1" in about_chat(few)


def test_when_is_as_short_as_is_clear() -> None:
    one = entry()
    assert at(one, NOW.date()) == f"{NOW:%H:%M}"
    assert at(one, NOW.date() + dt.timedelta(days=2)) == f"{NOW:%a %H:%M}"
    assert at(one, NOW.date() + dt.timedelta(days=30)) == f"{NOW.day} {NOW:%b %H:%M}"


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    keep(entry(outcome="answered"), entry("chatter", "pause", conversation="fam"))
    assert main(["why"]) == 0
    out = capsys.readouterr().out
    assert "Ben  Told you at once: it wants a reply. You answered." in out
    assert "Family  Kept for a pause: it asks nothing of you." in out
    assert main(["why", "fam", "--json"]) == 0
    [record] = map(json.loads, capsys.readouterr().out.splitlines())
    assert (record["conversation"], record["why"], record["outcome"]) == ("fam", "chatter", None)
    assert main(["why", "nobody"]) == 2
    assert "no conversation is called 'nobody'" in capsys.readouterr().err
    assert main(["why", "--forget"]) == 0
    assert "Forgotten: 2 decisions" in capsys.readouterr().out
    assert main(["why"]) == 0
    assert "No decision is kept about any message here." in capsys.readouterr().out


def test_what_was_imported_was_not_decided_about(capsys: pytest.CaptureFixture[str]) -> None:
    keep(entry())
    assert main(["why"]) == 0
    out = capsys.readouterr().out
    assert "No decision is kept about 1 of 2 conversations." in out
    assert "none about messages that were imported" in out
    assert main(["why", "family"]) == 0
    assert "No decision is kept about any message here." in capsys.readouterr().out
    assert main(["why", "ben"]) == 0
    assert "No decision" not in capsys.readouterr().out
