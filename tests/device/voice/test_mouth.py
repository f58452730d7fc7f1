"""Speech sentence by sentence, silenced at once; and what is made of utterances."""

from __future__ import annotations

import asyncio
import time

from device.utterances import is_whole
from device.voice.audio import Feed, Recording
from device.voice.ears import Ears, Heard
from device.voice.endpoint import Endpoint
from device.voice.mouth import Mouth
from device.voice.recogniser import Vocabulary
from tests.hearing import Letters, Room, Words, loud_but_blanks, spoken


def test_sentences_are_spoken_in_their_order() -> None:
    async def test() -> None:
        room = Room()
        room.goes_on.set()
        mouth = Mouth(Words(), room)
        first, second = mouth.say("One. Two!"), mouth.say("See www.example.org")
        assert await asyncio.gather(first, second) == [True, True]
        assert room.heard == ["One.", "Two!", "See a link to example.org"]
        assert not mouth.speaking
        await mouth.close()

    asyncio.run(test())


def test_hushed_it_stops_at_once_and_says_nothing_more() -> None:
    async def test() -> None:
        room = Room()
        mouth = Mouth(Words(), room)
        saying = [asyncio.create_task(mouth.say("One. Two. Three.")) for _ in range(2)]
        await asyncio.wait_for(room.begun.wait(), 30)
        assert mouth.speaking
        assert mouth.last_sound >= time.monotonic() - 1
        mouth.hush()
        assert await asyncio.wait_for(asyncio.gather(*saying), 30) == [False, False]
        assert room.heard == ["One."]
        room.goes_on.set()
        assert await mouth.say("Four.")
        assert room.heard == ["One.", "Four."]
        await mouth.close()

    asyncio.run(test())


def test_a_voice_that_fails_is_not_heard_to_the_end() -> None:
    async def test() -> None:
        room = Room()
        room.goes_on.set()
        mouth = Mouth(Words(), room)
        assert not await mouth.say("One. fail. Three.")
        assert room.heard == ["One."]
        assert await mouth.say("Four.")
        await mouth.close()

    asyncio.run(test())


def heard(text: str, dictates: bool = True) -> tuple[list[Heard], int, int]:
    """What is heard of letters, where a blank is 32 ms of silence; how often speech began; and how
    often the recogniser was asked."""

    async def test() -> tuple[list[Heard], int, int]:
        began: list[None] = []
        recogniser = Letters()
        recogniser.dictates = dictates
        ears = Ears(
            Recording(spoken(text), pace=None),
            recogniser,
            is_whole,
            lambda: began.append(None),
            Endpoint(loud_but_blanks),
        )
        found = [one async for one in ears.heard()]
        await ears.close()
        return found, len(began), recogniser.asked

    return asyncio.run(test())


def test_a_whole_command_is_acted_on_at_its_first_pause() -> None:
    (send,), began, asked = heard("send" + " " * 12)
    assert (send.text, began, asked) == ("send", 1, 1)
    assert send.took >= 0.3


def test_what_may_go_on_is_waited_for() -> None:
    (reply,), _, asked = heard("reply" + " " * 40)
    assert (reply.text, asked) == ("reply", 1)
    assert reply.took >= 0.8


def test_a_recording_may_end_with_its_last_word() -> None:
    (send,), *_ = heard("   send")
    assert send.text == "send"


def test_what_was_speech_and_not_understood_is_told_too() -> None:
    found, _, _ = heard("blah" + " " * 40 + "send" + " " * 12)
    assert [one.text for one in found] == ["blah", "send"]


def test_a_name_is_waited_behind_only_where_free_words_are_heard() -> None:
    said = "reply_to_Ben" + " " * 12 + "_that_yes" + " " * 40
    for dictates, texts in (
        (True, ["reply to Ben that yes"]),
        (False, ["reply to Ben", "that yes"]),
    ):
        found, *_ = heard(said, dictates)
        assert [one.text.strip() for one in found] == texts


def test_a_button_let_go_of_ends_speech_at_once() -> None:
    async def test() -> None:
        feed = Feed()
        recogniser = Letters()
        ears = Ears(feed, recogniser, is_whole, endpoint=Endpoint(loud_but_blanks))
        ears.expect(Vocabulary(("Ben",)))
        feed.put(spoken("stop"))
        feed.put(b"")
        feed.put(spoken("later"))
        await feed.close()
        assert [one.text async for one in ears.heard()] == ["stop", "later"]
        assert recogniser.vocabulary.names == ("Ben",)
        assert recogniser.followed, "it is given what is said while it is said"
        await ears.close()

    asyncio.run(test())
