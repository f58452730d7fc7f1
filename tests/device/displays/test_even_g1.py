"""The Even G1, byte for byte by the maker's published layout."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from device.displays.even_g1 import Arm, EvenG1
from device.displays.g1_bluetooth import NOTIFY, WRITE, Bluetooth
from device.displays.g1_packets import notification_packets, text_packets, white_list_packets
from device.displays.scene import Row, Scene
from device.errors import DisplayError

CARD = Scene("card", (Row("see you", "model", "1"),), "Ben", "1, later")
LONG = Scene("reader", (Row("and then we went on " * 30, "quote"),), "Ben", "later")


class Recorder:
    """Takes every packet."""

    def __init__(self) -> None:
        self.sent: list[tuple[Arm, bytes]] = []
        self.closed = 0

    async def write(self, arm: Arm, packet: bytes) -> None:
        self.sent.append((arm, packet))

    async def close(self) -> None:
        self.closed += 1


def test_a_packet_of_text() -> None:
    assert text_packets("hi", 3, 2, 5) == [bytes.fromhex("4e 03 01 00 71 00 00 02 05 68 69")]


def test_a_long_text_is_several_packets_and_no_character_is_divided() -> None:
    text = "你好" * 100
    packets = text_packets(text, 256)
    assert [p[:4].hex() for p in packets] == [f"4e0004{i:02x}" for i in range(4)]
    assert all(len(p) <= 200 for p in packets)
    assert "".join(p[9:].decode() for p in packets) == text


def test_a_text_that_cannot_be_counted() -> None:
    with pytest.raises(DisplayError, match="takes 255"):
        text_packets("x" * 191 * 256, 0)


def test_a_notification() -> None:
    when = dt.datetime(2025, 3, 31, 9, 30, tzinfo=dt.UTC)
    packets = notification_packets(260, "Ben", "◇ Ben: chairs? " * 20, when)
    assert [p[:4].hex() for p in packets] == [f"4b04{len(packets):02x}{i:02x}" for i in (0, 1, 2)]
    assert all(len(p) <= 180 for p in packets)
    told = json.loads(b"".join(p[4:] for p in packets))["ncs_notification"]
    assert told["title"] == "Ben"
    assert told["message"] == "◇ Ben: chairs? " * 20
    assert (told["time_s"], told["date"]) == (1743413400, "2025-03-31 09:30:00")
    listed = json.loads(b"".join(p[3:] for p in white_list_packets()))["app"]["list"]
    assert told["app_identifier"] in [app["id"] for app in listed]


def test_a_scene_goes_to_the_left_arm_and_then_to_the_right() -> None:
    transport = Recorder()
    asyncio.run(EvenG1(transport).show(CARD))
    text = b"# Ben\n<> 1: see you\n> 1, later"
    packet = bytes.fromhex("4e 00 01 00 71 00 00 01 01") + text
    assert transport.sent == [("left", packet), ("right", packet)]


def test_a_dark_glass_leaves_the_text() -> None:
    transport = Recorder()
    asyncio.run(EvenG1(transport).show(Scene("card", ())))
    assert transport.sent == [("left", b"\x18"), ("right", b"\x18")]


def test_a_glance_as_a_notification() -> None:
    transport = Recorder()

    async def glances() -> None:
        glass = EvenG1(transport, notifications=True)
        for _ in range(2):
            await glass.show(Scene("glance", (Row("Ben: chairs?", "model"),), "Ben 👍"))

    asyncio.run(glances())
    assert {arm for arm, _ in transport.sent} == {"left"}
    kinds = [packet[0] for _, packet in transport.sent]
    assert kinds == sorted(kinds), "the white list comes first, and once"
    assert b"<> Ben: chairs?" in b"".join(packet[4:] for _, packet in transport.sent)


def test_taps_turn_pages_and_two_mean_later() -> None:
    transport = Recorder()

    async def touch() -> list[str]:
        glass = EvenG1(transport)
        await glass.show(LONG)
        taps: list[tuple[Arm, str]] = [("right", "f501"), ("left", "f501"), ("left", "f501")]
        for arm, packet in [*taps, ("right", "f500"), ("left", "f517")]:
            await glass.touched(arm, bytes.fromhex(packet))
        await glass.close()
        return [heard async for heard in glass.utterances()]

    assert asyncio.run(touch()) == ["later"]
    pages = [p[7:9].hex() for arm, p in transport.sent if arm == "left" and p[0] == 0x4E]
    assert [page[:2] for page in pages] == ["01", "02", "01"]
    assert {int(page[2:], 16) for page in pages} == {5}


def test_closed_once_and_then_nothing_is_drawn() -> None:
    transport = Recorder()

    async def close() -> None:
        glass = EvenG1(transport)
        await glass.close()
        await glass.close()
        assert not await glass.turn(1)
        with pytest.raises(DisplayError, match="Even G1: the display was closed"):
            await glass.show(CARD)

    asyncio.run(close())
    assert transport.sent == [("left", b"\x18"), ("right", b"\x18")]
    assert transport.closed == 1


class Client:
    """A `bleak.BleakClient` of one arm that answers as it is told."""

    def __init__(self, device: SimpleNamespace):
        self.name = device.name
        self.answer = "c9"
        self.connected = False
        self.written: list[bytes] = []

    async def connect(self) -> None:
        self.connected = True

    async def disconnect(self) -> None:
        self.connected = False

    async def start_notify(self, uuid: str, callback: Any) -> None:
        assert uuid == NOTIFY
        self.notify = callback

    async def write_gatt_char(self, uuid: str, packet: bytes, response: bool) -> None:
        assert (uuid, response) == (WRITE, False)
        self.written.append(packet)
        self.notify(None, bytearray(bytes.fromhex("f5 01")))
        self.notify(None, bytearray(bytes.fromhex("25 c9")))  # to an earlier packet
        self.notify(None, bytearray(packet[:1] + bytes.fromhex(self.answer)))


@pytest.fixture
def arms(monkeypatch: pytest.MonkeyPatch) -> list[Client]:
    """What a scan finds, connected by `Bluetooth.connect` through a stand-in for bleak."""
    found = [Client(SimpleNamespace(name=f"Even G1_7_{sign}_A1")) for sign in "LR"]

    async def find(accepts: Any) -> Client | None:
        return next((c for c in found if accepts(c, None)), None)

    bleak, errors = ModuleType("bleak"), ModuleType("bleak.exc")
    bleak.BleakScanner = SimpleNamespace(find_device_by_filter=find)  # type: ignore[attr-defined]
    bleak.BleakClient = lambda device: device  # type: ignore[attr-defined]
    errors.BleakError = type("BleakError", (Exception,), {})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bleak", bleak)
    monkeypatch.setitem(sys.modules, "bleak.exc", errors)
    return found


def test_bluetooth_waits_for_each_answer_and_passes_on_touches(arms: list[Client]) -> None:
    touches: list[tuple[Arm, bytes]] = []

    async def touched(arm: Arm, packet: bytes) -> None:
        touches.append((arm, packet))

    async def show() -> None:
        bluetooth = await Bluetooth.connect()
        bluetooth.on_event = touched
        glass = EvenG1(bluetooth)
        await glass.show(CARD)
        await glass.close()

    asyncio.run(show())
    assert [len(c.written) for c in arms] == [2, 2]
    assert touches[:1] == [("left", b"\xf5\x01")]
    assert not any(c.connected for c in arms)


def test_bluetooth_says_what_is_wrong(arms: list[Client], monkeypatch: pytest.MonkeyPatch) -> None:
    arms[1].answer = "ca"
    with pytest.raises(DisplayError, match="right arm refused a packet of kind 0x4e"):
        asyncio.run(show_over_bluetooth())
    arms[1].answer = ""
    with pytest.raises(DisplayError, match="right arm refused"):
        asyncio.run(show_over_bluetooth())
    missing = arms.pop()
    with pytest.raises(DisplayError, match="right arm was not found; wake them"):
        asyncio.run(show_over_bluetooth())
    assert not arms[0].connected
    del missing
    monkeypatch.setitem(sys.modules, "bleak", None)
    with pytest.raises(DisplayError, match="pip install bleak"):
        asyncio.run(show_over_bluetooth())


async def show_over_bluetooth() -> None:
    await EvenG1(await Bluetooth.connect()).show(CARD)
