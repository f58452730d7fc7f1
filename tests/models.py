"""Small made-up models, manifests of them, and a server of them that can misbehave."""

from __future__ import annotations

import hashlib
import json
import random
import struct
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


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
    """In lower-case hex."""
    return hashlib.sha256(content).hexdigest()


MODEL = gguf()
OTHER = gguf(weights=300_001)


def entry(content: bytes = MODEL, name: str = "shipped", **changes: Any) -> dict[str, Any]:
    """A model as a manifest describes it."""
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
    """Write a shipped manifest into a folder; the models' files are the caller's to add."""
    folder.mkdir(exist_ok=True)
    manifest = {"version": 1, "default": "shipped", "models": entries, **changes}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder / "manifest.json"


def parts(data: Path) -> list[str]:
    """The names of what lies in a data folder's `pulled/`."""
    return sorted(f.name for f in (data / "pulled").iterdir() if f.name != ".lock")


@dataclass
class File:
    """What the server gives at one path, and how it misbehaves."""

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
    """Serves `files` by path and remembers each request's path and headers."""

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
