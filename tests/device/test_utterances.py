"""What is said means one thing or is unclear."""

from __future__ import annotations

import datetime as dt

import pytest

from device.utterances import Utterance, is_whole, understand


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("send", Utterance("confirm")),
        (" Yes! ", Utterance("confirm")),
        ("SEND  it.", Utterance("confirm")),
        ("no", Utterance("cancel")),
        ("Cancel", Utterance("cancel")),
        ("more", Utterance("summary")),
        ("read it", Utterance("read")),
        ("reply", Utterance("reply")),
        ("2", Utterance("pick", 2)),
        ("the third one", Utterance("pick", 3)),
        ("First.", Utterance("pick", 1)),
        ("later", Utterance("later")),
        ("?", Utterance("help")),
        ("type  see you at 8!", Utterance("say", text="see you at 8!")),
        ("Say: yes", Utterance("say", text="yes")),
        ("say send", Utterance("say", text="send")),
        ("summarize", Utterance("summary")),
        ("I am cycling", Utterance("riding", text="cycling")),
        ("Who is it?", Utterance("who")),
        ("what did Tom say about dinner?", Utterance("ask", text="what did Tom say about dinner?")),
        ("ask when is dinner", Utterance("ask", text="when is dinner")),
        ("reply to Sarah", Utterance("reply", name="Sarah")),
        ("reply to Sarah that I'm late", Utterance("reply", name="Sarah", text="I'm late")),
        ("Reply that I'm late", Utterance("reply", text="I'm late")),
        ("tell Ben that it rains", Utterance("reply", name="Ben", text="it rains")),
        ("reply to that", Utterance("reply", lacks=("name",))),
        ("reply to", Utterance("reply", lacks=("name",))),
        ("make it shorter", Utterance("shorter")),
        ("make it friendlier.", Utterance("friendlier")),
        (
            "change seven to half past seven",
            Utterance("change", old="seven", new="half past seven"),
        ),
        (
            "change ten to six to seven",
            Utterance("change", old="ten to six", new="seven"),
        ),
        (
            "change seven to ten to eight",
            Utterance("change", old="seven", new="ten to eight"),
        ),
        ("change Friday", Utterance("change", old="Friday", lacks=("new",))),
        ("mute Family until 18:30", Utterance("mute", name="Family", until=dt.time(18, 30))),
        ("mute Family until midnight", Utterance("mute", name="Family", until=dt.time(0))),
        ("mute Family", Utterance("mute", name="Family", lacks=("until",))),
        ("unmute Family", Utterance("unmute", name="Family")),
    ],
)
def test_meant(words: str, meant: Utterance) -> None:
    assert understand(words) == meant


@pytest.mark.parametrize(
    "words",
    ["", " ", "!", "yes but not now", "don't send", "send 2", "nope", "4", "0", "type", "say  "],
)
def test_unclear(words: str) -> None:
    assert understand(words) == Utterance("unclear")


def test_what_may_go_on_is_not_whole() -> None:
    assert all(map(is_whole, ["send", "cancel", "first", "make it shorter", "read it"]))
    assert not any(map(is_whole, ["reply", "reply to Ben", "mute Family until six", "say yes", ""]))


def test_where_only_commands_are_heard_those_with_all_their_slots_are_whole() -> None:
    def whole(words: str) -> bool:
        return is_whole(words, dictated=False)

    assert all(map(whole, ["send", "reply to Ben", "mute Family until six", "change six to seven"]))
    assert not any(map(whole, ["reply", "reply to", "mute Family", "change six", "say yes", ""]))


@pytest.mark.parametrize(
    "words",
    [
        "send?",
        "send it to Ben",
        "please send",
        "yes send the other one",
        "send send",
        "I said send",
        "sent",
    ],
)
def test_only_the_bare_word_confirms(words: str) -> None:
    assert understand(words).act != "confirm"
