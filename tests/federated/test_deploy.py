"""Certificates and keys, the gate's one path, and what a device accepts of a server."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flwr", reason="flwr is in the extra `federated`")

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_public_key,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from device.cli import main
from device.errors import SidelongError
from device.language.load import Model
from federated import privacy
from federated.deploy import certificates, gate, host
from federated.deploy.__main__ import main as operate
from federated.deploy.limits import Limits, agreed, own_noise
from federated.deploy.membership import folder_of_this_device, join_with, membership
from federated.flower import RunFailed, free_port, listens, running
from federated.settings import LEARNING, ROOT, Settings

linux = pytest.mark.skipif(sys.platform != "linux", reason="all of 127.0.0.0/8 is Linux's loopback")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    certificates.make_ca(tmp_path)
    certificates.make_server_certificate(tmp_path, ["fleet.example.org"])
    return tmp_path


def test_secrets_are_the_operators_alone(folder: Path) -> None:
    for name in ("ca.key", "server.key"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def test_a_ca_is_never_replaced(folder: Path) -> None:
    with pytest.raises(FileExistsError):
        certificates.make_ca(folder)


def test_rotation_keeps_names_and_ca(folder: Path) -> None:
    before, ca = (folder / "server.pem").read_bytes(), (folder / "ca.pem").read_bytes()
    (folder / "server.key.new").write_bytes(b"of a rotation that was broken off")
    certificates.make_server_certificate(folder, certificates.server_names(folder))
    assert (folder / "server.pem").read_bytes() != before
    assert (folder / "ca.pem").read_bytes() == ca
    assert certificates.server_names(folder) == ["fleet.example.org"]


def test_a_federation_on_loopback_alone_is_rotated_too(tmp_path: Path) -> None:
    certificates.make_ca(tmp_path)
    certificates.make_server_certificate(tmp_path, ["127.0.0.1"])
    before = (tmp_path / "server.pem").read_bytes()
    certificates.make_server_certificate(tmp_path, certificates.server_names(tmp_path))
    assert (tmp_path / "server.pem").read_bytes() != before


def test_rotation_without_the_cas_own_key_is_refused(folder: Path) -> None:
    """Devices would refuse a certificate that another key has signed."""
    before = (folder / "server.pem").read_bytes()
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    (folder / "ca.key").rename(elsewhere / "ca.key")
    with pytest.raises(ValueError, match=r"ca\.key is not there; put it back"):
        certificates.make_server_certificate(folder, ["fleet.example.org"])
    key = load_pem_private_key((elsewhere / "ca.key").read_bytes(), None)
    hidden = BestAvailableEncryption(b"secret")
    (folder / "ca.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden))
    with pytest.raises(ValueError, match="without a passphrase"):
        certificates.make_server_certificate(folder, ["fleet.example.org"])
    (folder / "ca.key").unlink()
    (elsewhere / "ca.key").unlink()
    certificates.make_ca(elsewhere)
    (elsewhere / "ca.key").rename(folder / "ca.key")
    with pytest.raises(ValueError, match=r"is not the key of .*ca\.pem"):
        certificates.make_server_certificate(folder, ["fleet.example.org"])
    assert (folder / "server.pem").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "address", "port", "why"),
    [
        ("fleet.exämple", "0.0.0.0", 9443, "fleet.exämple: no host name"),
        ("fleet.example.org:9443", "0.0.0.0", 9443, "fleet.example.org:9443: no host name"),
        ("fleet.example.org", "fleet", 9443, "'fleet' does not appear to be an IPv4"),
        ("fleet.example.org", "0.0.0.0", 99_999, "port 99999"),
    ],
)
def test_nothing_is_set_up_by_halves(
    tmp_path: Path, name: str, address: str, port: int, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        host.set_up(tmp_path / "f", [name], address, port)
    assert not (tmp_path / "f").exists()


def test_a_key_that_is_not_there_is_named(tmp_path: Path) -> None:
    fleet = host.set_up(tmp_path / "f", ["localhost"], "127.0.0.1", 9443)
    with pytest.raises(RunFailed, match=r"anna\.pub: no such file"):
        host.register(fleet, tmp_path / "anna.pub", None)


@linux
def test_the_gate_is_looked_for_where_it_listens(tmp_path: Path) -> None:
    """Not on 127.0.0.1 where it was told another address."""
    port = free_port()
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.2", str(port)]
    with running(command, dict(os.environ), tmp_path / "log", port, "127.0.0.2"):
        assert listens(port, "127.0.0.2")
        assert not listens(port)


@pytest.mark.parametrize("more", [{"deployed": False}, {"method": "local-only"}])
def test_what_no_device_answers_is_not_run(tmp_path: Path, more: dict[str, Any]) -> None:
    fleet = host.set_up(tmp_path / "f", ["localhost"], "127.0.0.1", 9443)
    with pytest.raises(ValueError, match="for simulations alone"):
        host.run(fleet, dataclasses.replace(Settings(deployed=True), **more))


def test_a_devices_key_is_what_flower_takes(tmp_path: Path) -> None:
    said = certificates.make_device_key(tmp_path / "key")
    public = load_ssh_public_key(said.encode())
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert public.curve.name == "secp384r1"
    assert certificates.public_half(tmp_path / "key") == said
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


@pytest.fixture
def behind(folder: Path) -> Iterator[tuple[httpx.Client, list[str]]]:
    """(a client of the gate, what has reached the SuperLink behind it)."""
    reached: list[str] = []

    async def superlink(request: Request) -> Response:
        reached.append(request.url.path)
        echoed = {"x-told": request.headers.get("x-signature", ""), "connection": "close"}
        return Response(await request.body(), 201, echoed)

    ports = free_port(), free_port()
    inner = Starlette(routes=[Route("/{path:path}", superlink, methods=["GET", "POST"])])
    address = f"127.0.0.1:{ports[0]}"
    servers = [
        gate.server("127.0.0.1", ports[0], address, folder, served=inner),
        gate.server("127.0.0.1", ports[1], address, folder),
    ]
    threads = [threading.Thread(target=server.run, daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 120
    while not all(server.started for server in servers):
        assert time.monotonic() < until
        time.sleep(0.05)
    trust = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    with httpx.Client(base_url=f"https://127.0.0.1:{ports[1]}", verify=trust) as client:
        yield client, reached
    for server, thread in zip(servers, threads, strict=True):
        server.should_exit = True
        thread.join(30)


@pytest.mark.filterwarnings("default")  # uvicorn's own
def test_the_gate_lets_the_fleet_path_through_and_nothing_else(
    behind: tuple[httpx.Client, list[str]],
) -> None:
    client, reached = behind
    answer = client.post(
        "/v1/fleet/pull-messages", content=b"\x00\x01", headers={"x-signature": "abc"}
    )
    assert (answer.status_code, answer.content) == (201, b"\x00\x01")
    assert answer.headers["x-told"] == "abc"
    assert reached == ["/v1/fleet/pull-messages"]
    for path in (
        "/v1/control/start-run", "/v1/runtime/acquire-task", "/v1/fleet/register-node",
        "/v1/fleet/unregister-node", "/v1/fleet/%2e%2e/control/start-run", "/docs", "/",
        "//v1/control/start-run", "/v1/fleet/pull-messages/../../control/start-run",
    ):  # fmt: skip
        assert client.post(path, content=b"").status_code == 404, path
    assert client.get("/v1/fleet/pull-messages").status_code == 405
    assert client.post("/v1/fleet/push-object", content=bytes(gate.LARGEST + 1)).status_code == 413
    assert reached == ["/v1/fleet/pull-messages"]


def told(**changes: object) -> dict[str, object]:
    return Settings(deployed=True).told() | changes


def test_a_device_is_told_no_path_of_the_servers() -> None:
    assert set(told()) == {name.replace("_", "-") for name in LEARNING}
    assert not {"data", "out", "gguf", "model", "faults"} & set(told())


def test_a_device_takes_the_servers_settings_in_its_own_folders() -> None:
    settings = agreed(told(rank=4), Limits(), out="/own", model="/own/base", gguf="/own/m.gguf")
    assert (settings.rank, settings.out, settings.deployed) == (4, "/own", True)


@pytest.mark.parametrize(
    "more",
    [{"clip": 9.0}, {"steps": 65}, {"texts": 1000}, {"rank": 64}, {"layers": 30},
     {"batch-tokens": 10_000}, {"faults": "norm:1"}, {"out": "/etc"}, {"clip": float("nan")}],
)  # fmt: skip
def test_what_a_server_must_not_ask(more: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"at most|told|out of range"):
        agreed(told(**more), Limits())


def test_a_server_can_not_talk_the_noise_away() -> None:
    limits = Limits(noise=0.5)
    enough = {"noise": 5.0, "noise-at": "client", "users": 100}
    settings = agreed(told(**enough), limits)
    assert own_noise(settings) == 0.5
    assert privacy.client_deviation(settings) == 0.5 * settings.clip
    for less in ({"users": 10_000}, {"noise-at": "server"}, {"noise": 0.0}):
        with pytest.raises(ValueError, match="at least"):
            agreed(told(**(enough | less)), limits)


def test_a_membership_is_kept_and_counts_what_left(tmp_path: Path) -> None:
    with pytest.raises(SidelongError, match="takes part in no federation"):
        membership()
    folder_of_this_device().mkdir(parents=True)
    mine = join_with(Model("m", tmp_path / "m.gguf", "ab" * 32), Limits(rounds=7))
    assert membership() == mine
    assert mine.sent() == 0
    mine.note(3, 20, 442_368)
    assert mine.sent() == 1
    (line,) = (mine.folder / "sent.jsonl").read_text().splitlines()
    assert {"round": 3, "tensors": 20, "bytes": 442_368}.items() <= json.loads(line).items()


def test_the_commands_say_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["federate", "status"]) == 2
    assert "takes part in no federation" in capsys.readouterr().err
    assert main(["federate", "join", "h:1", "--ca", "nowhere.pem"]) == 2
    assert "`sidelong federate key` makes one" in capsys.readouterr().err
    assert main(["federate", "key"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("ecdsa-sha2-nistp384 ")
    assert main(["federate", "key"]) == 0
    assert capsys.readouterr().out == said, "the same key"
    assert main(["federate", "key", "--new"]) == 0
    assert capsys.readouterr().out != said
    assert main(["federate", "join", "h:1", "--ca", "nowhere.pem"]) == 2
    assert "nowhere.pem: no such file" in capsys.readouterr().err
    assert main(["federate", "leave"]) == 0
    assert not folder_of_this_device().exists()


@pytest.mark.parametrize(
    "code",
    [
        "from device.cli import main\nraise SystemExit(main(['federate', 'key']))",
        "import runpy\nrunpy.run_module('federated.deploy', run_name='__main__')",
    ],
)
def test_without_cryptography_it_says_which_extra(code: str) -> None:
    code = f"import sys\nsys.modules['cryptography'] = None\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    assert "pip install 'sidelong[export,federated]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_fleet_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match="holds no federation"):
        host.fleet_of(tmp_path)


def test_a_set_up_fleet_is_found_again(tmp_path: Path) -> None:
    fleet = host.set_up(tmp_path / "f", ["localhost"], "127.0.0.1", 9443)
    assert host.fleet_of(tmp_path / "f") == fleet
    command = fleet.superlink()
    assert "--insecure" not in command
    assert "--enable-supernode-auth" in command
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert dataclasses.asdict(fleet)["port"] == 9443


def test_up_fails_when_one_of_its_processes_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    host.set_up(tmp_path, ["localhost"], "127.0.0.1", 9443)
    with (
        subprocess.Popen(["sleep", "60"]) as runs,
        subprocess.Popen(["true"]) as ended,
    ):
        monkeypatch.setattr(host, "up", lambda fleet: contextlib.nullcontext((runs, ended)))
        monkeypatch.setattr(sys, "argv", ["federated.deploy", "up", str(tmp_path)])
        handler = signal.getsignal(signal.SIGTERM)
        try:
            with pytest.raises(SystemExit) as left:
                operate()
        finally:
            signal.signal(signal.SIGTERM, handler)
            runs.kill()
    assert left.value.code == 2
    assert "SuperLink or gate has ended" in capsys.readouterr().err


def test_a_flower_that_loads_apps_in_another_way_is_not_run() -> None:
    from flwr.supernode.runtime import run_clientapp

    from federated.deploy.worker import keep_out, own_app

    names = dict(vars(run_clientapp))
    keep_out(names)
    assert names["get_load_client_app_fn"](default_app_ref="", app_path=None) is own_app
    assert names["install_from_fab"](b"the server's code", skip_prompt=True) is None
    used = run_clientapp.run_clientapp.__code__.co_names
    assert {"install_from_fab", "get_load_client_app_fn"} <= set(used), "by these names"
    with pytest.raises(RuntimeError, match="install_from_fab"):
        keep_out({"get_load_client_app_fn": None})
