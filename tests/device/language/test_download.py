"""A download: taken up again where it was cut off, or begun anew, and never wrong unnoticed."""

from __future__ import annotations

import errno
import http.client
import io
import json
import os
import shutil
import socket
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from device.errors import ModelError
from device.language import download
from device.language.catalog import Catalog
from device.language.http_answer import Redirects
from tests.models import MODEL, OTHER, File, Server, gguf, parts, sha256


def cut_off(catalog: Catalog, server: Server, data: Path, **file: Any) -> str:
    """A first attempt that gets 200,000 bytes; the rest then stands ready."""
    hash_of = file.pop("known", None)
    server.files["/m.gguf"] = File(cut_at=200_000, **file)
    with pytest.raises(ModelError, match=r"cut off after 200000 of \d+ bytes; run the same"):
        catalog.pull(f"{server.url}/m.gguf", sha256=hash_of)
    assert parts(data) == ["m.gguf.part", "m.gguf.part.json"]
    assert [e.name for e in catalog.list()] == ["shipped", "other"]
    server.files["/m.gguf"] = File(**file)
    return f"{server.url}/m.gguf"


def test_a_url_that_http_refuses(catalog: Catalog) -> None:
    with pytest.raises(ModelError, match="not a usable URL"):
        catalog.pull("http://h ost/x.gguf", name="x")


def test_resume_after_a_cut(catalog: Catalog, server: Server, data: Path) -> None:
    source = cut_off(catalog, server, data)
    seen: list[int] = []
    assert catalog.pull(source, progress=lambda n, _: seen.append(n)).sha256 == sha256(MODEL)
    assert server.ranges() == [None, "bytes=200000-"]
    assert server.requests[1][1]["If-Range"] == '"one"'
    assert seen[0] == 200_000
    assert parts(data) == ["m.gguf"]


def test_resume_through_a_redirect_that_changes(
    catalog: Catalog, server: Server, data: Path
) -> None:
    hub = "/o/r/resolve/main/m.gguf"
    linked = {"X-Linked-ETag": f'"{sha256(MODEL)}"'}
    server.files[hub] = File(status=302, headers=linked | {"Location": "/cdn?signed=1"})
    server.files["/cdn?signed=1"] = File(cut_at=1000)
    with pytest.raises(ModelError, match="cut off"):
        catalog.pull("o/r/m.gguf")
    server.files[hub] = File(status=302, headers=linked | {"Location": "/cdn?signed=2"})
    server.files["/cdn?signed=2"] = File()
    assert catalog.pull("o/r/m.gguf").path.read_bytes() == MODEL
    assert server.ranges()[-2:] == ["bytes=1000-"] * 2


def test_resume_without_etag_needs_a_hash(catalog: Catalog, server: Server, data: Path) -> None:
    source = cut_off(catalog, server, data, etag=None, known=sha256(MODEL))
    catalog.pull(source, sha256=sha256(MODEL))
    assert server.ranges() == [None, "bytes=200000-"]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_strong_etag_or_hash_it_starts_anew(
    catalog: Catalog, server: Server, data: Path, etag: str | None
) -> None:
    source = cut_off(catalog, server, data, etag=etag)
    assert catalog.pull(source).sha256 == sha256(MODEL)
    assert server.ranges() == [None, None]


def test_a_server_without_ranges_starts_anew(catalog: Catalog, server: Server, data: Path) -> None:
    source = cut_off(catalog, server, data, ranges=False)
    assert catalog.pull(source).sha256 == sha256(MODEL)
    assert server.ranges() == [None, "bytes=200000-"]


@pytest.mark.parametrize("honours", [True, False])
@pytest.mark.parametrize("content", [OTHER, OTHER[: len(MODEL)], gguf(weights=9)])
def test_a_file_that_changed_between_attempts(
    catalog: Catalog, server: Server, data: Path, honours: bool, content: bytes
) -> None:
    source = cut_off(catalog, server, data)
    server.files["/m.gguf"] = File(content=content, etag='"two"', honours_if_range=honours)
    assert catalog.pull(source).path.read_bytes() == content


def test_a_part_of_another_source_is_not_gone_on_with(
    catalog: Catalog, server: Server, data: Path
) -> None:
    cut_off(catalog, server, data)
    server.files["/n.gguf"] = File(content=OTHER)
    assert catalog.pull(f"{server.url}/n.gguf", name="m").sha256 == sha256(OTHER)


def test_a_whole_part_is_only_checked(catalog: Catalog, server: Server, data: Path) -> None:
    source = cut_off(catalog, server, data)
    (data / "pulled" / "m.gguf.part").write_bytes(MODEL)
    assert catalog.pull(source).sha256 == sha256(MODEL)
    assert len(server.requests) == 1


