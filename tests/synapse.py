"""A real Synapse on loopback: SQLite in a temporary folder, no federation, no key server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import util
from pathlib import Path

SECRET = "only on loopback, only for this run"
OWN = Path(__file__).parents[1] / "build" / "synapse"
"""Where `make matrix-test` installs it."""
START_SECONDS = 240


def synapse_python() -> str | None:
    """A Python that has Synapse, if there is one."""
    if (OWN / ".installed").exists():
        return str(OWN / "bin" / "python")
    return sys.executable if util.find_spec("synapse") else None


@dataclass(frozen=True)
class Homeserver:
    url: str

    def register(self, name: str, password: str = "correct horse") -> str:
        """A new user; their Matrix id."""
        nonce = self._call("GET", {})["nonce"]
        parts = (nonce, name, password, "notadmin")
        mac = hmac.new(SECRET.encode(), "\0".join(parts).encode(), hashlib.sha1).hexdigest()
        user = {"nonce": nonce, "username": name, "password": password, "mac": mac}
        return str(self._call("POST", {**user, "displayname": name.title()})["user_id"])

    def _call(self, method: str, body: dict[str, str]) -> dict[str, str]:
        url = f"{self.url}/_synapse/admin/v1/register"
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(url, data, method=method)
        with urllib.request.urlopen(request) as response:
            return dict(json.load(response))


@contextmanager
def running(folder: Path, python: str) -> Iterator[Homeserver]:
    """Start Synapse, wait until it answers, stop it at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "homeserver.yaml"
    plenty = {"per_second": 10_000, "burst_count": 10_000}
    config.write_text(
        json.dumps(  # which is YAML too
            {
                "server_name": "localhost",
                "listeners": [
                    {
                        "port": port,
                        "bind_addresses": ["127.0.0.1"],
                        "type": "http",
                        "resources": [{"names": ["client"]}],
                    }
                ],
                "database": {"name": "sqlite3", "args": {"database": str(folder / "synapse.db")}},
                "signing_key_path": str(folder / "signing.key"),
                "media_store_path": str(folder / "media"),
                "pid_file": str(folder / "synapse.pid"),
                "registration_shared_secret": SECRET,
                "macaroon_secret_key": SECRET,
                "form_secret": SECRET,
                "trusted_key_servers": [],
                "federation_domain_whitelist": [],
                "report_stats": False,
                "presence": {"enabled": False},
                "bcrypt_rounds": 4,
                "rc_message": plenty,
                "rc_login": {"address": plenty, "account": plenty, "failed_attempts": plenty},
                "rc_joins": {"local": plenty, "remote": plenty},
                "rc_invites": {"per_room": plenty, "per_user": plenty, "per_issuer": plenty},
            }
        )
    )
    seed = base64.b64encode(os.urandom(32)).decode().rstrip("=")
    (folder / "signing.key").write_text(f"ed25519 a_test {seed}\n")
    command = [python, "-m", "synapse.app.homeserver", "-c", str(config)]
    # Compiled once and kept: Synapse has so many modules that compiling them takes a minute.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with (folder / "synapse.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment)
    try:
        server = Homeserver(f"http://127.0.0.1:{port}")
        _wait(server, process, folder / "synapse.log")
        yield server
    finally:
        process.terminate()
        process.wait(30)


def _wait(server: Homeserver, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(START_SECONDS * 4):
        try:
            urllib.request.urlopen(f"{server.url}/_matrix/client/versions").close()
            return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.25)
    raise RuntimeError(f"Synapse did not start: {log.read_text()[-2000:]}")
