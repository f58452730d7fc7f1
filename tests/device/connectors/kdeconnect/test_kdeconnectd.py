"""Against Debian's kdeconnectd (protocol version 7), which shares no line with Sidelong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("OpenSSL", reason="the phone of the tests needs pyOpenSSL (extra dev)")
pytest.importorskip("zeroconf", reason="needs the extra kdeconnect")

ROOT = Path(__file__).parents[4]
NEEDS = ("unshare", "ip", "dbus-run-session", "gdbus")
# Two ends of a cable that lead nowhere. kdeconnectd doesn't talk to 127.0.0.1, and nobody outside
# may hear it.
NETWORK = """
ip link set lo up && ip link add t0 type veth peer name t1 &&
ip addr add 10.99.0.1/24 broadcast 10.99.0.255 dev t0 &&
ip link set t0 up && ip link set t1 up && ip route add default dev t0 || exit 77
exec "$@"
"""
OWN_NETWORK = ["unshare", "--map-root-user", "--net", "sh", "-c", NETWORK, "sh"]


def kdeconnectd() -> str:
    """Where it is. Skips where it, or what it needs, isn't installed."""
    found = next(iter(Path("/usr/lib").glob("*/libexec/kdeconnectd")), None)
    if found is None:
        pytest.skip("kdeconnectd isn't installed: apt install kdeconnect")
    if missing := [name for name in NEEDS if shutil.which(name) is None]:
        pytest.skip(f"kdeconnectd needs {', '.join(missing)} here")
    if subprocess.run([*OWN_NETWORK, "true"], capture_output=True).returncode:
        pytest.skip("this machine allows no network namespace")
    return str(found)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What `desktop.py` saw."""
    daemon, folder = kdeconnectd(), tmp_path_factory.mktemp("kdeconnectd")
    (folder / "run").mkdir(mode=0o700)
    environment = os.environ | {
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder / "run"),
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONPATH": str(ROOT),
    }
    desktop = [sys.executable, "-m", "tests.device.connectors.kdeconnect.desktop"]
    with (folder / "log").open("wb") as log:
        done = subprocess.run(
            [*OWN_NETWORK, "dbus-run-session", *desktop, daemon, str(folder)],
            stdout=log,
            stderr=log,
            env=environment,
            cwd=ROOT,
            timeout=600,
        )
    assert done.returncode == 0, (folder / "log").read_text()[-3000:]
    return json.loads((folder / "seen.json").read_text())


def same(keys: list[str]) -> bool:
    """Whether both show one key. kdeconnectd's D-Bus tells the whole hash; its windows show the
    first eight characters in capitals."""
    ours, theirs = keys
    return len(ours) == 8 and theirs[:8].upper() == ours


def test_both_sides_show_one_key_when_sidelong_asks(seen: Any) -> None:
    assert same(seen["sidelong asks"])
    assert seen["trusted"] == "(true,)"


def test_the_desktop_shows_what_the_wearer_may_be_doing_and_says_it(seen: Any) -> None:
    assert seen["moved"] == "riding"
    assert seen["commands"]["seated"]["name"] == "I am seated"


def test_the_desktop_ends_the_pairing_and_asks_anew(seen: Any) -> None:
    assert seen["the desktop unpaired"] is True
    assert seen["desktop asks"] == [seen["sidelong asks"][0], "paired"]


def test_the_phone_of_our_tests_is_one_to_kdeconnectd(seen: Any) -> None:
    assert same(seen["phone asks"])
    assert "are you coming?" in seen["shown"]
    reply = seen["reply"]
    assert reply["type"] == "kdeconnect.notification.reply"
    assert reply["body"] == {"requestReplyId": reply["id"], "message": "yes, at seven"}
