"""nio's client, guarded: nothing that a stranger sends can stop it, and no text gets into logs."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
from nio import AsyncClient, AsyncClientConfig, ErrorResponse, SyncResponse
from nio.events import Event, ToDeviceEvent
from nio.store import SqliteStore

from device.connectors.matrix_account import KEYS, Account
from device.disk import private_file
from device.errors import ConnectorError

# nio's warnings quote the events that it can't read, and so people's words.
logging.getLogger("nio").setLevel(logging.CRITICAL)
log = logging.getLogger(__name__)

UNREACHABLE = (aiohttp.ClientError, TimeoutError, OSError)
"""What a request raises when the server can't be reached, or is itself in trouble."""
RETRY_SECONDS = (1, 2, 5, 15, 60)
"""Pauses while the server can't be reached; the last one over and over."""
VERIFICATION = "m.key.verification."

_TRIES = {"max_limit_exceeded": 5, "max_timeouts": 2, "request_timeout": 30}


class Client(AsyncClient):  # type: ignore[misc] # nio is untyped
    """`AsyncClient` with a sieve before it and a guard around each event.

    nio lets through what the specification rules out, and one exception ends a whole sync. So an
    event that isn't formed like one is left out of the JSON, and one that nio stumbles over is
    passed over. Verification goes to `on_verification` instead of nio (`matrix_sas` says why).
    """

    on_verification: Callable[[dict[str, Any]], None] | None = None

    async def parse_body(self, transport_response: Any) -> dict[Any, Any]:
        body = await super().parse_body(transport_response)
        return _sieved(body) if isinstance(body, dict) else {}

    async def create_matrix_response(
        self,
        response_class: type,
        transport_response: Any,
        data: Any = None,
        save_to: Any = None,
    ) -> Any:
        if transport_response.status >= 500:
            # Whether it did what was asked is not known; as little as when it gives no answer.
            transport_response.raise_for_status()
        response = await super().create_matrix_response(
            response_class, transport_response, data, save_to
        )
        if transport_response.status == 429 and not getattr(response, "retry_after_ms", None):
            # Since v1.10 of the specification the wait stands in the header.
            seconds = transport_response.headers.get("Retry-After", "")
            response.retry_after_ms = 1000 * int(seconds) if seconds.isdecimal() else None
        return response

    async def receive_response(self, response: Any) -> None:
        if isinstance(response, SyncResponse):
            rest = []
            for event in filter(None, response.to_device_events):
                source = getattr(event, "source", {})
                if not str(source.get("type")).startswith(VERIFICATION):
                    rest.append(event)
                elif self.on_verification:
                    self.on_verification(source)
            response.to_device_events = rest
        await super().receive_response(response)

    def _handle_decrypt_to_device(self, to_device_event: Any) -> Any:
        return _guarded(super()._handle_decrypt_to_device, to_device_event)

    def _handle_timeline_event(self, *args: Any) -> Any:
        return _guarded(super()._handle_timeline_event, *args)


def client_for(account: Account, folder: Path) -> Client:
    """A client logged in as `account`, its keys in `folder`. Opens no connection yet.

    Raises `ConnectorError` where the keys can't be read.
    """
    private_file(folder / KEYS)
    config = AsyncClientConfig(
        store=SqliteStore, store_name=KEYS, pickle_key=account.pickle_key, **_TRIES
    )
    client = Client(
        account.homeserver, account.user, account.device, store_path=str(folder), config=config
    )
    try:
        client.restore_login(account.user, account.device, account.token)
    except Exception as error:  # SQLite's, peewee's or vodozemac's, by what is broken
        raise ConnectorError(
            f"{folder / KEYS}: the keys can't be read: {error}; "
            "`sidelong matrix logout`, then log in again"
        ) from error
    return client


def bare_client(homeserver: str, user: str = "") -> Client:
    """A client that isn't logged in and keeps nothing."""
    return Client(homeserver, user, config=AsyncClientConfig(encryption_enabled=False, **_TRIES))


def answered(response: Any, what: str) -> Any:
    """`response`, or a `ConnectorError` that says what the server refused."""
    if not isinstance(response, ErrorResponse):
        return response
    if response.status_code in ("M_UNKNOWN_TOKEN", "M_MISSING_TOKEN"):
        raise ConnectorError(
            "the Matrix server has ended this login; `sidelong matrix logout`, then log in again"
        )
    raise ConnectorError(f"{what}: the Matrix server says {response.message!r}")


async def persist(ask: Callable[[], Awaitable[Any]]) -> Any:
    """The server's answer, however long it can't be reached.

    Raises `TimeoutError` where it was reached and in trouble as often as there are `RETRY_SECONDS`.
    """
    failures = troubles = 0
    while True:
        try:
            return await ask()
        except UNREACHABLE as error:
            troubles += isinstance(error, aiohttp.ClientResponseError)
            if troubles > len(RETRY_SECONDS):
                raise TimeoutError("the Matrix server is in trouble") from error
            await pause(failures)
            failures += 1


def why(error: Exception) -> str:
    """What stands behind one of `UNREACHABLE`, in a few words."""
    if isinstance(error, aiohttp.ClientResponseError):
        return f"it answers {error.status}"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate doesn't hold: {error.certificate_error}"
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number > 0:  # those of name look-ups are below
        return os.strerror(number)
    return getattr(error, "strerror", None) or "no answer"


async def pause(failures: int) -> None:
    """Wait before the next try, after so many that failed before this one."""
    await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])


def _guarded(handle: Callable[..., Any], *args: Any) -> Any:
    """What `handle` returns; None where it raises, since that is a stranger's doing."""
    try:
        return handle(*args)
    except Exception as error:
        log.warning("an event was passed over: %s", type(error).__name__)
        return None


def _sieved(body: dict[str, Any]) -> dict[str, Any]:
    """A response's JSON without the events that nio can't take.

    Concerns /sync ("rooms", "to_device") and /messages ("chunk"); others come back as they are.
    """
    if isinstance(chunk := body.get("chunk"), list):
        body["chunk"] = [event for event in chunk if _well_formed(event)]
    if isinstance(box := body.get("to_device"), dict) and isinstance(box.get("events"), list):
        box["events"] = [e for e in box["events"] if _parses(ToDeviceEvent, e)]
    rooms = body.get("rooms")
    for room in rooms.get("join", {}).values() if isinstance(rooms, dict) else ():
        for part in ("timeline", "state"):
            if isinstance(box := room.get(part), dict) and isinstance(box.get("events"), list):
                box["events"] = [event for event in box["events"] if _well_formed(event)]
    return body


def _well_formed(event: object) -> bool:
    return (
        isinstance(event, dict)
        and all(isinstance(event.get(key), str) for key in ("event_id", "sender", "type"))
        and isinstance(event.get("unsigned", {}), dict)
        and isinstance(event.get("content"), dict)
        and _parses(Event, event)
    )


def _parses(kind: Any, event: object) -> bool:
    """Whether nio can make an event object of it."""
    try:
        kind.parse_event(event)
    except Exception:
        return False
    return True
