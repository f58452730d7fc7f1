"""Sidelong, the phone of `phone.py` and Debian's kdeconnectd in one closed network; what was seen
is left in FOLDER/seen.json. `test_kdeconnectd` starts it in a network namespace, under a D-Bus
session of its own.

    python -m tests.device.connectors.kdeconnect.desktop KDECONNECTD FOLDER
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from device.connectors.kdeconnect import KdeConnect
from device.connectors.kdeconnect_account import Account
from device.connectors.kdeconnect_journal import STATE, Journal
from device.connectors.kdeconnect_lan import Lan
from device.connectors.kdeconnect_pairing import pair
from tests.device.connectors.kdeconnect.people import Wearer
from tests.device.connectors.kdeconnect.phone import Phone, said

ADDRESS = "10.99.0.1"
WAIT = 120.0
DESKTOP = "org.kde.kdeconnect"


def call(path: str, method: str, *args: str) -> str:
    """A D-Bus call to kdeconnectd, tried until it works."""
    command = ["gdbus", "call", "--session", "--dest", DESKTOP, "--object-path", path]
    until = time.monotonic() + WAIT
    while True:
        done = subprocess.run([*command, "--method", method, *args], capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.strip()
        if time.monotonic() > until:
            raise RuntimeError(f"{method}: {done.stderr}")
        time.sleep(0.2)


def started() -> None:
    """Wait for kdeconnectd. A call to it would have D-Bus start another one."""
    bus = ["gdbus", "call", "--session", "--dest", "org.freedesktop.DBus", "--object-path", "/"]
    asking = [*bus, "--method", "org.freedesktop.DBus.NameHasOwner", DESKTOP]
    while "true" not in subprocess.run(asking, capture_output=True, text=True).stdout:
        time.sleep(0.2)


def device(id: str, method: str, *args: str) -> str:
    return call(f"/modules/kdeconnect/devices/{id}", f"{DESKTOP}.device.{method}", *args)


def their_key(id: str) -> str:
    """The verification key that the desktop shows."""
    said = array(device(id, "verificationKey"))
    found = re.search(r"b'([^']+)'", said)
    return found[1] if found else said


def array(said: str) -> str:
    """The text in an array of bytes, or what was said as it is."""
    found = re.search(r"\[byte (0x[^\]]+)\]", said)
    return bytes(int(one, 16) for one in found[1].split(", ")).decode() if found else said


async def sidelong(folder: Path, seen: dict[str, Any]) -> None:
    """Pair by the desktop's consent, connect, lose the pairing, pair by the wearer's consent."""
    account = Account(folder)

    class AtTheDesk(Wearer):
        async def shown(self, device_: Any, key: str) -> None:
            seen["sidelong asks"] = [key, await asyncio.to_thread(their_key, account.device)]
            await asyncio.to_thread(device, account.device, "acceptPairing")

    async def paired(person: Wearer, seeks: bool = True) -> None:
        busy = False
        lan = Lan(account, True, lambda: not busy)
        await lan.start()
        try:
            async with asyncio.timeout(WAIT):
                async for link in lan.links():
                    busy = True  # as in `sidelong kdeconnect pair`
                    if not seeks:
                        asked = asyncio.to_thread(device, account.device, "requestPair")
                        _, phone = await asyncio.gather(asked, pair(link, account, person))
                    else:
                        phone = await pair(link, account, person)
                    await link.closed()
                    assert phone is not None
                    return
        finally:
            await lan.close()

    await paired(AtTheDesk())
    seen["trusted"] = device(account.device, "isTrusted")
    connector = KdeConnect(account, Journal(folder / STATE))
    listening = asyncio.ensure_future(anext(connector.arrivals()))
    async with asyncio.timeout(WAIT):
        while not connector._links:
            await asyncio.sleep(0.1)
    # The desktop's button, pressed until it has the list of commands.
    moved = asyncio.ensure_future(anext(connector.activities()))
    remote = f"/modules/kdeconnect/devices/{account.device}/remotecommands"
    async with asyncio.timeout(WAIT):
        while not moved.done():
            await asyncio.to_thread(
                call, remote, f"{DESKTOP}.device.remotecommands.triggerCommand", "riding"
            )
            await asyncio.wait([moved], timeout=0.5)
    seen["moved"] = await moved
    commands = call(
        remote, "org.freedesktop.DBus.Properties.Get",
        f"{DESKTOP}.device.remotecommands", "commands",
    )  # fmt: skip
    seen["commands"] = json.loads(array(commands))
    await asyncio.to_thread(device, account.device, "unpair")
    async with asyncio.timeout(WAIT):
        while account.phones:
            await asyncio.sleep(0.1)
    seen["the desktop unpaired"] = not account.phones
    await connector.close()
    await asyncio.gather(listening, return_exceptions=True)

    person = Wearer()
    person.never_wants = True  # the desktop asks
    await paired(person, seeks=False)
    seen["desktop asks"] = [person.keys[-1], "paired" if account.phones else "not paired"]


def phone(seen: dict[str, Any]) -> None:
    """The phone of the other tests, taken by kdeconnectd for one."""
    ben = Phone(version=7)
    for port in (1716, 1717):  # whichever Sidelong had left free
        with contextlib.suppress(OSError):
            ben.connect(ADDRESS, port)
            break
    now = int(time.time())
    ben.send("kdeconnect.pair", pair=True, timestamp=now)
    while "true" not in device(ben.device, "hasPairingRequests"):
        time.sleep(0.1)
    seen["phone asks"] = [ben.verification_key(now), their_key(ben.device)]
    device(ben.device, "acceptPairing")
    while ben.receive()["type"] != "kdeconnect.pair":
        pass
    lines = said(("Ben", "hi"), ("Ben", "are you coming?"))
    ben.post("0|whatsapp|1", title="Ben", text="are you coming?", conversation=lines,
             ticker="Ben: are you coming?")  # fmt: skip
    path = f"/modules/kdeconnect/devices/{ben.device}/notifications"
    plugin = f"{DESKTOP}.device.notifications"
    while not (found := re.findall(r"'(\d+)'", call(path, f"{plugin}.activeNotifications"))):
        time.sleep(0.1)
    seen["shown"] = call(
        f"{path}/{found[0]}",
        "org.freedesktop.DBus.Properties.Get",
        f"{plugin}.notification",
        "text",
    )
    [reply] = ben.replies
    call(path, f"{plugin}.sendReply", reply, "yes, at seven")
    while not ben.answers:
        packet = ben.serve()
    seen["reply"] = {"type": packet["type"], "body": packet["body"], "id": reply}
    ben.close()


async def main(kdeconnectd: str, folder: Path) -> None:
    seen: dict[str, Any] = {}
    with (folder / "kdeconnectd.log").open("wb") as log:
        desktop = subprocess.Popen([kdeconnectd], stdout=log, stderr=log)
        try:
            await asyncio.to_thread(started)
            await sidelong(folder / "sidelong", seen)
            await asyncio.to_thread(phone, seen)
        finally:
            (folder / "seen.json").write_text(json.dumps(seen))
            desktop.terminate()
            desktop.wait(30)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
