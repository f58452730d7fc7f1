"""One open connection to a Matrix server: login, sync after sync, and what keeps the keys going."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from nio import SyncError

from device.connectors.matrix_account import (
    STATE,
    Account,
    check_new_login,
    checked_server,
    forget_account,
    save_account,
)
from device.connectors.matrix_client import (
    UNREACHABLE,
    Client,
    answered,
    bare_client,
    client_for,
    pause,
    why,
)
from device.connectors.matrix_journal import Journal
from device.errors import ConnectorError

POLL_SECONDS = 30.0
"""How long the server may keep a sync waiting for news."""

_FILTER: dict[str, Any] = {
    "presence": {"types": []},
    "account_data": {"types": []},
    "room": {
        "timeline": {"limit": 50},
        "ephemeral": {"types": []},
        "account_data": {"types": []},
    },
}


class Session:
    """An account at work. One at a time: raises `ConnectorError` where another program has it."""

    def __init__(self, account: Account, folder: Path):
        self.account = account
        self.journal = Journal(folder / STATE)
        try:
            self.client: Client = client_for(account, folder)
        except ConnectorError:
            self.journal.close()
            raise
        self._full = True

    async def sync(self, since: str | None, seconds: float) -> Any:
        """One sync from `since`, waiting up to `seconds` for news; then what the keys need.

        None while the server can't be reached. Raises `ConnectorError` when it ended the login.
        """
        try:
            response = await self.client.sync(
                timeout=0 if self._full else int(seconds * 1000),
                sync_filter=_FILTER,
                since=since,
                full_state=self._full,  # nio keeps no rooms between runs
                set_presence="offline",  # glasses that listen are no wearer at the keyboard
            )
            if isinstance(response, SyncError):
                if response.status_code in ("M_UNKNOWN_TOKEN", "M_MISSING_TOKEN"):
                    answered(response, "sync")
                return None
            self._full = False
            await self._keep_keys()
        except UNREACHABLE:
            return None
        return response

    async def follow(
        self, handle: Callable[[Any, str], Awaitable[float]], connected: Callable[[], None]
    ) -> None:
        """Sync for ever. `handle` gets each response with the token before it, and says after how
        many seconds it wants to be called again at the latest; `connected` is called after each.
        Raises `ConnectorError` when the server ended the login.

        The first sync ever only fixes where news begins: what was said before it is history.
        """
        since, failures, seconds = self.journal.token, 0, POLL_SECONDS
        while True:
            response = await self.sync(since, seconds)
            if response is None:
                await pause(failures)
                failures += 1
                continue
            failures = 0
            if since is None:
                self.journal.add_batch(response.next_batch, set())
            else:
                seconds = await handle(response, since)
            since = response.next_batch
            connected()

    async def _keep_keys(self) -> None:
        client = self.client
        if client.should_upload_keys:
            await client.keys_upload()
        if client.should_query_keys:
            await client.keys_query()
        if client.should_claim_keys:
            await client.keys_claim(client.get_users_for_key_claiming())
        await client.send_to_device_messages()

    async def close(self) -> None:
        """Let the connection and the files go. May be called twice."""
        await self.client.close()
        if self.client.store and not self.client.store.database.is_closed():
            self.client.store.database.close()
        self.journal.close()


async def log_in(
    folder: Path,
    user: str,
    secret: str,
    *,
    server: str | None = None,
    by_token: bool = False,
    only_verified: bool = False,
) -> Account:
    """Log in with a password, or take up an access token, and keep the login in `folder`.

    `user` is "@anna:example.org"; without `server` its domain is asked where its server is. What
    arrives from now on is news. Raises `ConnectorError`.
    """
    check_new_login(folder, user, server)
    server = checked_server(server or await _find_server(user))
    client = bare_client(server, user)
    try:
        if by_token:
            client.access_token = secret
            answer = answered(await client.whoami(), "the access token")
        else:
            answer = answered(await client.login(secret, device_name="Sidelong"), "login")
        if answer.user_id != user:
            raise ConnectorError(f"that is a login of {answer.user_id}, not of {user}")
        if not answer.device_id:
            raise ConnectorError("that access token has no device, so it can't encrypt")
        profile = await client.get_displayname(user)
    except UNREACHABLE as error:
        raise ConnectorError(f"{server} can't be reached: {why(error)}") from error
    finally:
        await client.close()
    account = Account(
        homeserver=server,
        user=answer.user_id,
        device=answer.device_id,
        token=client.access_token,
        name=getattr(profile, "displayname", None) or user[1:].partition(":")[0],
        pickle_key=secrets.token_urlsafe(32),
        only_verified=only_verified,
    )
    save_account(folder, account)
    try:
        await _begin(account, folder)
    except ConnectorError:
        if by_token:
            forget_account(folder)
        else:
            await log_out(account, folder)
        raise
    return account


async def log_out(account: Account, folder: Path) -> str | None:
    """End the login on the server and forget it here; what the server said against it, if anything.

    Everything in `folder` is removed either way. Raises `ConnectorError` while another program has
    the account open.
    """
    Journal(folder / STATE).close()  # raises where it is in use
    client = bare_client(account.homeserver, account.user)
    client.access_token = account.token
    try:
        answered(await client.logout(), "logout")
        problem = None
    except ConnectorError as error:
        problem = str(error)
    except UNREACHABLE as error:
        problem = why(error)
    finally:
        await client.close()
    forget_account(folder)
    return problem


async def _find_server(user: str) -> str:
    """The homeserver of a Matrix id: what its domain says at /.well-known/matrix/client."""
    domain = f"https://{user.partition(':')[2]}"
    client = bare_client(domain, user)
    try:
        response = await client.discovery_info()
        return str(getattr(response, "homeserver_url", domain))
    except UNREACHABLE as error:
        raise ConnectorError(f"{domain} can't be reached; say where with --server") from error
    finally:
        await client.close()


async def _begin(account: Account, folder: Path) -> None:
    """Publish this device's keys and fix where news begins."""
    session = Session(account, folder)
    try:
        client = session.client
        client.olm.users_for_key_query.add(account.user)
        published = answered(await client.keys_query(), "this device's keys").device_keys
        keys = published.get(account.user, {}).get(account.device, {}).get("keys", {})
        ours = client.olm.account.identity_keys["ed25519"]
        if keys.get(f"ed25519:{account.device}", ours) != ours:
            raise ConnectorError(
                f"the access token is that of {account.device}, where another program encrypts; "
                "log in with the password, or with a token of a login of its own"
            )
        response = await session.sync(None, 0)
        if response is None:
            raise ConnectorError(f"{account.homeserver} gave no answer; try again")
        session.journal.add_batch(response.next_batch, set())
    except UNREACHABLE as error:
        raise ConnectorError(f"{account.homeserver} can't be reached: {why(error)}") from error
    finally:
        await session.close()
