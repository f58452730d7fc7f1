"""A display that is heard: what is spoken, what an utterance is worth, when speech stops."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from device import by_ear
from device.by_ear import SOMETHING
from device.displays.scene import Row, Scene
from device.errors import DisplayError
from device.scenes import with_notes
from tests.hearing import play, spoken, street

GLANCE = Scene("glance", (Row("coming tonight?", "quote"),), "Ben")
READ_BACK = Scene("card", (Row("yes", "model", "your reply"),), "To Ben?", stage="read back")
COUNTDOWN = Scene("card", (Row("yes", "model", "your reply"),), "To Ben in 3 …", stage="countdown")


def test_what_is_shown_is_spoken_and_both_kinds_of_words_come_back() -> None:
    async def test() -> None:
        async with street() as there:
            there.room.goes_on.set()
            await there.by_ear.show(GLANCE)
            await there.until("Ben: coming tonight?")
            assert "coming tonight?" in there.glass.text
            assert there.recogniser.vocabulary.names == ("Ben",)
            there.glass.say("reply")
            assert await there.passed() == "reply"
            await asyncio.sleep(0.4)  # the room has gone quiet
            there.says("later")
            assert await there.passed() == "later"
            assert len(there.by_ear.latencies) == 1

    play(test)


def test_speech_stops_as_soon_as_somebody_speaks() -> None:
    async def test() -> None:
        async with street() as there:
            await there.by_ear.show(GLANCE)
            await asyncio.wait_for(there.room.begun.wait(), 30)
            there.says("later")
            assert await there.passed() == "later"
            assert there.room.stops >= 1

    play(test)


def test_nothing_is_spoken_into_what_somebody_says() -> None:
    async def test() -> None:
        async with street() as there:
            passed = asyncio.create_task(there.passed())
            there.feed.put(spoken("lat"))
            async with asyncio.timeout(30):
                while there.by_ear._ears.silence.is_set():
                    await asyncio.sleep(0.01)
            await there.by_ear.show(GLANCE)
            await asyncio.sleep(0.1)
            assert there.room.heard == []
            there.says("er")
            assert await asyncio.wait_for(passed, 30) == "later"
            await there.until("Ben: coming tonight?")

    play(test)


def test_a_send_over_our_own_speech_does_not_count() -> None:
    async def test() -> None:
        async with street() as there:
            await there.by_ear.show(READ_BACK)
            await asyncio.wait_for(there.room.begun.wait(), 30)
            there.says("send")
            there.says("stop")
            assert await there.passed() == "stop"
            await asyncio.sleep(0.4)
            there.says("send")
            assert await there.passed() == "send"

    play(test)


def test_nor_does_one_into_the_echo_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_ear, "ECHO", 60.0)

    async def test() -> None:
        async with street() as there:
            there.room.goes_on.set()
            await there.by_ear.show(READ_BACK)
            await there.until("Is that right?")
            await asyncio.sleep(0.4)
            there.says("send")
            there.says("stop")
            assert await there.passed() == "stop"

    play(test)


def test_riding_a_text_is_read_back_by_ear_alone_and_whole() -> None:
    async def test() -> None:
        async with street("riding") as there:
            showing = asyncio.create_task(there.by_ear.show(READ_BACK))
            await asyncio.wait_for(there.room.begun.wait(), 30)
            assert not there.glass.scenes[-1].rows, "nothing is seen"
            there.says("mumble")
            passed = asyncio.create_task(there.passed())
            with pytest.raises(DisplayError, match="not heard to its end"):
                await asyncio.wait_for(showing, 30)
            assert await passed == SOMETHING
            there.room.heard.clear()
            there.room.goes_on.set()
            await asyncio.wait_for(there.by_ear.show(READ_BACK), 30)
            assert there.room.heard[0] == "To Ben: yes."

    play(test)


def test_chatter_is_let_pass_but_stops_a_countdown() -> None:
    async def test() -> None:
        async with street() as there:
            there.room.goes_on.set()
            await there.by_ear.show(GLANCE)
            there.says("chatter")
            there.says("later")
            assert await there.passed() == "later"
            await there.by_ear.show(COUNTDOWN)
            there.says("chatter")
            assert await there.passed() == SOMETHING

    play(test)


def test_the_same_note_to_another_command_is_said_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("device.by_ear.UNANSWERED", 0.05)

    async def test() -> None:
        async with street() as there:
            there.room.goes_on.set()
            note = "Nothing was sent."
            await there.by_ear.show(with_notes(GLANCE, (note,)))
            await there.until(note)
            await asyncio.sleep(0.4)
            there.room.heard.clear()
            there.says("cancel")  # changes nothing that is shown
            assert await there.passed() == "cancel"
            await there.until(note)
            assert there.room.heard == [note]

    play(test)


def test_an_answer_to_a_question_is_passed_on() -> None:
    async def test() -> None:
        async with street() as there:
            there.room.goes_on.set()
            question = Scene("card", (Row("David or Sarah?", "notice"),))
            await there.by_ear.show(question)
            await there.until("David or Sarah?")
            there.says("sarah")
            assert await there.passed() == "sarah"
            await asyncio.sleep(0)
            assert there.recogniser.vocabulary.answering

    play(test)


def test_a_microphone_that_is_gone_is_shown_and_said() -> None:
    async def test() -> None:
        async with street() as there:
            there.room.goes_on.set()
            await there.by_ear.show(GLANCE)
            there.by_ear.notice("The microphone is gone. Plug it in again.")
            await there.glass.until("microphone is gone")
            await there.until("The microphone is gone.")

    play(test)


def test_riding_what_is_noted_is_said_and_not_shown() -> None:
    async def test() -> None:
        async with street("riding") as there:
            there.room.goes_on.set()
            await there.by_ear.show(GLANCE)
            there.by_ear.notice("The microphone is gone. Plug it in again.")
            await there.until("The microphone is gone.")
            assert not any(scene.rows for scene in there.glass.scenes)

    play(test)


def test_riding_what_cant_be_said_is_shown() -> None:
    async def test() -> None:
        async with street("riding") as there:
            there.room.goes_on.set()
            await there.by_ear.show(Scene("glance", (Row("it will fail", "quote"),), "Ben"))
            await there.glass.until("loudspeaker is gone")
            assert "it will fail" in there.glass.text
            await there.by_ear.show(GLANCE)
            assert "coming tonight?" in there.glass.text
            await there.until("Ben: coming tonight?")
            await asyncio.sleep(0.1)  # it was heard to its end
            await there.by_ear.show(replace(GLANCE, title="Tom"))
            assert "coming tonight?" not in there.glass.text

    play(test)


def test_it_ends_with_the_display() -> None:
    async def test() -> None:
        async with street() as there:
            await there.glass.close()
            with pytest.raises(StopAsyncIteration):
                await there.passed()

    play(test)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_ear, "ANSWERED", 0.1)


def test_a_recording_ends_it_and_says_what_came_of_it(soon: None) -> None:
    async def ended(what: str) -> str:
        async with street(ends_with="recording") as there, asyncio.timeout(30):
            there.room.goes_on.set()
            there.says(what)
            await there.feed.close()
            await there.glass.close()
            async for _ in there.utterances:
                pass
            return there.by_ear.failed

    async def test() -> None:
        assert await ended("reply") == ""
        assert "nothing that was said was understood" in await ended("mumble")
        assert await ended("deaf") == "the recogniser is gone"

    play(test)


def test_ears_that_fail_end_no_service(soon: None) -> None:
    async def test() -> None:
        async with street(ends_with="never") as there:
            there.room.goes_on.set()
            there.says("deaf")
            await there.glass.close()  # nobody types
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(there.utterances), 0.5)
            await there.until("Nothing is heard any more: the recogniser is gone.")
            await there.by_ear.show(GLANCE)
            await there.until("Ben: coming tonight?")
            assert not there.by_ear.failed

    play(test)


def test_ears_that_fail_leave_the_keyboard() -> None:
    async def test() -> None:
        async with street() as there:
            there.room.goes_on.set()
            there.says("deaf")
            heard = asyncio.create_task(there.passed())
            await there.until("You can still type.")
            there.glass.say("reply")
            assert await heard == "reply"

    play(test)
