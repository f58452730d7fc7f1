"""Microphone and loudspeaker on a sound card that a test plugs in and out."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from device.errors import VoiceError
from device.voice import sound_card
from device.voice.audio import BLOCK
from device.voice.sound_card import Loudspeaker, Microphone, chosen, devices


class PortAudioError(Exception):
    pass


class CallbackStop(Exception):
    pass


class Stream:
    """A stream of the fake card; the test calls its callbacks."""

    def __init__(self, card: Card, **options: Any):
        if not card.plugged:
            raise PortAudioError("Invalid device [PaErrorCode -9996]")
        self.options = options
        self.open = False
        card.streams.append(self)
        card.opened.set()

    def start(self) -> None:
        self.open = True

    def abort(self) -> None:
        self.open = False

    def close(self) -> None:
        self.options["finished_callback"]()


class Card:
    """Stands for the module `sounddevice`."""

    PortAudioError, CallbackStop = PortAudioError, CallbackStop

    def __init__(self) -> None:
        self.plugged = True
        self.streams: list[Stream] = []
        self.opened = asyncio.Event()
        self.looked = 0
        self.default = SimpleNamespace(device=(1, 2))

    def query_devices(self) -> list[dict[str, object]]:
        named = [
            ("HDMI", 0, 2),
            ("USB Headset Mic", 1, 0),
            ("USB Headset", 0, 2),
            ("pulse", 32, 32),
        ]
        return [
            {"name": name, "max_input_channels": inputs, "max_output_channels": outputs}
            for name, inputs, outputs in (named if self.plugged else [])
        ]

    def _terminate(self) -> None:
        self.looked += 1

    def _initialize(self) -> None:
        pass

    def RawInputStream(self, **options: Any) -> Stream:
        return Stream(self, **options)

    RawOutputStream = RawInputStream


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    plugged = Card()
    monkeypatch.setitem(sys.modules, "sounddevice", plugged)
    monkeypatch.setattr(sound_card, "AGAIN", 0.01)
    return plugged


def test_devices_are_listed_and_chosen(card: Card) -> None:
    assert [d.name for d in devices() if d.inputs] == ["USB Headset Mic", "pulse"]
    assert chosen(None, "input").number == 1
    assert chosen(None, "output").number == 2
    assert chosen("3", "input").name == "pulse"
    assert chosen("usb headset", "output").number == 2
    assert chosen("headset", "input").number == 1


@pytest.mark.parametrize(
    ("wanted", "said"), [("usb", "several are|none is"), ("Bose", "none is"), ("0", "none is")]
)
def test_a_wrong_choice_says_what_there_is(card: Card, wanted: str, said: str) -> None:
    card.query_devices = lambda: [  # type: ignore[method-assign]
        {"name": f"USB {i}", "max_input_channels": 1 - (i == 0), "max_output_channels": 0}
        for i in range(3)
    ]
    with pytest.raises(VoiceError, match=f"({said}).*1 USB 1, 2 USB 2"):
        chosen(wanted, "input")


def test_no_device_is_said_clearly(card: Card) -> None:
    card.plugged = False
    with pytest.raises(VoiceError, match="there is no loudspeaker here; plug one in"):
        Loudspeaker()
    with pytest.raises(VoiceError, match="there is no microphone here; plug one in"):
        chosen(None, "input")


def test_no_portaudio_is_said_clearly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(VoiceError, match="apt install libportaudio2"):
        devices()


def test_a_microphone_comes_back_after_it_was_plugged_out(card: Card) -> None:
    async def test() -> None:
        told: list[str] = []
        noted = asyncio.Event()

        def tell(note: str) -> None:
            told.append(note)
            noted.set()

        microphone = Microphone(None, tell)
        blocks = microphone.blocks()
        coming = asyncio.ensure_future(anext(blocks))
        await asyncio.wait_for(card.opened.wait(), 30)
        card.streams[0].options["callback"](b"x" * BLOCK, BLOCK // 2, None, None)
        assert await asyncio.wait_for(coming, 30) == b"x" * BLOCK
        card.plugged = False
        card.opened.clear()
        coming = asyncio.ensure_future(anext(blocks))
        await asyncio.sleep(0)
        card.streams[0].options["finished_callback"]()
        await asyncio.wait_for(noted.wait(), 30)
        assert told == ["The microphone is gone. Plug it in again."]
        card.plugged = True
        await asyncio.wait_for(card.opened.wait(), 30)
        card.streams[1].options["callback"](b"y" * BLOCK, BLOCK // 2, None, None)
        assert await asyncio.wait_for(coming, 30) == b"y" * BLOCK
        assert told[1:] == ["The microphone is back."]
        assert card.looked >= 1
        await microphone.close()
        await blocks.aclose()  # type: ignore[attr-defined]
        assert not any(stream.open for stream in card.streams)

    asyncio.run(test())


def played(card: Card, sound: bytes, end: Callable[[Loudspeaker], None]) -> bytes:
    """What a card that asks for 100 bytes at a time is given."""

    async def test() -> bytes:
        loudspeaker = Loudspeaker()
        playing = asyncio.create_task(loudspeaker.play(sound))
        await asyncio.wait_for(card.opened.wait(), 30)
        options, got = card.streams[-1].options, b""
        ended = False
        while not ended and len(got) < 10_000:
            block = bytearray(100)
            try:
                options["callback"](block, 50, None, None)
            except CallbackStop:
                ended = True
            got += bytes(block)
        assert ended, "the card is told that there is no more"
        end(loudspeaker)
        await asyncio.wait_for(playing, 30)
        assert not card.streams[-1].open
        return got

    return asyncio.run(test())


def test_all_of_a_sound_is_played(card: Card) -> None:
    sound = bytes(range(1, 251))
    got = played(card, sound, lambda _: card.streams[-1].options["finished_callback"]())
    assert got == sound + bytes(50)


def test_a_stop_ends_it_before_the_card_does(card: Card) -> None:
    played(card, bytes(250), lambda loudspeaker: loudspeaker.stop())


def test_a_loudspeaker_that_is_gone_is_told_and_looked_for(card: Card) -> None:
    async def test() -> None:
        loudspeaker = Loudspeaker()
        card.plugged = False
        with pytest.raises(VoiceError, match="can't be used"):
            await loudspeaker.play(b"xx")
        assert card.looked == 1

    asyncio.run(test())
