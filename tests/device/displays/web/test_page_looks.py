"""The page for every eye, hand and screen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from device.displays.scene import Row, Scene
from device.messages import Message, Thread
from tests.device.displays.web.conftest import InChromium, Wearer
from tests.device.displays.web.scenes import CONFIRM, DRAFTS, GLANCE, READER, texts

FOCUSED = "() => document.activeElement.dataset.say ?? document.activeElement.id"
# Text whose own colour stands on the nearest background with less than the given contrast (WCAG).
FAINT = """least => {
  const light = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {
    const colour = getComputedStyle(node).backgroundColor;
    return /, 0\\)$/.test(colour) ? behind(node.parentElement) : colour;
  };
  return [...document.body.querySelectorAll("*:not(script, noscript, :disabled)")]
    .filter((node) => [...node.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
    .map((node) => {
      const [a, b] = [light(getComputedStyle(node).color), light(behind(node))];
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), node.textContent];
    })
    .filter(([contrast]) => contrast < least);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out(in_chromium: InChromium, scheme: str) -> None:
    async def test(wearer: Wearer) -> None:
        page = await wearer.sees(GLANCE, color_scheme=scheme)
        for scene in (GLANCE, DRAFTS, CONFIRM, READER):
            await wearer.display.show(scene)
            assert await page.evaluate(FAINT, 4.5) == []
        assert len(await page.evaluate(FAINT, 22)) > 10, "it sees the texts"

    in_chromium(test)


@pytest.mark.parametrize(
    ("width", "height"), [(320, 640), (640, 400), (896, 500), (1280, 800)]
)  # a small phone; a laptop at 200 %; where the columns begin; a laptop
def test_nothing_runs_out_of_the_page(in_chromium: InChromium, width: int, height: int) -> None:
    long = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen" * 3
    thread = Thread("l", long, (Message("Ben", long), Message(long, long)), long, is_group=True)
    rows = (Row(long, "quote", "summary"), Row(long, "model", "1"), Row(long, "notice"))

    async def test(wearer: Wearer) -> None:
        page = await wearer.page(viewport={"width": width, "height": height})
        for scene in (DRAFTS, Scene("card", rows, long, f"{long}, later", thread)):
            await wearer.display.show(scene)
            beyond = """() => [...document.body.querySelectorAll("*:not(.unseen)")]
                .filter((n) => n.getBoundingClientRect().right > innerWidth)
                .map((n) => n.outerHTML)"""
            assert await page.evaluate(beyond) == []
            for wanted in ("#send", "#rows .text >> nth=0", "#hint button >> nth=-1"):
                await page.locator(wanted).click(trial=True)  # scrolls there; fails when covered

    in_chromium(test)


def test_how_it_goes_is_read_on_a_small_phone_too(in_chromium: InChromium) -> None:
    async def test(wearer: Wearer) -> None:
        page = await wearer.page(viewport={"width": 320, "height": 640})
        await page.get_by_role("link", name="How it goes").click()
        await page.wait_for_selector("dl")
        assert await texts(page, "dd >> nth=1") == ["replay"]
        widths = "() => [...document.querySelectorAll('dt, dd')].map((n) => n.clientWidth)"
        assert min(await page.evaluate(widths)) > 90
        assert await page.evaluate("() => document.documentElement.scrollWidth") == 320
        assert await page.evaluate(FAINT, 4.5) == []
        await page.get_by_role("link", name="The glasses").click()
        await page.wait_for_selector("[data-state=live]")

    in_chromium(test)


def test_right_to_left_words_run_their_way(in_chromium: InChromium) -> None:
    thread = Thread("r", "Anna", (Message("ليلى", "الاجتماع الساعة 14:00"),), "ليلى")
    scene = Scene("card", (Row("الاجتماع الساعة 14:00", "quote", "summary"),), "ليلى", "", thread)

    async def test(wearer: Wearer) -> None:
        page = await wearer.sees(scene)
        for place in ("#title", "#rows .row", "#rows .text", "#chat-name", ".bubble"):
            way = await page.locator(place).evaluate("node => getComputedStyle(node).direction")
            assert way == "rtl", place
        mark, words = [await page.locator(f"#rows {p}").bounding_box() for p in (".mark", ".text")]
        assert mark["x"] >= words["x"] + words["width"], "the mark stands before the words"

    in_chromium(test)


def test_it_is_used_without_a_mouse_and_without_sight(in_chromium: InChromium) -> None:
    async def test(wearer: Wearer) -> None:
        page = await wearer.sees(DRAFTS)
        for role in ("banner", "main"):
            assert await page.get_by_role(role).count() == 1
        for name in ("Glasses", "Ben"):
            assert await page.get_by_role("region", name=name).count() == 1
        assert await page.locator("[aria-live=polite]").inner_text() == (
            "Reply to Ben. 1 the model: Sure! 2 the model: Sorry. 3 the model: When?"
        )
        await page.locator("#rows button").first.focus()
        order = []
        for _ in range(8):
            order.append(await page.evaluate(FOCUSED))
            await page.keyboard.press("Tab")
        assert order == ["1", "2", "3", "type …", "cancel", "utterance", "send", "chat"]
        # Of a countdown only the number is told, not the whole text again each second.
        await wearer.display.show(replace(DRAFTS, title="To Ben in 3 …"))
        assert await page.locator("[aria-live=polite]").inner_text() == "To Ben in 3 …"
        # What had the focus keeps it when the scene changes, or else the box has it.
        await page.get_by_role("button", name="cancel").focus()
        await wearer.display.show(CONFIRM)
        assert await page.evaluate(FOCUSED) == "cancel"
        await wearer.display.show(GLANCE)
        assert await page.evaluate(FOCUSED) == "utterance"

    in_chromium(test)


@pytest.mark.parametrize(("wish", "moves"), [("reduce", False), ("no-preference", True)])
def test_what_moves_is_the_wearers_wish(in_chromium: InChromium, wish: str, moves: bool) -> None:
    async def test(wearer: Wearer) -> None:
        page = await wearer.sees(GLANCE, reduced_motion=wish)
        names = await page.evaluate(
            "() => getComputedStyle(document.querySelector('#rows li')).animationName"
        )
        assert (names != "none") is moves

    in_chromium(test)
