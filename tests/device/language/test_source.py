"""A hub id or a URL, understood."""

from __future__ import annotations

import pytest

from device.language.source import resolve


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
