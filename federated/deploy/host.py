"""The operator's machine: SuperLink on loopback, gate before it, one folder for all of it.

ca.key ca.pem           the federation's own CA; devices are given ca.pem, ca.key stays offline
server.key server.pem   the gate's and the SuperLink's certificate
fleet.json              host and ports
state.db                the SuperLink's database: devices, runs
run/                    checkpoint.npz, federated.gguf, rounds.json, run.log
*.log                   what the processes say
"""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from device.disk import write_atomically
from federated.deploy import certificates
from federated.flower import RunFailed, environment, flwr_json, free_port, run_app, running
from federated.settings import Settings
from federated.simulate import APP

NAME = "fleet"
"""What `flwr` calls the SuperLink."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """One federation on the operator's machine."""

    folder: Path
    host: str
    """Address that the gate listens on."""
    port: int
    """Of the gate."""
    inner: int
    """Port of loopback that the SuperLink listens on."""

    @property
    def env(self) -> dict[str, str]:
        """What Flower's programs see."""
        return environment(self.folder / "flwr")

    def superlink(self) -> list[str]:
        """The SuperLink's command: TLS, devices by their keys, loopback, a database."""
        own = self.folder
        return [
            "flower-superlink", "--host", "127.0.0.1", "--port", str(self.inner),
            "--ssl-ca-certfile", str(own / "ca.pem"), "--ssl-certfile", str(own / "server.pem"),
            "--ssl-keyfile", str(own / "server.key"), "--enable-supernode-auth",
            "--database", str(own / "state.db"), "--isolation", "subprocess",
            "--disable-runtime-dependency-installation",
        ]  # fmt: skip

    def gate(self) -> list[str]:
        """The gate's command."""
        return [
            sys.executable, "-m", "federated.deploy.gate", "--host", self.host,
            "--port", str(self.port), "--superlink", f"127.0.0.1:{self.inner}",
            "--folder", str(self.folder),
        ]  # fmt: skip


def set_up(folder: Path, names: list[str], host: str, port: int) -> Fleet:
    """Make the folder, its CA and the server's certificate.

    Raises `ValueError` for a name, an address or a port that is none, before anything is written;
    `FileExistsError` where there is a federation already, and `OSError`.
    """
    certificates.general_names(names)
    ipaddress.ip_address(host)
    if not 0 < port < 2**16:
        raise ValueError(f"port {port}: 1 to 65535")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificates.make_ca(folder)
    certificates.make_server_certificate(folder, names)
    fleet = Fleet(folder.resolve(), host, port, free_port())
    told = asdict(fleet)
    del told["folder"]
    write_atomically(folder / "fleet.json", json.dumps(told, indent=1) + "\n")
    home = folder / "flwr"
    home.mkdir()
    (home / "config.toml").write_text(
        f'[superlink]\ndefault = "{NAME}"\n\n[superlink.{NAME}]\n'
        f'address = "127.0.0.1:{fleet.inner}"\n'
        f"root-certificates = {json.dumps(str(fleet.folder / 'ca.pem'))}\n"
    )
    return fleet


def fleet_of(folder: Path) -> Fleet:
    """The federation in that folder. Raises `RunFailed` where there is none."""
    try:
        told = json.loads((folder / "fleet.json").read_text(encoding="utf-8"))
        return Fleet(folder.resolve(), str(told["host"]), int(told["port"]), int(told["inner"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunFailed(
            f"{folder} holds no federation ({error}); python -m federated.deploy init makes one"
        ) from error


@contextmanager
def up(fleet: Fleet) -> Iterator[tuple[subprocess.Popen[bytes], ...]]:
    """SuperLink and gate, as long as the block runs. Raises `RunFailed` where one doesn't start."""
    with (
        running(fleet.superlink(), fleet.env, fleet.folder / "superlink.log", fleet.inner) as link,
        running(fleet.gate(), fleet.env, fleet.folder / "gate.log", fleet.port, fleet.host) as gate,
    ):
        yield link, gate


def register(fleet: Fleet, key: Path, name: str | None) -> int:
    """Let the device with this public key take part; returns its number. Raises `RunFailed`."""
    if not key.is_file():
        raise RunFailed(f"{key}: no such file; it should hold what `sidelong federate key` printed")
    more = () if name is None else ("--name", name)
    return int(flwr_json(fleet.env, "supernode", "register", str(key), *more)["node-id"])


def revoke(fleet: Fleet, node: int) -> None:
    """Shut a device out from now on. Raises `RunFailed`."""
    flwr_json(fleet.env, "supernode", "unregister", str(node))


def devices(fleet: Fleet) -> list[dict[str, Any]]:
    """Registered devices, as Flower tells them. Raises `RunFailed`."""
    found: list[dict[str, Any]] = flwr_json(fleet.env, "supernode", "list")["nodes"]
    return found


def run(fleet: Fleet, settings: Settings) -> dict[str, Any]:
    """One run with the devices; its rounds. Raises `RunFailed` where it did not complete, and
    `ValueError` for what no device answers."""
    if not settings.deployed or settings.method == "local-only":
        raise ValueError("deployed = False and method = 'local-only' are for simulations alone")
    run_app(fleet.env, APP, settings)
    rounds = json.loads((settings.path("out") / "rounds.json").read_text(encoding="utf-8"))
    return {"rounds": len(rounds), "taken": [r["taken"] for r in rounds]}
