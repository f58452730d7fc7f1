"""Verifying a device over the network: `matrix_sas` on a session, the wearer asked in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from nio.event_builders import ToDeviceMessage

from device.connectors.matrix_client import VERIFICATION, answered, pause
from device.connectors.matrix_sas import METHOD, REASONS, Out, Party, Verification
from device.connectors.matrix_session import Session
from device.connectors.matrix_trust import one_device
from device.errors import ConnectorError

PATIENCE_SECONDS = 600.0
"""As long as the specification lets a verification take."""


class Wearer(Protocol):
    """Who is asked."""

    async def takes_up(self, device: Any) -> bool:
        """Does the wearer want to be verified with this `OlmDevice`, which asked for it?"""

    async def sees_same(self, emoji: list[tuple[str, str]]) -> bool:
        """Do both screens show these?"""


class Verifier:
    """Runs one verification at a time. Incoming ones are only taken up while `wait` runs."""

    def __init__(self, session: Session, wearer: Wearer):
        self._session = session
        self._client = session.client
        self._wearer = wearer
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._client.on_verification = self._events.put_nowait

    async def ask(self, user: str, device: str) -> Any:
        """Ask that device for a verification and see it through; the `OlmDevice`, now trusted.

        Raises `ConnectorError` with the reason where it failed, and when nobody answers.
        """
        found = await one_device(self._client, user, device)
        verification, out = Verification.begin(self._me, _party(found))
        await self._send(verification, out)
        return await self._following(lambda: self._see_through(verification, found))

    async def wait(self) -> Any:
        """Wait until a device asks, and see that through; the `OlmDevice`, now trusted.

        One that the wearer doesn't take up is refused, and waiting goes on. Raises
        `ConnectorError`.
        """
        return await self._following(self._answer)

    async def _answer(self) -> Any:
        while True:
            event = await self._events.get()
            content, sender = event["content"], str(event["sender"])
            kind = event["type"].removeprefix(VERIFICATION)
            transaction = content.get("transaction_id")
            if kind not in ("request", "start") or not isinstance(transaction, str):
                continue
            try:
                found = await one_device(self._client, sender, str(content.get("from_device")))
            except ConnectorError:  # a device without keys can't be verified
                continue
            verification = Verification(self._me, _party(found), transaction)
            if kind == "start":  # an older program, which starts without a request
                out = verification.receive(kind, content)
            else:
                methods = content.get("methods")
                known = isinstance(methods, list) and METHOD in methods
                out = [] if known else verification.cancel("m.unknown_method")
            await self._send(verification, out)
            if verification.cancelled:
                continue
            if await self._wearer.takes_up(found):
                await self._send(verification, verification.agree())
                return await self._see_through(verification, found)
            await self._send(verification, verification.cancel())

    async def _see_through(self, verification: Verification, device: Any) -> Any:
        is_asked = False
        while not (verification.is_done or verification.cancelled):
            event = await self._events.get()
            content = event["content"]
            if (event["sender"], content.get("transaction_id")) != (
                verification.other.user,
                verification.transaction,
            ):
                continue
            kind = event["type"].removeprefix(VERIFICATION)
            await self._send(verification, verification.receive(kind, content))
            if verification.emoji and not is_asked and not verification.cancelled:
                is_asked = True
                same = await self._wearer.sees_same(verification.emoji)
                await self._send(
                    verification,
                    verification.confirm() if same else verification.cancel("m.mismatched_sas"),
                )
        if verification.cancelled:
            reason = REASONS.get(verification.cancelled, verification.cancelled)
            raise ConnectorError(f"{device.id} was not verified: {reason}")
        self._client.verify_device(device)
        return device

    async def _following(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """`work` while the session syncs. No message is taken from it: none counts as arrived."""
        syncing = asyncio.create_task(self._sync())
        working = asyncio.ensure_future(work())
        try:
            await asyncio.wait(
                (syncing, working),
                timeout=PATIENCE_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if working.done():
                return working.result()
            if syncing.done():
                syncing.result()
            raise ConnectorError(f"no device was verified: {REASONS['m.timeout']}")
        finally:
            for task in (syncing, working):
                task.cancel()
            await asyncio.gather(syncing, working, return_exceptions=True)

    async def _sync(self) -> None:
        since = self._session.journal.token
        while True:
            response = await self._session.sync(since, 10)
            if response is None:
                await pause(0)
            else:
                since = response.next_batch

    async def _send(self, verification: Verification, out: list[Out]) -> None:
        other = verification.other
        for kind, content in out:
            message = ToDeviceMessage(VERIFICATION + kind, other.user, other.device, content)
            answered(await self._client.to_device(message), "the verification")

    @property
    def _me(self) -> Party:
        account = self._session.account
        key = self._client.olm.account.identity_keys["ed25519"]
        return Party(account.user, account.device, key)


def _party(device: Any) -> Party:
    return Party(device.user_id, device.id, device.ed25519)
