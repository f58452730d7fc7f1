"""sidelong matrix: log in to a Matrix server, verify devices, log out."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from importlib import util
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from device.commands.common import report, yes
from device.connectors.matrix_account import (
    ACCOUNT,
    Account,
    check_new_login,
    forget_account,
    load_account,
    matrix_folder,
)
from device.displays.terminal import Screen
from device.errors import ConnectorError, SidelongError
from device.text import neutralise

if TYPE_CHECKING:
    from device.connectors.matrix_session import Session


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    login = actions.add_parser("login", help="log in; the password is asked for")
    login.add_argument("user", metavar="ID", help="your Matrix id, like @anna:example.org")
    login.add_argument("--server", metavar="URL", help="default: what the id's domain says")
    login.add_argument(
        "--token", action="store_true", help="ask for an access token instead of a password"
    )
    login.add_argument(
        "--only-verified",
        action="store_true",
        help="send encrypted messages to verified devices only (default: also to those that a "
        "person had when you first wrote to them)",
    )
    verify = actions.add_parser("verify", help="compare emoji with another device")
    verify.add_argument(
        "user", nargs="?", metavar="ID", help="whose (default: wait for one to ask)"
    )
    verify.add_argument("device", nargs="?", metavar="DEVICE", help="`devices ID` lists them")
    devices = actions.add_parser("devices", help="this device's fingerprint, or somebody's devices")
    devices.add_argument("user", nargs="?", metavar="ID")
    trust = actions.add_parser("trust", help="trust a device by the fingerprint its owner gave you")
    trust.add_argument("user", metavar="ID")
    trust.add_argument("device", metavar="DEVICE")
    trust.add_argument(
        "fingerprint", nargs="+", metavar="FINGERPRINT", help="as shown there; spaces don't matter"
    )
    actions.add_parser("logout", help="end the login and remove its keys from this machine")


def run(args: argparse.Namespace) -> int:
    """0. Raises `ConnectorError`."""
    if util.find_spec("nio") is None or util.find_spec("vodozemac") is None:
        raise ConnectorError("Matrix needs a further package: pip install 'sidelong[matrix]'")
    if args.action == "login":
        asyncio.run(_login(args))
    elif args.action == "logout":
        asyncio.run(_logout())
    else:
        from device.connectors.matrix_client import UNREACHABLE, why

        account = load_account(matrix_folder())
        try:
            asyncio.run(_with_session(account, args))
        except UNREACHABLE as error:
            raise ConnectorError(f"{account.homeserver} can't be reached: {why(error)}") from error
    return 0


async def _login(args: argparse.Namespace) -> None:
    from device.connectors.matrix_session import log_in

    check_new_login(matrix_folder(), args.user, args.server)
    what = "Access token" if args.token else f"Password of {neutralise(args.user)}"
    account = await log_in(
        matrix_folder(),
        args.user,
        _secret(what),
        server=args.server,
        by_token=args.token,
        only_verified=args.only_verified,
    )
    print(f"Logged in as {account.user}, device {account.device}. Messages from now on are news.")
    print("`sidelong matrix verify` lets your other devices trust this one.")


def _secret(what: str) -> str:
    """Asked for on the terminal, or the first line of what is piped in. Never an argument, which
    other programs of the machine can read."""
    try:
        secret = getpass.getpass(f"{what}: ") if sys.stdin.isatty() else input()
    except EOFError:
        secret = ""
    if not secret:
        raise SidelongError("nothing was typed in; nothing was done")
    return secret


async def _logout() -> None:
    from device.connectors.matrix_session import log_out

    folder = matrix_folder()
    try:
        account = load_account(folder)
    except ConnectorError:
        if not (folder / ACCOUNT).exists():
            raise
        forget_account(folder)
        print("The broken login was removed. Its device may still stand in your account:")
        print("end that session in another Matrix program.")
        return
    problem = await log_out(account, folder)
    print(f"{account.user} is logged out, and its keys are removed from this machine.")
    if problem:
        report(
            f"the server did not end the login: {problem}; "
            f"end the session {account.device} in another Matrix program"
        )


async def _with_session(account: Account, args: argparse.Namespace) -> None:
    from device.connectors.matrix_session import Session
    from device.connectors.matrix_trust import trust

    session = Session(account, matrix_folder())
    try:
        if args.action == "devices":
            await _devices(session, args.user)
        elif args.action == "verify":
            await _verify(session, args.user, args.device)
        else:
            await trust(session.client, args.user, args.device, "".join(args.fingerprint))
            print(f"{neutralise(args.user)}'s {neutralise(args.device)} is trusted.")
    finally:
        await session.close()


async def _devices(session: Session, user: str | None) -> None:
    from device.connectors.matrix_trust import known_devices, spaced

    client, account = session.client, session.account
    if user is None:
        print(f"{account.user}, device {account.device}")
        print(spaced(client.olm.account.identity_keys["ed25519"]))
        return
    devices = await known_devices(client, user)
    if not devices:
        print(f"{neutralise(user)} has no device that encrypts.")
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("device", "name", "trusted", "fingerprint"):
        table.add_column(column)
    for device in devices:
        state = "verified" if device.verified else "on first use" if device.ignored else "no"
        name = neutralise(device.display_name or "")
        table.add_row(*map(Text, (neutralise(device.id), name, state, spaced(device.ed25519))))
    Screen().print(table)


async def _verify(session: Session, user: str | None, device: str | None) -> None:
    from device.connectors.matrix_verify import Verifier

    if not sys.stdin.isatty():
        raise SidelongError("comparing emoji takes a person at a terminal; nothing was verified")
    verifier = Verifier(session, _Terminal())
    if user is not None and device is None:
        await _devices(session, user)
        raise SidelongError(f"say which: sidelong matrix verify {user} DEVICE")
    if user is None or device is None:
        print(f"This is {session.account.user}, device {session.account.device}.")
        print("Waiting for another device to ask (Ctrl-C ends it). There, open this session in the")
        print("list of sessions and choose to verify it.")
        found = await verifier.wait()
    else:
        print(f"Asking {neutralise(user)}'s {neutralise(device)}; take it up there.")
        found = await verifier.ask(user, device)
    print(f"{neutralise(found.user_id)}'s {neutralise(found.id)} is verified.")


class _Terminal:
    """The wearer at the keyboard."""

    async def takes_up(self, device: Any) -> bool:
        name = neutralise(f"{device.user_id}'s {device.id} ({device.display_name or 'no name'})")
        return await yes(f"{name} wants to verify this device. Take it up? [y/N] ")

    async def sees_same(self, emoji: list[tuple[str, str]]) -> bool:
        print()
        for sign, name in emoji:
            print(f"    {sign}  {name}")
        print()
        return await yes("Does the other screen show the same seven, in this order? [y/N] ")
