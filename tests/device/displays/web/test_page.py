"""The page as a wearer has it, in a real Chromium: what it shows and what it says."""

from __future__ import annotations

import asyncio

from device.displays.scene import Scene
from tests.device.displays.web.conftest import InChromium, Wearer
from tests.device.displays.web.scenes import BEN, DRAFTS, GLANCE, READER, texts, told


def test_a_scene_stands_on_the_glass_and_its_chat_beside_it(in_chromium: InChromium) -> None:
    async def test(wearer: Wearer) -> None:
        page = await wearer.sees(GLANCE)
        assert await texts(page, "#rows .text") == ["Ben asks for 3 chairs."]
        assert await texts(page, "#rows .mark") == ["◇"]
        assert await texts(page, "#hint button") == ["reply", "next (2)"]
        assert await texts(page, "#spoken") == ["Ben. the model: Ben asks for 3 chairs."]
        assert await texts(page, ".bubble .words") == [m.text for m in BEN.messages]
        assert await texts(page, ".bubble.new .words") == [m.text for m in BEN.unread]
        assert await texts(page, ".bubble.mine time") == ["17:40"]
        assert await texts(page, ".between") == ["Sun, 30 Mar 2025", "Mon, 31 Mar 2025", "New"]

        await wearer.display.show(READER)
        assert await texts(page, "#rows .mark") == ["❝"]
        assert await texts(page, "#rows .label") == ["read"]
        await wearer.display.show(Scene("glance", ()))
        assert await texts(page, "#rows li") == await texts(page, ".bubble") == []
        assert await texts(page, "#chat-name") == ["No conversation"]
        assert page.faults == []

    in_chromium(test)


def test_what_is_typed_clicked_or_picked_is_said(in_chromium: InChromium) -> None:
    async def test(wearer: Wearer) -> None:
        page = await wearer.sees(DRAFTS)
        assert await texts(page, "#hint button") == ["type …", "cancel"], "rows pick themselves"
        await page.keyboard.type("reply ok")  # the box has the focus from the start
        await page.keyboard.press("Enter")
        await page.keyboard.press("2")
        await page.keyboard.press("9")  # no such draft: a text that begins with it
        await page.keyboard.type(" o'clock, 1 table")
        await page.get_by_role("button", name="Say", exact=True).click()
        await page.locator("body").evaluate("() => document.activeElement.blur()")
        await page.keyboard.press("3")
        await page.keyboard.press("Control+1")
        await page.get_by_role("button", name="Sure!").click()
        await page.get_by_text("type …").click()
        await page.keyboard.type("at nine")
        await page.keyboard.press("Enter")
        await page.keyboard.type("never mind")
        await page.keyboard.press("Escape")
        assert await page.input_value("#utterance") == ""
        await wearer.display.show(GLANCE)
        await page.get_by_text("next (2)").click()
        said = [await anext(wearer.said) for _ in range(8)]
        assert said == [
            "reply ok",
            "2",
            "9 o'clock, 1 table",
            "3",
            "1",
            "type at nine",
            "cancel",
            "next",
        ]
        assert page.faults == []

    in_chromium(test)


def test_two_pages_show_the_same_and_each_may_answer(in_chromium: InChromium) -> None:
    async def test(wearer: Wearer) -> None:
        one, two = await wearer.page(), await wearer.sees(DRAFTS)
        for page, key in ((one, "1"), (two, "2")):
            await told(page, "#title", "Reply to Ben")
            await page.keyboard.press(key)
            assert await anext(wearer.said) == key

    in_chromium(test)


def test_the_microphone_waits_for_a_listener(in_chromium: InChromium) -> None:
    heard: list[bytes] = []

    async def test(wearer: Wearer) -> None:
        page = await wearer.page()
        button = page.get_by_role("button", name="Microphone")
        assert await button.is_disabled()
        assert "without voice" in await button.get_attribute("title")
        wearer.display.audio = heard.append
        await button.click()
        await page.wait_for_selector("#microphone[aria-pressed=true]")
        while len(heard) < 12:  # Chromium's own stand-in beeps once a second
            await asyncio.sleep(0.05)
        await button.click()
        while heard[-1]:
            await asyncio.sleep(0.05)
        assert {len(sound) for sound in heard} == {2 * 1600, 0}
        assert any(sound.strip(b"\0") for sound in heard)
        await button.click()
        await page.wait_for_selector("#microphone[aria-pressed=true]")
        wearer.display.audio = None
        await page.wait_for_selector("#microphone[aria-pressed=false]:disabled")
        assert page.faults == []

    in_chromium(test)
