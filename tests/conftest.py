"""Every test has a wearer's folders of its own, and no network beyond this machine."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from hypothesis import settings

import device  # noqa: F401 - before ONNX Runtime, whose telemetry it switches off

# A busy machine is slow, which is no failure.
settings.register_profile("sidelong", deadline=None)
settings.load_profile("sidelong")


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wearer's data, settings and caches lie in the test's folder."""
    for name in ("DATA", "CONFIG", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / f"xdg-{name.lower()}"))


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any socket raises."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
