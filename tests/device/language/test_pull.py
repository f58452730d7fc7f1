"""Pulling a model: only what is whole, usable and what was asked for joins the catalog."""

from __future__ import annotations

import fcntl
import struct
from pathlib import Path

import pytest

from device.errors import ModelError
from device.language.catalog import Catalog
from tests.models import MODEL, OTHER, File, Server, gguf, parts, sha256


def test_pull(catalog: Catalog, server: Server, data: Path) -> None:
    server.files["/a/Tiny-Q4_0.gguf?key=secret"] = File()
    seen: list[tuple[int, int | None]] = []
    source = f"{server.url}/a/Tiny-Q4_0.gguf?key=secret"
    pulled = catalog.pull(source, progress=lambda done, total: seen.append((done, total)))
    assert pulled.path.read_bytes() == MODEL
    assert (pulled.name, pulled.prompt, pulled.quantization) == ("tiny-q4_0", "chat", "Q4_0")
    assert (pulled.base, pulled.licence) == ("Tiny", "apache-2.0")
    assert pulled.source == f"{server.url}/a/Tiny-Q4_0.gguf"
    assert seen[0] == (0, len(MODEL))
    assert seen[-1] == (len(MODEL), len(MODEL))
    assert seen == sorted(seen)
    assert parts(data) == ["tiny-q4_0.gguf"]
    assert "secret" not in (data / "manifest.json").read_text()
    server.files["/b.gguf?key=secret"] = File(cut_at=9)
    with pytest.raises(ModelError) as told:
        catalog.pull(f"{server.url}/b.gguf?key=secret")
    assert "secret" not in str(told.value) + (data / "pulled" / "b.gguf.part.json").read_text()
    assert catalog.current().name == "shipped"
    assert catalog.use("tiny-q4_0") == pulled
    assert catalog.current() == pulled
    assert catalog.pull(source) == pulled
    assert len(server.requests) == 2
    assert catalog.rollback().name == "shipped"


@pytest.mark.parametrize(
    "source",
    [
        *("", "model", "a/b", "a/b/c.bin", "a/b/../c.gguf", "a/b//c.gguf", "../b/c.gguf"),
        *("a/b@x:c.gguf@y", "C:\\x.gguf", "/etc/x.gguf", "file:///etc/passwd", "ftp://h/x.gguf"),
        *("http://", "http://u:p@h/x.gguf", "http://h:x/y", "http://[::1/x.gguf"),
    ],
)
def test_sources_that_are_none(catalog: Catalog, source: str) -> None:
    with pytest.raises(ModelError):
        catalog.pull(source, name="x")


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "A", "-x", "x" * 65, "a b", "a\0"])
def test_names_that_are_none(catalog: Catalog, server: Server, name: str) -> None:
    with pytest.raises(ModelError, match="can't be a model's name"):
        catalog.pull(f"{server.url}/m.gguf", name=name)
    assert server.requests == []


def test_a_file_name_cannot_lead_elsewhere(catalog: Catalog, server: Server, data: Path) -> None:
    server.files["/..%2F..%2Fup.gguf"] = File()
    assert catalog.pull(f"{server.url}/..%2F..%2Fup.gguf").path == data / "pulled" / "up.gguf"


def test_a_taken_name(catalog: Catalog, server: Server) -> None:
    with pytest.raises(ModelError, match="already a model called 'shipped'"):
        catalog.pull(f"{server.url}/shipped.gguf")
    with pytest.raises(ModelError, match="no SHA-256"):
        catalog.pull(f"{server.url}/m.gguf", sha256="beef")


def test_the_hubs_own_hash_is_held_against_the_file(catalog: Catalog, server: Server) -> None:
    linked = {"X-Linked-ETag": f'"{sha256(MODEL)}"', "Location": "/cdn/1"}
    server.files["/o/r/resolve/main/m.gguf"] = File(status=302, headers=linked)
    server.files["/cdn/1"] = File(content=MODEL[:-1] + b"\0")
    with pytest.raises(ModelError, match="damaged or not the file expected"):
        catalog.pull("o/r/m.gguf")
    with pytest.raises(ModelError, match="the hub has a file with SHA-256"):
        catalog.pull("o/r/m.gguf", sha256=sha256(OTHER))
    server.files["/cdn/1"] = File()
    pulled = catalog.pull("o/r/m.gguf", sha256=sha256(MODEL).upper())
    assert pulled.sha256 == sha256(MODEL)
    assert pulled.source == "o/r/m.gguf"


