"""The end-of-speech rule, with a detector that a test holds in its hands."""

from __future__ import annotations

import pytest

from device.voice.audio import RATE, seconds
from device.voice.endpoint import CHUNK, END, LONGEST, PAUSE, Endpoint, Speech

LOUD, SOFT, MAYBE = b"\x01" * CHUNK, b"\x00" * CHUNK, b"\x02" * CHUNK
A_CHUNK = seconds(CHUNK)


def endpoint() -> Endpoint:
    likelihoods = {1: 0.9, 0: 0.05, 2: 0.42}
    return Endpoint(lambda sound: [likelihoods[byte] for byte in sound[::CHUNK]])


def fed(ears: Endpoint, *chunks: bytes) -> list[Speech]:
    return [event for chunk in chunks for event in ears.feed(ears.weigh(chunk))]


def test_speech_begins_with_three_of_four_and_keeps_what_came_before() -> None:
    ears = endpoint()
    assert fed(ears, SOFT, LOUD, SOFT, SOFT, LOUD) == []
    (began,) = fed(ears, LOUD, LOUD)
    assert began.what == "began"
    assert ears.speaking
    ended = ears.cut()
    assert ended.sound == SOFT + LOUD + SOFT + SOFT + LOUD + LOUD + LOUD


def test_a_click_is_no_speech() -> None:
    assert fed(endpoint(), *[LOUD, SOFT, SOFT, SOFT] * 20) == []


def test_a_pause_is_told_once_and_then_the_end() -> None:
    ears = endpoint()
    silence = [SOFT] * (int(END / A_CHUNK) + 2)
    events = fed(ears, *[LOUD] * 20, *silence)
    assert [event.what for event in events] == ["began", "paused", "ended"]
    paused, ended = events[1:]
    assert PAUSE <= paused.ended_ago < PAUSE + A_CHUNK
    assert END <= ended.ended_ago < END + A_CHUNK
    assert ended.sound.startswith(paused.sound)
    assert ended.was_paused
    assert not ears.speaking


def test_breath_in_a_sentence_does_not_end_it() -> None:
    ears = endpoint()
    breath = [SOFT] * int(0.6 / A_CHUNK)
    events = fed(ears, *[LOUD] * 10, *breath, *[LOUD] * 10, *breath, *[LOUD] * 5)
    assert [event.what for event in events] == ["began", "paused", "paused"]


def test_what_is_neither_goes_on_as_it_was() -> None:
    ears = endpoint()
    assert [e.what for e in fed(ears, *[LOUD] * 5, *[MAYBE] * 60)] == ["began"]
    assert [e.what for e in fed(ears, SOFT, *[MAYBE] * 60)] == ["paused", "ended"]


def test_a_radio_is_cut() -> None:
    ears = endpoint()
    events = fed(ears, *[LOUD] * (int(LONGEST / A_CHUNK) + 10))
    assert [event.what for event in events] == ["began", "ended", "began"]
    assert not events[1].was_paused
    assert len(events[1].sound) <= (LONGEST + 1) * RATE * 2


@pytest.mark.parametrize("size", [1, 7, 1000, 3200, 100_000])
def test_blocks_may_have_any_length(size: int) -> None:
    ears = endpoint()
    sound = b"".join([LOUD] * 20 + [SOFT] * 40)
    blocks = [sound[at : at + size] for at in range(0, len(sound), size)]
    assert [e.what for e in fed(ears, *blocks)] == ["began", "paused", "ended"]
