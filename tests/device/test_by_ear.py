"""A display that is heard: what is spoken, what an utterance is worth, when speech stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from device.by_ear import SOMETHING, ByEar
from device.displays.scene import Row, Scene
from device.errors import DisplayError
from device.scenes import with_notes
from device.settings import Activity
from device.voice.audio import Feed
from device.voice.endpoint import CHUNK, Endpoint
from device.voice.mouth import Mouth
from tests.hearing import Letters, Room, Words, loud_but_blanks, spoken
from tests.lives import Glass

GLANCE = Scene("glance", (Row("coming tonight?", "quote"),), "Ben")
READ_BACK = Scene("card", (Row("yes", "model", "your reply"),), "To Ben?", stage="read back")
COUNTDOWN = Scene("card", (Row("yes", "model", "your reply"),), "To Ben in 3 …", stage="countdown")


class Street:
    """A wearer with ears, a mouth and a glass."""

    def __init__(self, activity: Activity) -> None:
        self.glass, self.feed, self.room = Glass(), Feed(), Room()
        self.recogniser = Letters()
        endpoint = Endpoint(loud_but_blanks)
        self.by_ear = ByEar(
            self.glass,
            self.feed,
            self.recogniser,
            Mouth(Words(), self.room),
            lambda: activity,
            lambda: ["Ben"],
            endpoint,
        )
        self._utterances = self.by_ear.utterances()

    def says(self, text: str) -> None:
        self.feed.put(spoken(text) + b" " * (30 * CHUNK))

    async def passed(self) -> str:
        return await asyncio.wait_for(anext(self._utterances), 30)

    async def until(self, spoken: str) -> None:
        async with asyncio.timeout(30):
            while spoken not in self.room.heard:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def street(activity: Activity = "seated") -> AsyncIterator[Street]:
    made = Street(activity)
    try:
        yield made
    finally:
        await made.by_ear.close()


def play(test: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(test())


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
