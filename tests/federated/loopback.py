"""A whole federation on loopback: SuperLink, gate, devices with inboxes of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("flwr", reason="flwr is in the extra `federated`")

from federated.deploy import gate
from federated.deploy.host import Fleet
from federated.flower import environment, running
from federated.settings import ROOT
from tests.federated.conftest import TINY
from tests.federated.personal import alike, chat, keep

PATIENCE = 900.0
"""Seconds against hanging; what takes ten on an idle machine takes minutes on a busy one."""


def until(holds: Callable[[], object], what: str, every: float = 0.3) -> None:
    """Wait for it; fails where it never comes."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"not within {PATIENCE:g} s: {what}"
        time.sleep(every)


class Recorder:
    """Stands before the gate and keeps what comes in: (path, body) of each request."""

    def __init__(self, served: object):
        self._served = served
        self.seen: list[tuple[str, bytes]] = []

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        body = bytearray()

        async def tapped():  # type: ignore[no-untyped-def]
            message = await receive()
            body.extend(message.get("body", b""))
            if message["type"] == "http.request" and not message.get("more_body"):
                self.seen.append((scope["path"], bytes(body)))
            return message

        await self._served(scope, tapped, send)  # type: ignore[operator]


class Device:
    """A wearer's machine: folders, inbox, key; `join` runs as the wearer would type it."""

    def __init__(self, folder: Path, name: str, friend: str, ca: Path, port: int):
        self.folder = folder / name
        self.folder.mkdir()
        self.texts = alike(40, seed=len(name))
        self._ca, self._port = ca, port
        self.env = os.environ | {
            f"XDG_{kind}_HOME": str(self.folder / kind.lower())
            for kind in ("DATA", "CONFIG", "CACHE", "STATE")
        }
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_DATA_HOME", self.env["XDG_DATA_HOME"])
            (self.folder / "data/sidelong").mkdir(parents=True)
            keep(chat(self.texts, name=friend))
        self.key = self.folder / "device.pub"
        self.key.write_text(self.sidelong("federate", "key").stdout)
        self.process: subprocess.Popen[str] | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data/sidelong/federation"

    def sidelong(self, *args: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).parent / "sidelong"), *args]
        return subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=PATIENCE
        )

    def joining(self) -> list[str]:
        return ["federate", "join", f"127.0.0.1:{self._port}", "--ca", str(self._ca),
                "--model", str(TINY / "tiny.gguf")]  # fmt: skip

    def join(self) -> None:
        command = [str(Path(sys.executable).parent / "sidelong"), *self.joining()]
        with (self.folder / "join.log").open("a") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.env, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        """As a battery does: everything at once, with no goodbye."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@contextlib.contextmanager
def recorded_gate(fleet: Fleet) -> Iterator[Recorder]:
    """The gate in this process, with everything that comes in kept."""
    superlink = f"127.0.0.1:{fleet.inner}"
    recorder = Recorder(gate.app(superlink, fleet.folder / "ca.pem"))
    server = gate.server(fleet.host, fleet.port, superlink, fleet.folder, served=recorder)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started, "the gate is up")
    try:
        yield recorder
    finally:
        server.should_exit = True
        thread.join(20)


@contextlib.contextmanager
def superlink(fleet: Fleet) -> Iterator[subprocess.Popen[bytes]]:
    """The SuperLink alone."""
    log = fleet.folder / "superlink.log"
    with running(fleet.superlink(), fleet.env, log, fleet.inner) as process:
        yield process


def start_run(fleet: Fleet, *settings: str) -> subprocess.Popen[str]:
    """`python -m federated.deploy run`, as the operator types it."""
    command = [sys.executable, "-m", "federated.deploy", "run", str(fleet.folder)]
    usual = [f"gguf={TINY / 'tiny.gguf'}", "users=2", "layers=1", "rank=4", "steps=4",
             "min_clients=1"]  # fmt: skip
    for pair in [*usual, *settings]:
        command += ["--set", pair]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment(fleet.folder / "flwr"), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
