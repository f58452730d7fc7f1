"""The catalog: what is fetched is whole and what it should be, or the old model stays in use."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import http.client
import io
import json
import os
import random
import shutil
import socket
import struct
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.errors import ModelError
from device.language import catalog as catalog_module
from device.language import download
from device.language.catalog import Catalog, default_data_dir, find_shipped_manifest
from device.language.gguf_header import read_header
from device.language.source import resolve


def gguf(version: int = 3, weights: int = 300_000, **extra: Any) -> bytes:
    """A file with a true header and weights of noise; keys with "__" for ".", None for none."""
    keys: dict[str, Any] = {
        "general.architecture": "llama",
        "general.name": "Tiny",
        "general.license": "apache-2.0",
        "general.file_type": 2,
        "llama.context_length": 2048,
        "llama.rope.freq_base": 10000.0,
        "tokenizer.ggml.tokens": ["<unk>", "é", "a" * 300],
        "tokenizer.ggml.scores": [0, 1, 2],
        "tokenizer.chat_template": "{{ messages }}",
    }
    keys |= {key.replace("__", "."): value for key, value in extra.items()}

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value.encode())) + value.encode()

    def typed(value: Any) -> bytes:
        match value:
            case str():
                return struct.pack("<I", 8) + text(value)
            case float():
                return struct.pack("<If", 6, value)
            case int():
                return struct.pack("<II", 4, value)
            case [str(), *_]:
                return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))
        return struct.pack(f"<IIQ{len(value)}I", 9, 4, len(value), *value)

    pairs = [text(k) + typed(v) for k, v in keys.items() if v is not None]
    head = b"GGUF" + struct.pack("<IQQ", version, 0, len(pairs)) + b"".join(pairs)
    return head + random.Random(weights).randbytes(weights)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


MODEL = gguf()
OTHER = gguf(weights=300_001)


# A server that can misbehave


@dataclass
class File:
    content: bytes = MODEL
    etag: str | None = '"one"'
    ranges: bool = True
    honours_if_range: bool = True
    cut_at: int | None = None
    """The connection breaks after so many bytes of the body."""
    says_length: bool = True
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, File] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.silence: threading.Event | None = None
        self.url = f"http://127.0.0.1:{self.server_port}"

    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for _, headers in self.requests]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers)))
        if self.server.silence:
            self.server.silence.wait(10)
        file = self.server.files.get(self.path)
        if file is None or (file.status or 200) >= 300:
            self.send_response(404 if file is None else file.status or 404)
            for key, value in (file.headers if file else {}).items():
                self.send_header(key, value)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body, start, wanted = file.content, 0, self.headers["Range"]
        if wanted and file.ranges:
            condition = self.headers["If-Range"]
            if not file.honours_if_range or condition in (None, file.etag):
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if wanted and start >= len(body):
            self.send_response(416)
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if file.says_length:
            self.send_header("Content-Length", str(len(body) - start))
        if file.etag:
            self.send_header("ETag", file.etag)
        for key, value in file.headers.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body[start : file.cut_at])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    with Server() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        if running.silence:
            running.silence.set()
        running.shutdown()
        thread.join()


# A shipped catalog


def entry(content: bytes = MODEL, name: str = "shipped", **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "file": f"{name}.gguf",
        "sha256": sha256(content),
        "size_bytes": len(content),
        "base": "Tiny",
        "licence": "Apache-2.0",
        "data_licences": {"GlanceChat": "CC-BY-4.0"},
        "prompt": "thread/1",
        "quantization": "Q4_0",
        "figures": {"glance_rouge_l": 37},
        **changes,
    }


def ship(folder: Path, *entries: dict[str, Any], **changes: Any) -> Path:
    folder.mkdir(exist_ok=True)
    manifest = {"version": 1, "default": "shipped", "models": entries, **changes}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder / "manifest.json"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def catalog(tmp_path: Path, data: Path) -> Catalog:
    manifest = ship(tmp_path / "models", entry(), entry(OTHER, "other"))
    (tmp_path / "models" / "shipped.gguf").write_bytes(MODEL)
    (tmp_path / "models" / "other.gguf").write_bytes(OTHER)
    return Catalog(manifest, data)


def parts(data: Path) -> list[str]:
    return sorted(f.name for f in (data / "pulled").iterdir() if f.name != ".lock")


def test_shipped_models_are_listed_and_one_is_in_use(catalog: Catalog, tmp_path: Path) -> None:
    assert [e.name for e in catalog.list()] == ["shipped", "other"]
    current = catalog.current()
    assert current.path == tmp_path / "models" / "shipped.gguf"
    assert current.figures == {"glance_rouge_l": 37.0}
    assert (current.prompt, current.source) == ("thread/1", None)
    assert catalog.verify() == catalog.list()
    with pytest.raises(ModelError, match=r"no model is called 'x'; there is shipped, other"):
        catalog.use("x")


def test_no_model_at_all(tmp_path: Path) -> None:
    empty = Catalog(tmp_path / "none" / "manifest.json", tmp_path / "data")
    assert empty.list() == ()
    with pytest.raises(ModelError, match="sidelong model pull"):
        empty.current()


def test_use_and_rollback(catalog: Catalog, tmp_path: Path, data: Path) -> None:
    catalog.use("other")
    assert catalog.current().name == "other"
    assert Catalog(tmp_path / "models" / "manifest.json", data).current().name == "other"
    catalog.use("other")
    assert catalog.rollback().name == "shipped"
    assert catalog.current().name == "shipped"
    with pytest.raises(ModelError, match="no model was in use before"):
        catalog.rollback()
    for name in ["other", "shipped"] * 9:
        catalog.use(name)
    assert [catalog.rollback().name for _ in range(3)] == ["other", "shipped", "other"]


@pytest.mark.parametrize("damage", ["flip", "shorten", "remove", "folder"])
def test_a_damaged_model_is_refused_and_the_choice_stays(
    catalog: Catalog, tmp_path: Path, damage: str
) -> None:
    file = tmp_path / "models" / "other.gguf"
    file.unlink()
    if damage == "folder":
        file.mkdir()
    elif damage != "remove":
        file.write_bytes(OTHER[:-1] + (b"" if damage == "shorten" else b"\0"))
    with pytest.raises(ModelError, match=r"other.gguf: .*; .*`sidelong model use`"):
        catalog.use("other")
    assert catalog.current().name == "shipped"
    with pytest.raises(ModelError, match=r"other\.gguf"):
        catalog.verify()
    assert catalog.verify("shipped")[0].name == "shipped"


def test_rollback_after_a_bad_use(catalog: Catalog, tmp_path: Path) -> None:
    catalog.use("other")
    (tmp_path / "models" / "other.gguf").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"1 bytes instead of \d+; .*rollback"):
        catalog.current()
    assert catalog.rollback().name == "shipped"
    assert catalog.current().name == "shipped"


def test_rollback_to_a_damaged_model_changes_nothing(catalog: Catalog, tmp_path: Path) -> None:
    catalog.use("other")
    (tmp_path / "models" / "shipped.gguf").unlink()
    for _ in range(2):
        with pytest.raises(ModelError, match=r"shipped\.gguf"):
            catalog.rollback()
    assert catalog.current().name == "other"


def test_an_untouched_file_is_hashed_once(
    catalog: Catalog, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[object] = []
    real = hashlib.file_digest

    def counting(file: Any, name: str) -> Any:
        hashed.append(file)
        return real(file, name)

    monkeypatch.setattr(hashlib, "file_digest", counting)
    for _ in range(3):
        catalog.current()
    assert len(hashed) == 1
    catalog.verify("shipped")
    assert len(hashed) == 2
    file = tmp_path / "models" / "shipped.gguf"
    os.utime(file, ns=(1, 1))
    catalog.current()
    assert len(hashed) == 3
    (data / "verified.json").write_text("{ damaged")
    catalog.current()
    assert len(hashed) == 4
    file.write_bytes(MODEL[:-1] + b"\0")
    with pytest.raises(ModelError, match="damaged"):
        catalog.current()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "../x"}, "name"),
        ({"name": "Upper"}, "name"),
        ({"file": "../../etc/passwd"}, "plain file name"),
        ({"file": "/etc/passwd"}, "plain file name"),
        ({"file": ".."}, "plain file name"),
        ({"sha256": "abc"}, "sha256"),
        ({"size_bytes": "1"}, "size_bytes"),
        ({"size_bytes": True}, "size_bytes"),
        ({"prompt": "alpaca"}, "prompt"),
        ({"licence": None}, "licence"),
        ({"data_licences": ["x"]}, "data_licences"),
        ({"figures": {"a": "b"}}, "a is not"),
        ({"source": 3}, "source"),
    ],
)
def test_an_entry_that_makes_no_sense(
    tmp_path: Path, data: Path, changes: dict[str, Any], problem: str
) -> None:
    manifest = ship(tmp_path / "models", entry() | changes)
    with pytest.raises(ModelError, match=rf"manifest\.json: not a manifest.*{problem}"):
        Catalog(manifest, data).list()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "3", '{"version": 1}', '{"version": 1, "models": [3]}', "\xff"]
)
def test_a_manifest_that_is_none(catalog: Catalog, data: Path, text: str) -> None:
    data.mkdir()
    (data / "manifest.json").write_text(text, encoding="latin-1")
    with pytest.raises(ModelError, match="not a manifest of models"):
        catalog.current()


def test_manifests_of_a_newer_version_or_with_doubles(tmp_path: Path, data: Path) -> None:
    with pytest.raises(ModelError, match="newer Sidelong"):
        Catalog(ship(tmp_path / "models", version=2), data).list()
    with pytest.raises(ModelError, match="two models"):
        Catalog(ship(tmp_path / "models", entry(), entry()), data).list()


def test_where_the_shipped_models_are_looked_for(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = ship(tmp_path / "chosen")
    monkeypatch.setenv("SIDELONG_MODELS", str(chosen.parent))
    assert find_shipped_manifest(data) == chosen
    monkeypatch.setenv("SIDELONG_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match="SIDELONG_MODELS"):
        find_shipped_manifest(data)
    monkeypatch.delenv("SIDELONG_MODELS")
    package = tmp_path / "site" / "device" / "language" / "catalog.py"
    monkeypatch.setattr(catalog_module, "__file__", str(package))
    assert find_shipped_manifest(data) == data / "models" / "manifest.json"
    (tmp_path / "site").mkdir()
    beside = ship(tmp_path / "site" / "models")
    assert find_shipped_manifest(data) == beside
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert default_data_dir().name == "sidelong"
    assert Catalog.default().list() == ()


# Pull


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
    ("source", "path"),
    [
        ("some-one/tiny.GGUF/m.gguf", "/some-one/tiny.GGUF/resolve/main/m.gguf"),
        ("o/r:m.gguf", "/o/r/resolve/main/m.gguf"),
        ("o/r/sub dir/m.gguf", "/o/r/resolve/main/sub%20dir/m.gguf"),
        ("o/r@v1.0/m.gguf", "/o/r/resolve/v1.0/m.gguf"),
        ("o/r@v1/sub/m.gguf", "/o/r/resolve/v1/sub/m.gguf"),
        ("o/r@refs/pr/1:m.gguf", "/o/r/resolve/refs%2Fpr%2F1/m.gguf"),
        ("o/r:m.gguf@refs/pr/1", "/o/r/resolve/refs%2Fpr%2F1/m.gguf"),
    ],
)
def test_hub_ids(monkeypatch: pytest.MonkeyPatch, source: str, path: str) -> None:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    assert resolve(source).url == "https://huggingface.co" + path
    assert resolve(source).source == source
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror:81/hub/")
    assert resolve(source).url == "http://mirror:81/hub" + path


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


def test_a_url_that_http_refuses(catalog: Catalog) -> None:
    with pytest.raises(ModelError, match="not a usable URL"):
        catalog.pull("http://h ost/x.gguf", name="x")


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


def test_lost_notes_of_a_part_start_anew(catalog: Catalog, server: Server, data: Path) -> None:
    source = cut_off(catalog, server, data)
    (data / "pulled" / "m.gguf.part.json").write_text('{"url": 3}')
    assert catalog.pull(source).sha256 == sha256(MODEL)
    assert server.ranges() == [None, None]


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
            return download._Redirects().redirect_request(
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


def test_a_manifest_that_cannot_be_written_stays_whole(
    catalog: Catalog, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.use("other")
    before = (data / "manifest.json").read_bytes()

    def fail(_: Path, target: Path) -> Path:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        with pytest.raises(ModelError, match="can't be written"):
            catalog.use("shipped")
    assert (data / "manifest.json").read_bytes() == before
    assert sorted(f.name for f in data.iterdir() if f.suffix == ".json") == [
        "manifest.json",
        "verified.json",
    ]


def test_two_pulls_at_once(catalog: Catalog, server: Server, data: Path) -> None:
    (data / "pulled").mkdir(parents=True)
    with (data / "pulled" / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ModelError, match="another `sidelong model pull` is running"):
            catalog.pull(f"{server.url}/m.gguf")


# What a GGUF says of itself


def test_header(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(gguf(version=2, general__file_type=15, split__count=1))
    header = read_header(file)
    assert (header.architecture, header.kind, header.context_length) == ("llama", "model", 2048)
    assert (header.quantization, header.has_chat_template) == ("Q4_K_M", True)
    file.write_bytes(gguf(general__name="a\x1b[2Jb\n" + "c" * 999))
    assert read_header(file).name == "a[2Jb" + "c" * 193
    file.write_bytes(gguf(general__file_type=999))
    assert read_header(file).quantization == "unknown"
    file.write_bytes(gguf(general__file_type=None))
    assert read_header(file).quantization == "unknown"
    with pytest.raises(ModelError, match="can't be read"):
        read_header(tmp_path / "none.gguf")


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


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damaged_header_brings_the_reader_down(data: st.DataObject) -> None:
    content = bytearray(gguf(weights=0))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "m.gguf")
        file.write_bytes(content[: data.draw(st.integers(0, len(content)))])
        with suppress(ModelError):
            read_header(file)
