"""Telegram Desktop's exports: who the wearer is, whose words are whose, what is no message."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.connectors.reading import parse_json
from device.connectors.telegram import is_export, read_export
from device.errors import InputError
from device.messages import Thread

PATH = Path("result.json")


def message(id_: int, sender: str, user: int, text: object = "hi", **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "type": "message",
        "date": f"2024-03-01T10:{id_:02}:00",
        "from": sender,
        "from_id": f"user{user}",
        "text": text,
        **more,
    }


def chat(*messages: Any, kind: str = "personal_chat", id_: Any = 17, name: Any = "Ben") -> Any:
    return {"name": name, "type": kind, "id": id_, "messages": list(messages)}


def account(*chats: Any, **more: Any) -> dict[str, Any]:
    return {"chats": {"about": "", "list": list(chats)}, **more}


ANNA = {"personal_information": {"user_id": 4, "first_name": "Anna", "last_name": ""}}


def read(document: Any, me: str | None = None, unread: int | None = None) -> list[Any]:
    return list(read_export(document, PATH, me, unread))


def one(document: Any, me: str | None = None, unread: int | None = None) -> Thread:
    [thread] = read(document, me, unread)
    assert isinstance(thread, Thread), thread
    return thread


def problem(document: Any, me: str | None = None) -> str:
    with pytest.raises(InputError) as caught:
        read(document, me)
    assert str(caught.value).startswith("result.json: ")
    return caught.value.problem


# Who the wearer is


def test_a_chat_of_two_says_who_the_other_is() -> None:
    both = chat(message(1, "Ben", 17), message(2, "Anna", 4), message(3, "Ben", 17))
    assert one(both).me == "Anna"
    assert one(both).unread_from == 2
    assert one(both, unread=3).unread_from == 0
    assert one(chat(message(1, "Anna", 4))).me == "Anna"
    assert one(chat(message(1, "Ben", 17))).me == "me"
    assert one(chat(message(1, "me", 17))).me != "me"


def test_me_in_a_group_exported_alone() -> None:
    group = chat(message(1, "Ben", 17), message(2, "Anna K", 4), kind="private_group", id_=5)
    assert problem(group).startswith("who are you in this chat? Say --me with one of: Ben, Anna K")
    said = problem(group, "Anna")
    assert "nobody called 'Anna' wrote in this chat; did you mean 'Anna K'?" in said
    assert "did you mean" not in problem(group, "Zoltan")
    assert one(group, "anna k").me == "Anna K"
    assert one(group, "-").me == "me"
    assert one(group, "Ben").is_group


def test_an_account_names_its_owner() -> None:
    group = chat(message(1, "Ben", 17), message(2, "Anna", 4), kind="private_supergroup", id_=5)
    quiet = chat(message(1, "Ben", 17))
    first, second = read(account(group, quiet, **ANNA), me="somebody else")
    assert (first.me, first.unread_from) == ("Anna", 2)
    assert (second.me, second.unread_from) == ("Anna", 0)


def test_saved_messages_name_the_owner_too() -> None:
    group = chat(message(1, "Ben", 17), message(2, "Anna", 4), kind="private_group", id_=5)
    saved = chat(message(1, "Anna", 4, "milk"), kind="saved_messages", id_=4, name=None)
    first, second = read(account(group, saved))
    assert (first.me, second.me, second.title) == ("Anna", "Anna", "Saved Messages")


def test_two_people_of_one_name_stay_two() -> None:
    group = chat(
        *(message(i, "Alex", user) for i, user in enumerate([1, 2, 1, 4], start=1)),
        kind="private_group",
    )
    thread = one(account(group, **ANNA | {"personal_information": {"user_id": 4}}))
    assert [m.sender for m in thread.messages] == ["Alex", "Alex (2)", "Alex", "Alex (3)"]
    assert (thread.me, thread.unread_from) == ("Alex (3)", 4)


def test_sender_ids_of_before_2021() -> None:
    old = message(2, "Anna", 4) | {"from_id": 4}
    assert one(account(chat(message(1, "Ben", 17), old), **ANNA)).unread_from == 2


# What is a message


def test_service_lines_are_no_messages_but_calls_are() -> None:
    def service(id_: int, **fields: Any) -> dict[str, Any]:
        base = {"id": id_, "type": "service", "date": "2024-03-01T10:00:00"}
        return base | {"actor": "Ben", "actor_id": "user17"} | fields

    thread = one(
        chat(
            service(1, action="pin_message"),
            service(2, action="phone_call", discard_reason="missed"),
            service(3, action="phone_call", discard_reason="hangup", duration_seconds=60),
            message(4, "Anna", 4),
        )
    )
    assert [m.text for m in thread.messages] == ["[missed call]", "[call]", "hi"]
    assert [m.id for m in thread.messages] == ["2", "3", "4"]
    assert "no messages" in problem(chat(service(1, action="create_group")))


def test_control_characters_that_telegram_writes_as_no_json() -> None:
    assert parse_json(r'{"a": "x\x0Cy\\x0C\n"}') == {"a": "x\x0cy\\x0C\n"}
    with pytest.raises(ValueError, match="line 1"):
        parse_json(r'{"a": "\xZZ"}')


# What is wrong


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (chat(message(1, "Ben", 17), id_="17"), "whole number as id"),
        (chat("hello"), "messages[0] must be a JSON object"),
        (chat(message(7, "Ben", 17, date="soon")), "message 7: date must be like"),
        (chat(message(7, "Ben", 17, date=5)), "message 7: date must be like"),
        (chat(message(7, "Ben", 17) | {"type": "poem"}), "message 7: type must be"),
        (account(), "no messages"),
        ({"chats": []}, "chats.list"),
    ],
)
def test_wrong(document: Any, said: str) -> None:
    assert said in problem(document)


def test_one_bad_chat_among_many() -> None:
    bad = chat(message(1, "Cara", 9, date="x"), name="Cara", id_=9)
    empty = chat(name="Dan", id_=10)
    odd = 5
    first, second, third, fourth = read(
        account(chat(message(1, "Ben", 17)), bad, empty, odd, chat(message(1, "Eve", 11)), **ANNA)
    )
    assert str(second).startswith("result.json: chat 2 (Cara): message 1: date")
    assert "chat 4 (without a name)" in str(third)
    assert isinstance(first, Thread)
    assert isinstance(fourth, Thread)


def test_is_export() -> None:
    assert is_export(chat())
    assert is_export(account())
    assert not is_export({"id": "t", "me": "Anna", "type": "x", "messages": []})
    assert not is_export([chat()])


def test_thread_ids_tell_kinds_apart() -> None:
    kinds = ["personal_chat", "private_group", "private_supergroup", "public_channel", "bot_chat"]
    threads = [one(chat(message(1, "Ben", 17), kind=kind), "Ben") for kind in kinds]
    spaces = ["user", "chat", "channel", "channel", "user"]
    assert [t.id for t in threads] == [f"telegram:{space}17" for space in spaces]
    assert [t.is_group for t in threads] == [False, True, True, True, False]


# Whatever comes, nothing but InputError

VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(0, 20) | st.sampled_from(["", "user4", "x", "message"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text", "type", "question", "answers"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
KEYS = ["from", "from_id", "text", "photo", "file", "media_type", "poll", "action", "actor"]
KEYS += ["contact_information", "forwarded_from", "place_name", "sticker_emoji", "file_name"]
MESSAGE = VALUE | st.fixed_dictionaries(
    {
        "id": st.integers(0, 99),
        "type": st.sampled_from(["message", "service", "unsupported"]) | VALUE,
        "date": st.just("2024-03-01T10:00:00") | VALUE,
    },
    optional=dict.fromkeys(KEYS, VALUE),
)
CHAT = VALUE | st.fixed_dictionaries(
    {
        "id": st.integers(0, 9) | VALUE,
        "type": st.sampled_from(["personal_chat", "private_group"]) | VALUE,
        "messages": st.lists(MESSAGE, max_size=4) | VALUE,
    },
    optional={"name": VALUE},
)
DOCUMENT = CHAT | st.fixed_dictionaries(
    {"chats": VALUE | st.fixed_dictionaries({"list": st.lists(CHAT, max_size=3)})},
    optional={"personal_information": VALUE | st.just({"user_id": 4, "first_name": None})},
)


@settings(max_examples=60, deadline=None)
@given(document=DOCUMENT, me=st.none() | st.sampled_from(["x", "-"]))
def test_any_json(document: Any, me: str | None) -> None:
    if not is_export(document):
        return
    with contextlib.suppress(InputError):
        for thread in read(document, me):
            if isinstance(thread, Thread):
                assert thread.messages
                assert all(m.sender and m.text for m in thread.messages)
                ids = [m.id for m in thread.messages if m.id]
                assert len(set(ids)) == len(ids)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.text(min_size=1).filter(str.strip)),
        min_size=1,
        max_size=20,
    )
)
def test_no_message_vanishes(said: list[tuple[int, str]]) -> None:
    messages = [message(i, f"P{who}", who, text) for i, (who, text) in enumerate(said)]
    for m in messages:
        m["date"] = "2024-03-01T10:00:00"
    thread = one(chat(*messages, kind="private_group"), "-")
    assert [(m.sender, m.text) for m in thread.messages] == [
        (f"P{who}", text.strip()) for who, text in said
    ]
    assert [m.id for m in thread.messages] == [str(i) for i in range(len(said))]


def test_a_chat_in_which_the_wearer_is_silent_is_read_with_the_others() -> None:
    spoken = chat(message(1, "Ben", 17), message(2, "Nina", 4))
    silent = chat(message(1, "Ola", 8), message(2, "Ben", 17), kind="private_group", id_=30)
    first, second = read(account(spoken, silent), me="Nina")
    assert (first.me, second.me) == ("Nina", "Nina")
    assert len(second.unread) == 2
    for refused in read(account(spoken, silent), me="Nia"):
        assert "nobody called 'Nia'" in refused.problem
