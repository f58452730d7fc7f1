"""Who is let in, and what comes with the page's files."""

from __future__ import annotations

import stat
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import InvalidStatus

from device.displays.web import WebDisplay
from tests.device.displays.web.peers import get, page, run


@pytest.mark.parametrize(
    "origin", [None, "http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1"]
)
def test_only_the_pages_own_origin_may_connect(origin: str | None) -> None:
    async def test(display: WebDisplay) -> None:
        with pytest.raises(InvalidStatus) as refused:
            async with page(await display.open(), origin):
                pass
        assert refused.value.response.status_code == 403

    run(test)


def test_nothing_is_had_without_the_token() -> None:
    async def test(display: WebDisplay) -> None:
        url = await display.open()
        token = urlsplit(url).path.strip("/")
        for path in ("/", "/live", "/page.js", f"/{token[:-1]}/", f"/{token}x/page.js", "//live"):
            status, _, body = await get(url, path)
            assert (status, body) == (403, "Open the whole address that Sidelong prints.\n")
        with pytest.raises(InvalidStatus):
            async with page(url.replace(token, token[::-1])):
                pass
        for path in (f"/{token}/secret", f"/{token}/../display.py", f"/{token}/display.py"):
            assert (await get(url, path))[0] == 404

    run(test)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "[::1", ""])
def test_another_name_for_this_machine_is_not_answered(host: str) -> None:
    async def test(display: WebDisplay) -> None:
        assert (await get(await display.open(), host=host or " "))[0] == 421

    run(test)


def test_the_files_come_with_a_policy_that_lets_nothing_else_in() -> None:
    async def test(display: WebDisplay) -> None:
        url = await display.open()
        for name in ("", "page.css", "glass.css", "page.js", "microphone.js", "icon.svg", "?again"):
            status, head, body = await get(url, urlsplit(url).path + name)
            assert status == 200
            assert len(body) > 200
            assert "default-src 'none'; script-src 'self'" in head
            assert "unsafe" not in head
            assert "://" not in body.replace("http://www.w3.org/2000/svg", ""), "asks elsewhere"

    run(test)


def test_the_secret_is_kept_so_that_an_open_page_finds_the_next_display(tmp_path: Path) -> None:
    urls = []

    async def test(display: WebDisplay) -> None:
        urls.append(urlsplit(await display.open()).path)

    run(test)
    run(test)
    [kept] = tmp_path.rglob("web-token")
    assert urls == [f"/{kept.read_text()}/"] * 2
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    kept.write_text("../short")
    run(test)
    assert urls[2] == f"/{kept.read_text()}/" != urls[0]


def test_the_status_page_tells_what_it_is_told_and_nothing_else() -> None:
    told = [("model", "sidelong-118m"), ("<b>cards", "3 & more")]

    async def test(display: WebDisplay) -> None:
        url = await display.open()
        status, head, body = await get(url, f"{urlsplit(url).path}status")
        assert status == 200
        assert "text/html" in head
        assert "<dt>model</dt><dd>sidelong-118m</dd>" in body
        assert "<dt>&lt;b&gt;cards</dt><dd>3 &amp; more</dd>" in body
        assert "script" not in body
        told.append(("messages", "4"))
        _, _, body = await get(url, f"{urlsplit(url).path}status")
        assert "<dd>4</dd>" in body, "as it is now"
        assert (await get(url, "/status"))[0] == 403
        assert (await get(url, f"{urlsplit(url).path}status.css"))[0] == 200

    run(test, status=lambda: told)


def test_a_display_without_figures_has_no_status_page() -> None:
    async def test(display: WebDisplay) -> None:
        url = await display.open()
        assert (await get(url, f"{urlsplit(url).path}status"))[0] == 404

    run(test)
