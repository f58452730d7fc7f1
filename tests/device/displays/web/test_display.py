"""The display over the protocol alone; `test_page*.py` look at the page itself."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest
from websockets.exceptions import ConnectionClosed

from device.displays.scene import Row, Scene
from device.displays.web import WebDisplay
from device.errors import DisplayError
from device.messages import Message, Thread
from tests.device.displays.web.peers import drawn, page, run, state

SCENE = Scene("glance", (Row("Ben: chairs?", "model"),), "Ben", "reply, later")
HOSTILE = "<script>alert(1)</script>\x1b[31m\u202eevil\u202c ◇ sure"


def test_a_scene_reaches_the_page_that_is_open_and_the_one_that_comes_later() -> None:
    async def test(display: WebDisplay) -> None:
        url = await display.open()
        async with page(url) as first:
            assert (await state(first))["scene"]["rows"] == []
            shown = asyncio.create_task(display.show(SCENE))
            told = await drawn(first)
            await shown
            assert told["scene"] == {
                "tier": "glance", "title": "Ben", "hint": "reply, later", "thread": None,
                "rows": [{"text": "Ben: chairs?", "mark": "model", "label": ""}],
            }  # fmt: skip
            async with page(url) as second:
                assert await state(second) == told

    run(test)


def test_show_returns_when_a_page_has_drawn_that_very_scene(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("device.displays.web.display.PATIENCE", 3600)

    async def test(display: WebDisplay) -> None:
        async with page(await display.open()) as live:
            await drawn(live)
            showing = asyncio.create_task(display.show(SCENE))
            number = (await state(live))["number"]
            await live.send(json.dumps({"drawn": number - 1}))
            await (await live.ping())
            assert not showing.done()
            await live.send(json.dumps({"drawn": number}))
            await showing

    run(test)


def test_a_page_that_sleeps_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.displays.web.display.PATIENCE", 0.01)

    async def test(display: WebDisplay) -> None:
        await display.show(SCENE)  # no page at all
        async with page(await display.open()) as live:
            await display.show(SCENE)
            assert (await state(live))["scene"]["title"] == "Ben"

    run(test)


def test_the_next_scene_takes_the_place_of_one_that_nobody_drew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("device.displays.web.display.PATIENCE", 3600)

    async def test(display: WebDisplay) -> None:
        async with page(await display.open()) as live:
            await state(live)
            first = asyncio.create_task(display.show(SCENE))
            await state(live)
            second = asyncio.create_task(display.show(Scene("glance", ())))
            await first
            await drawn(live)
            await second

    run(test)


def test_utterances_of_all_pages_come_in_order_and_end_with_the_display() -> None:
    async def test(display: WebDisplay) -> None:
        url = await display.open()
        async with page(url) as one, page(url) as two:
            await one.send(json.dumps({"say": "  reply "}))
            await one.send(json.dumps({"say": " "}))
            await (await one.ping())
            await two.send(json.dumps({"say": "say \ud83d\ude00 yes"}))
            said = display.utterances()
            assert [await anext(said), await anext(said)] == ["reply", "say 😀 yes"]
        await display.close()
        assert [text async for text in said] == []
        assert [text async for text in display.utterances()] == []
        with pytest.raises(DisplayError, match="closed"):
            await display.show(SCENE)

    run(test)


@pytest.mark.parametrize(
    "frame", ["", "{", "[]", "7", '{"say": 7}', '{"do": "send"}', '"send"', "[" * 60_000]
)
def test_what_no_page_says_ends_that_page_only(frame: str) -> None:
    async def test(display: WebDisplay) -> None:
        url = await display.open()
        async with page(url) as good, page(url) as bad:
            await state(bad)
            await bad.send(frame)
            with pytest.raises(ConnectionClosed):
                await bad.recv()
            assert bad.close_code == 1007
            await good.send(json.dumps({"say": "later"}))
            assert await anext(display.utterances()) == "later"

    run(test)


def test_strangers_words_are_neutralised() -> None:
    thread = Thread(
        "t", "Anna", (Message(HOSTILE, HOSTILE), Message("Anna", "no")), HOSTILE, unread_from=0
    )
    scene = Scene("card", (Row(HOSTILE, "quote", HOSTILE),), HOSTILE, HOSTILE, thread)

    async def test(display: WebDisplay) -> None:
        await display.show(scene)
        async with page(await display.open()) as live:
            told = (await state(live))["scene"]
        row, message = told["rows"][0], told["thread"]["messages"][0]
        texts = {told["title"], told["hint"], told["thread"]["title"]}
        texts |= {row["text"], row["label"], message["sender"], message["text"]}
        assert texts == {"<script>alert(1)</script>evil ◆ sure"}
        assert [m["new"] for m in told["thread"]["messages"]] == [True, False]

    run(test)


def test_of_a_long_thread_the_last_messages_and_how_many_came_before() -> None:
    messages = tuple(Message("Ben", f"{i}") for i in range(100))

    async def test(display: WebDisplay) -> None:
        await display.show(Scene("glance", (), thread=Thread("t", "Anna", messages)))
        async with page(await display.open()) as live:
            thread = (await state(live))["scene"]["thread"]
        assert (thread["earlier"], len(thread["messages"])) == (40, 60)
        assert [thread["messages"][i]["text"] for i in (0, -1)] == ["40", "99"]

    run(test)


def test_sound_goes_to_the_hook_from_one_page_at_a_time() -> None:
    heard: list[bytes] = []

    async def test(display: WebDisplay) -> None:
        url = await display.open()
        async with page(url) as one:
            assert not (await state(one))["audio"]
            await one.send(b"unheard")
            await (await one.ping())
            display.audio = heard.append
            assert (await state(one))["audio"]
            async with page(url) as two:
                for live, sound in ((one, b"1"), (two, b"2"), (one, b""), (two, b"3")):
                    await live.send(sound)
                    await (await live.ping())
        while heard[-1]:  # the page that is gone has stopped to speak
            await asyncio.sleep(0)
        assert heard == [b"1", b"", b"3", b""]

    run(test)


def test_the_address_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    async def test(display: WebDisplay) -> None:
        assert await display.open() == await display.open()

    run(test)
    assert capsys.readouterr().out.count("http://127.0.0.1:") == 1


def test_the_wearers_browser_opens_the_page_only_when_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)

    async def test(display: WebDisplay) -> None:
        assert opened == ([await display.open()] if asked else [])

    for asked in (False, True):
        run(test, open_browser=asked)


def test_an_address_that_cannot_be_had_is_one_sentence() -> None:
    async def test() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(DisplayError, match=f"127.0.0.1, port {port}: .*another port"):
                await WebDisplay(port=port).show(SCENE)
        for host, port in (("0.0.0.0", 0), ("192.0.2.1", 0), ("127.0.0.1", 70_000)):
            with pytest.raises(DisplayError, match=host):
                await WebDisplay(host, port).open()

    asyncio.run(test())


def test_close_may_be_called_twice_and_before_anything_was_opened() -> None:
    async def test(display: WebDisplay) -> None:
        async with page(await display.open()) as live:
            await state(live)
            await display.close()
            await live.wait_closed()
            assert live.close_code == 1001

    run(test)
    asyncio.run(WebDisplay().close())
