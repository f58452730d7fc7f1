"""sidelong kdeconnect: pair with an Android phone, list the paired phones, forget one."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import sys
from contextlib import closing
from importlib import util
from typing import TYPE_CHECKING

from device.commands.common import report, yes
from device.errors import ConnectorError, SidelongError

if TYPE_CHECKING:
    from device.connectors.kdeconnect_account import Account
    from device.connectors.kdeconnect_packets import Identity


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    pair = actions.add_parser("pair", help="wait for phones on the network, and pair with one")
    pair.add_argument(
        "--address",
        type=address,
        metavar="IP",
        help="the phone's address, where the network keeps broadcasts from it",
    )
    actions.add_parser("phones", help="list the paired phones")
    forget = actions.add_parser("forget", help="trust a phone no longer")
    forget.add_argument("phone", metavar="PHONE", help="its name or its id; `phones` shows them")


def run(args: argparse.Namespace) -> int:
    """0. Raises `ConnectorError`."""
    check_installed()
    from device.connectors.kdeconnect_account import Account, kdeconnect_folder

    account = Account(kdeconnect_folder())
    if args.action == "pair":
        if not sys.stdin.isatty():
            raise SidelongError("comparing keys takes a person at a terminal; nothing was paired")
        asyncio.run(_pair(account, args.address))
    elif args.action == "forget":
        _forget(account, args.phone)
    elif account.phones:
        for phone in account.phones:
            print(f'"{phone.name}", {phone.device}, last at {phone.address}')
    else:
        print("No phone is paired; `sidelong kdeconnect pair` does it.")
    return 0


def check_installed() -> None:
    """Raises `ConnectorError` where the extra's packages are missing."""
    if util.find_spec("cryptography") is None or util.find_spec("zeroconf") is None:
        raise ConnectorError(
            "KDE Connect needs further packages: pip install 'sidelong[kdeconnect]'"
        )


def address(text: str) -> str:
    """argparse type: an IPv4 address."""
    return str(ipaddress.IPv4Address(text))


def _forget(account: Account, named: str) -> None:
    from device.connectors.kdeconnect_journal import STATE, Journal

    found = [phone for phone in account.phones if named in (phone.device, phone.name)]
    if len(found) != 1:
        many = "several phones are" if found else "no phone is"
        raise ConnectorError(
            f"{many} called {named!r}; `sidelong kdeconnect phones` lists their ids"
        )
    with closing(Journal(account.folder / STATE)):  # no other Sidelong goes on trusting it
        account.remove(found[0].device)
    print(f'"{found[0].name}" is not trusted any more. Unpair "Sidelong" on the phone too.')


async def _pair(account: Account, where: str | None) -> None:
    """Until one is paired."""
    from device.connectors.kdeconnect_journal import STATE, Journal
    from device.connectors.kdeconnect_lan import Lan
    from device.connectors.kdeconnect_pairing import pair

    busy = False
    declined: set[str] = set()
    journal = Journal(account.folder / STATE)  # so that no other Sidelong answers the phone too
    lan = Lan(account, True, lambda: not busy, [where] if where else [])
    try:
        await lan.start()
        print("Waiting for phones; Ctrl-C ends it. On the phone, open KDE Connect in the same")
        print('network, and if it doesn\'t show up here, choose "Sidelong" there.')
        async for link in lan.links():
            busy = True
            try:
                device = link.identity.device
                if account.phone(device) is None and device not in declined:
                    phone = await pair(link, account, _Terminal())
                    if phone is not None:
                        print(f'Paired with "{phone.name}". `sidelong run --connector kdeconnect`')
                        print(
                            "shows its messages. On the phone, KDE Connect must be allowed to read"
                        )
                        print("notifications.")
                        return
                    declined.add(device)
            except ConnectorError as error:
                report(error)
            finally:
                await link.closed()
                busy = False
    finally:
        await lan.close()
        journal.close()


class _Terminal:
    """The wearer at the keyboard."""

    async def wants(self, device: Identity) -> bool:
        return await yes(f"{_named(device)} is here. Pair with it? [y/N] ")

    async def shown(self, device: Identity, key: str) -> None:
        print(f"\n    {key}\n")
        print(f"{_named(device)} asks whether to pair. Accept there only if it shows this key.")

    async def sees_same(self, device: Identity, key: str) -> bool:
        print(f"\n    {key}\n")
        return await yes(f"Does the screen of {_named(device)} show this key? [y/N] ")


def _named(device: Identity) -> str:
    return f'"{device.name}" ({device.type})'