def test_a_damaged_part_is_noticed_and_deleted(
    catalog: Catalog, server: Server, data: Path
) -> None:
    source = cut_off(catalog, server, data, known=sha256(MODEL))
    part = data / "pulled" / "m.gguf.part"
    part.write_bytes(b"GGUF" + bytes(199_996))
    with pytest.raises(ModelError, match="damaged or not the file expected"):
        catalog.pull(source, sha256=sha256(MODEL))
    assert parts(data) == []
    assert catalog.pull(source, sha256=sha256(MODEL)).sha256 == sha256(MODEL)


@pytest.mark.parametrize(
    "change",
    [{"url": 3}, {"etag": 7}, {"total": "200000"}, {"total": True}, {"sha256": []}, {"source": 1}],
)
def test_lost_notes_of_a_part_start_anew(
    change: dict[str, object], catalog: Catalog, server: Server, data: Path
) -> None:
    source = cut_off(catalog, server, data)
    notes = data / "pulled" / "m.gguf.part.json"
    notes.write_text(json.dumps(json.loads(notes.read_text()) | change))
    assert catalog.pull(source).sha256 == sha256(MODEL)
    assert server.ranges() == [None, None]


def test_an_unknown_length_needs_a_hash(catalog: Catalog, server: Server) -> None:
    server.files["/m.gguf"] = File(says_length=False)
    with pytest.raises(ModelError, match="give its SHA-256"):
        catalog.pull(f"{server.url}/m.gguf")
    assert catalog.pull(f"{server.url}/m.gguf", sha256=sha256(MODEL)).size_bytes == len(MODEL)


@pytest.mark.parametrize(
    ("status", "advice"),
    [(404, "spelling"), (403, "open to all"), (503, "try again later"), (302, "try again later")],
)
def test_a_server_that_refuses(
    catalog: Catalog, server: Server, data: Path, status: int, advice: str
) -> None:
    source = cut_off(catalog, server, data)
    server.files["/m.gguf"] = File(status=status)
    with pytest.raises(ModelError, match=rf"m\.gguf: .*HTTP {status}.*{advice}"):
        catalog.pull(source)
    assert parts(data) == ["m.gguf.part", "m.gguf.part.json"]
    server.files["/m.gguf"] = File()
    catalog.pull(source)
    assert server.ranges()[-1] == "bytes=200000-"


def test_a_page_instead_of_a_model(catalog: Catalog, server: Server, data: Path) -> None:
    server.files["/m.gguf"] = File(b"<!doctype html>" * 999, headers={"Content-Type": "text/html"})
    with pytest.raises(
        ModelError, match="not a GGUF file but 'text/html'; give the address of the"
    ):
        catalog.pull(f"{server.url}/m.gguf")
    assert parts(data) == []
    server.files["/m.gguf"] = File(b"")
    with pytest.raises(ModelError, match="0 bytes came"):
        catalog.pull(f"{server.url}/m.gguf")
    server.files["/m.gguf"] = File(headers={"Content-Encoding": "gzip"})
    with pytest.raises(ModelError, match="compressed"):
        catalog.pull(f"{server.url}/m.gguf")


def test_silence_and_nobody_there(
    catalog: Catalog, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "TIMEOUT_SECONDS", 0.1)
    server.silence = threading.Event()
    with pytest.raises(ModelError, match=r"no answer for 0\.1 seconds\); run the same command"):
        catalog.pull(f"{server.url}/m.gguf")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(ModelError, match="the connection failed"):
            catalog.pull(f"http://127.0.0.1:{port}/m.gguf")


def test_redirects_never_leave_https() -> None:
    def follow(before: str, after: str) -> urllib.request.Request | None:
        request = urllib.request.Request(before)
        with io.BytesIO() as body:
            return Redirects().redirect_request(
                request, body, 302, "Found", http.client.HTTPMessage(), after
            )

    assert follow("https://a/x", "https://b/y")
    assert follow("http://a/x", "https://b/y")
    assert follow("http://a/x", "http://b/y")
    for before, after in [("https://a/x", "http://b/y"), ("http://a/x", "ftp://b/y")]:
        with pytest.raises(ModelError, match="not safe to follow"):
            follow(before, after)


def test_a_full_disk_is_told_before_and_during(
    catalog: Catalog, server: Server, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["/m.gguf"] = File()
    source = f"{server.url}/m.gguf"
    usage = shutil.disk_usage(data.parent)
    with monkeypatch.context() as patch:
        little = usage._replace(free=download.SPARE_BYTES + len(MODEL) - 1)
        patch.setattr(shutil, "disk_usage", lambda _: little)
        with pytest.raises(ModelError, match="64 MiB are free, 64 are needed; make room"):
            catalog.pull(source)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(ModelError, match="the disk is full; make room"):
            catalog.pull(source)
    assert catalog.current().name == "shipped"
    catalog.pull(source)
