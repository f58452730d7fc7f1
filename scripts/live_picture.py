"""The browser's page as a picture (PNG): python -m scripts.live_picture docs/live.png

`sidelong run --display web` replays a chat, Chromium opens the page, and the wearer asks for drafts
by keyboard. Nothing in the picture is written by hand but the chat.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright

from tests.runs import ROOT, SIDELONG

CHAT = (
    ("Ben", "17:52", "all six boxes are in the hall"),
    ("Anna", "17:55", "great, thank you!"),
    ("Ben", "18:02", "Can you bring three chairs to the yard tomorrow at 7:30?"),
    ("Ben", "18:03", "Mia comes too, she has the key"),
)
NEW_FROM = 2
PATIENCE = 300_000
"""Milliseconds after which a step counts as never coming."""


async def draw(folder: Path, target: str) -> None:
    """Run it, ask for drafts, and keep what stands there."""
    messages = [{"from": who, "at": at, "text": text} for who, at, text in CHAT]
    thread = {"id": "ben", "me": "Anna", "title": "Ben", "messages": messages}
    chat = folder / "chat.jsonl"
    chat.write_text(json.dumps(thread | {"unread_from": NEW_FROM}) + "\n")
    args = ("run", str(chat), "--speed", "max", "--display", "web", "--port", "0")
    run = await asyncio.create_subprocess_exec(
        *(*SIDELONG, *args, "--log", str(folder / "log")), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert run.stdout is not None
    while "http" not in (line := (await run.stdout.readline()).decode()):
        assert line, "no page was opened"
    try:
        async with async_playwright() as driver:
            browser = await driver.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            page = await browser.new_page(viewport={"width": 1280, "height": 760})
            page.set_default_timeout(PATIENCE)
            await page.goto(line[line.index("http") :].strip())
            await page.get_by_role("button", name="read").wait_for()
            await page.keyboard.type("reply\n")
            await page.get_by_text("Reply to Ben").first.wait_for()
            await page.screenshot(path=target, animations="disabled")
            await browser.close()
    finally:
        run.terminate()
        await run.wait()


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="sidelong-picture-") as name:
        for kind in ("DATA", "CONFIG", "CACHE", "STATE"):
            os.environ[f"XDG_{kind}_HOME"] = str(Path(name) / kind.lower())
        os.environ["PYTHONPATH"] = str(ROOT)
        asyncio.run(draw(Path(name), sys.argv[1]))


if __name__ == "__main__":
    main()
