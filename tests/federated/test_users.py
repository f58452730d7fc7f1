"""Nobody's texts are another's, and what is held out trains nothing."""

from __future__ import annotations

import gzip
import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.messages import Draft, Message, Thread
from federated.settings import Settings
from federated.users import (
    FEWEST,
    Sent,
    Source,
    choose,
    intent_of,
    others,
    plain,
    read_partition,
    split,
    write_partitions,
)
from tests.federated.conftest import sents

USUAL = ["ok", "OK!", "thanks", "see you at 8", "no", "haha", "why?", "Ok."]
TEXTS = st.sampled_from(USUAL) | st.text("abcde ", min_size=1, max_size=6).filter(str.strip)


@st.composite
def histories(draw: st.DrawFn) -> list[Sent]:
    """What one user sent: short texts that often repeat, some shown again in later threads."""
    texts = draw(st.lists(TEXTS, min_size=1, max_size=60))
    found = []
    for i, text in enumerate(texts):
        before = (Message("me", texts[i - 1]), Message("Ben", "and?")) if i % 3 == 1 else ()
        found.append(Sent(Thread(str(i), "me", before), (Draft("inform", text),)))
    return found


def texts_of(part: tuple[Sent, ...]) -> set[str]:
    return {plain(t) for sent in part for t in sent.own_texts()}


def replies_of(part: tuple[Sent, ...]) -> set[str]:
    return {plain(r.text) for sent in part for r in sent.replies}


@given(histories())
def test_nothing_held_out_is_trained_on(history: list[Sent]) -> None:
    user = split("u", history, texts=24)
    if user is None:
        return
    assert len(user.train) <= 24
    assert not texts_of(user.train) & (replies_of(user.gate) | replies_of(user.test))
    assert not texts_of(user.gate) & replies_of(user.test)
    order = [int(s.thread.id) for s in (*user.train, *user.gate, *user.test)]
    assert order == sorted(order), "held out are the last ones"


@given(st.lists(st.integers(0, 40), min_size=2, max_size=6), st.integers(0, 3))
def test_nobody_gets_anothers_texts(counts: list[int], seed: int) -> None:
    histories = {f"user{i}x": sents(f"user{i}x", n, seed) for i, n in enumerate(counts)}
    names = list(histories)
    sources = [
        Source(names[::2], histories.__getitem__),
        Source(names[1::2], histories.__getitem__),
    ]
    users = choose(sources, Settings(users=len(names)))
    assert {u.name for u in users} == {n for n, h in histories.items() if len(h) >= FEWEST}
    for user in users:
        for sent in (*user.train, *user.gate, *user.test):
            assert all(t.startswith(user.name) for t in sent.own_texts())


def test_a_client_reads_its_own_file_whole(tmp_path: Path) -> None:
    users = [split(name, sents(name, 20), 24) for name in ("ann", "ben")]
    write_partitions([u for u in users if u], tmp_path)
    for number, user in enumerate(users):
        assert read_partition(tmp_path, number) == user
        assert user is not None
        other = users[1 - number]
        assert other is not None
        assert other.name not in (tmp_path / f"{number:04}.json").read_text()
    with pytest.raises(OSError, match="0002"):
        read_partition(tmp_path, 2)
    write_partitions([], tmp_path)
    assert not list(tmp_path.iterdir()), "the users of an earlier run are gone"


def test_partitions_replace_earlier_ones_and_nothing_else(tmp_path: Path) -> None:
    """Where `out` is a folder that holds something else too."""
    users = [user for name in ("ann", "ben") if (user := split(name, sents(name, 12), 8))]
    (tmp_path / "notes.json").write_text("{}")
    write_partitions(users, tmp_path)
    write_partitions(users[:1], tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0000.json", "notes.json"]


def test_the_last_turn_is_the_users_own(tmp_path: Path) -> None:
    turns = [("Ben", "2017-01-02T10:00:00", "there?"), ("Ann", "2017-01-02T10:01:00", "yes I am!")]
    later = {
        "id": "b",
        "user": "u1",
        "thread": [{"from": f, "ts": t, "text": x} for f, t, x in turns],
    }
    first = {"id": "a", "user": "u1", "thread": [{"from": "Ann", "ts": None, "text": "hi all"}]}
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, (later, first))).encode()))
    source = others(path, 0)
    one, two = source.read("u1")
    assert (one.thread.messages, one.replies[0].text) == ((), "hi all")
    assert (two.thread.me, two.thread.messages[0].text) == ("Ann", "there?")
    assert two.replies[0] == Draft("accept", "yes I am!") or two.replies[0].intent == "ack"


@pytest.mark.parametrize(
    ("text", "intent"),
    [("Thanks so much!", "thanks"), ("where r u?", "ask"), ("Congrats bro", "congratulate"),
     ("ok", "ack"), ("sorry cant make it", "decline"), ("the code is on github", "inform")],
)  # fmt: skip
def test_intents_by_a_few_words(text: str, intent: str) -> None:
    assert intent_of(text) == intent


def test_the_real_sets_are_not_mixed() -> None:
    data = Settings().path("data")
    if not (data / "users").exists():
        pytest.skip("the sets of users are not part of this repository")
    from federated.users import load_users

    users = load_users(Settings(users=9))
    assert len({u.name for u in users}) == 9
    for one, other in itertools.combinations(users, 2):
        ids = [{s.thread.id for s in (*u.train, *u.gate, *u.test)} for u in (one, other)]
        assert not ids[0] & ids[1]
    assert all(len(u.test) >= 2 and len(u.train) >= FEWEST // 2 and u.gate for u in users)