def test_a_wrong_hash_leaves_nothing_behind(catalog: Catalog, server: Server, data: Path) -> None:
    server.files["/m.gguf"] = File(content=MODEL[:9999] + b"\0" + MODEL[10000:])
    with pytest.raises(ModelError, match=f"expected {sha256(MODEL)}"):
        catalog.pull(f"{server.url}/m.gguf", sha256=sha256(MODEL))
    assert parts(data) == []
    assert catalog.current().name == "shipped"


def test_a_damaged_pulled_model_is_replaced(catalog: Catalog, server: Server) -> None:
    server.files["/m.gguf"] = File()
    pulled = catalog.pull(f"{server.url}/m.gguf")
    catalog.use("m")
    pulled.path.write_bytes(b"GGUF")
    with pytest.raises(ModelError, match=r"sidelong model pull http\S+ --name m"):
        catalog.current()
    catalog.pull(f"{server.url}/m.gguf")
    assert catalog.current() == pulled


def test_a_damaged_model_of_another_source_is_not(catalog: Catalog, server: Server) -> None:
    server.files["/m.gguf"] = server.files["/other.gguf"] = File()
    catalog.pull(f"{server.url}/m.gguf").path.write_bytes(b"GGUF")
    for name in ("m", "shipped"):
        with pytest.raises(ModelError, match=f"already a model called '{name}'"):
            catalog.pull(f"{server.url}/other.gguf", name=name)


def test_a_name_that_would_be_taken_for_a_file(catalog: Catalog, server: Server) -> None:
    with pytest.raises(ModelError, match=r"leave out \.gguf"):
        catalog.pull(f"{server.url}/m.gguf", name="foo.gguf")


def test_two_pulls_at_once(catalog: Catalog, server: Server, data: Path) -> None:
    (data / "pulled").mkdir(parents=True)
    with (data / "pulled" / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ModelError, match="another `sidelong model pull` is running"):
            catalog.pull(f"{server.url}/m.gguf")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (gguf(general__type="adapter"), "this is 'adapter'"),
        (gguf(split__count=3), "one of 3 parts"),
        (gguf(tokenizer__chat_template=None), "no chat template; choose an instruct model"),
        (gguf(sidelong__prompt="thread/9"), "update Sidelong"),
        (gguf(general__architecture=None), "without an architecture"),
        (gguf(version=1), "version 0x1"),
        (gguf(version=3 << 24), "big-endian"),
        (gguf(weights=0)[:-5], "ends within its header"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 60), "keys"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1 << 60), "ends within"),
        (b"GGUF" + struct.pack("<IQQQ1sI", 3, 0, 1, 1, b"k", 99), "unknown type 99"),
        (b"GGUF" + struct.pack("<IQQQ1sIIQ", 3, 0, 1, 1, b"k", 9, 9, 1), "an array"),
        (b"GGUF" + struct.pack("<IQQQ1sIIQ", 3, 0, 1, 1, b"k", 9, 8, 1 << 60), "an array"),
    ],
)
def test_files_that_cannot_be_used(
    catalog: Catalog, server: Server, data: Path, content: bytes, problem: str
) -> None:
    server.files["/m.gguf"] = File(content)
    with pytest.raises(ModelError, match=problem):
        catalog.pull(f"{server.url}/m.gguf")
    assert parts(data) == []
    assert catalog.current().name == "shipped"


def test_a_model_of_our_own_says_so(catalog: Catalog, server: Server) -> None:
    own = gguf(sidelong__prompt="thread/1", tokenizer__chat_template=None)
    server.files["/m.gguf"] = File(own)
    assert catalog.pull(f"{server.url}/m.gguf").prompt == "thread/1"
