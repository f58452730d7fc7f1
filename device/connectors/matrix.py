"""Matrix: messages of encrypted and plain rooms, and through bridges of other services' chats.

    connector = MatrixConnector.open(matrix_folder())
    async for arrival in connector.arrivals():
        ...keep it...
        await connector.acknowledge(arrival)
    await connector.close()

What comes in: messages, the wearer's own among them, from whichever device; edits; redactions; and
a reaction to one of the wearer's own messages, as a message whose text is the emoji (it is an
answer; reactions to others are not passed on). A message without a key to it arrives as
`matrix_events.UNREADABLE` after a while, and as an edit of that once the key is there.
Invitations are not taken up: the wearer does so in a program that shows who invites.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any, Self

from nio.exceptions import EncryptionError, LocalProtocolError

from device.connectors.connector import Able, Arrival, Receipt
from device.connectors.matrix_account import Account, load_account
from device.connectors.matrix_client import UNREACHABLE, answered, persist
from device.connectors.matrix_news import KEY_SECONDS, News
from device.connectors.matrix_session import POLL_SECONDS, Session
from device.connectors.matrix_trust import share_key
from device.errors import ConnectorError
from device.messages import Thread

HISTORY = 20
"""Messages of a conversation in `threads`."""
CONNECT_SECONDS = 30.0
"""How long a send waits for the connection."""


class MatrixConnector:
    """The `Connector` of one Matrix account.

    A lost connection is taken up again by itself. `arrivals`, `send` and `threads` raise
    `ConnectorError` once the server has ended the login.
    """

    def __init__(self, account: Account, folder: Path):
        self._account = account
        self._session = Session(account, folder)
        self._client = self._session.client
        self._news = News(self._session)
        self._arrived: asyncio.Queue[Arrival | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._connected = asyncio.Event()
        self._sending = asyncio.Lock()

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The account kept in `folder`. Opens no connection yet.

        Raises `ConnectorError` where none is set up, or another program has it open.
        """
        return cls(load_account(folder), folder)

    @property
    def able(self) -> Able:
        """All of it; see `threads` for what history lacks."""
        return Able(frozenset({"send", "redact", "history", "receipts"}))

    @property
    def me(self) -> str:
        """The wearer's display name at login. Nobody else is ever called so in an `Arrival`."""
        return self._account.name

    async def arrivals(self) -> AsyncIterator[Arrival]:
        """What comes in, until `close`. Raises `ConnectorError` when the server ended the login."""
        self._start()
        while (arrival := await self._arrived.get()) is not None:
            yield arrival
        self._raise_if_ended()

    async def acknowledge(self, arrival: Arrival) -> None:
        """`arrival` is on the wearer's disk and need not come again."""
        assert arrival.message.id
        self._session.journal.acknowledge(arrival.message.id)

    async def send(
        self, conversation: str, text: str, key: str, reply_to: str | None = None
    ) -> Receipt:
        """Send `text`, as a reply to the message `reply_to` where that is given.

        `key` is the transaction id: a second send with it, also after a restart, is the same
        message. To an encrypted room only devices that `matrix_trust` admits can read it; where
        one stands in the way, or the room can't be encrypted to, nothing is sent, and never in
        plain text. Raises `ConnectorError` where it was not sent. Where the server gives no answer
        that isn't known, and it is asked with the same key again and again: whoever calls this
        says how long to wait. A server in trouble is left alone after a while, by `TimeoutError`.
        """
        room = await self._room(conversation)
        content: dict[str, Any] = {"msgtype": "m.text", "body": text}
        if reply_to is not None:
            content["m.relates_to"] = {"m.in_reply_to": {"event_id": reply_to}}
        async with self._sending:
            try:
                if room.encrypted:
                    await share_key(self._client, room, self._account.only_verified)
            except UNREACHABLE as error:
                raise ConnectorError("not sent: the Matrix server did not answer") from error
            send = partial(self._client.room_send, conversation, "m.room.message", content, key)
            try:
                response = await persist(send)
            except (EncryptionError, LocalProtocolError) as error:
                raise ConnectorError(f"not sent: it could not be encrypted: {error}") from error
        return Receipt(conversation, answered(response, "the message was not sent").event_id)

    async def redact(self, receipt: Receipt) -> None:
        """Take back what was sent; its readers may have seen it. Raises `ConnectorError`."""
        await self._room(receipt.conversation)
        try:
            response = await self._client.room_redact(
                receipt.conversation, receipt.message_id, tx_id=f"redact-{receipt.message_id}"
            )
        except UNREACHABLE as error:
            raise ConnectorError("the Matrix server did not answer; try again") from error
        answered(response, "the message was not taken back")

    async def mark_read(self, conversation: str, message_id: str) -> None:
        """Tell the room that the wearer has read this message and all before it; nothing else
        sends a read receipt. Raises `ConnectorError`."""
        await self._room(conversation)
        try:
            response = await self._client.room_read_markers(conversation, message_id, message_id)
        except UNREACHABLE as error:
            raise ConnectorError("the Matrix server did not answer; try again") from error
        answered(response, "the read receipt was not sent")

    async def threads(self) -> tuple[Thread, ...]:
        """The last `HISTORY` messages of each room before the arrivals, all as read.

        Encrypted ones from before this device logged in can't be read and are left out. Raises
        `ConnectorError`.
        """
        await self._connect()
        token = self._session.journal.token
        try:
            rooms = list(self._client.rooms.values())
            return tuple([await self._news.thread(room, token, HISTORY) for room in rooms])
        except UNREACHABLE as error:
            raise ConnectorError("the Matrix server did not answer; try again") from error

    async def close(self) -> None:
        """Let everything go. May be called twice."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._arrived.put_nowait(None)
        await self._session.close()

    def _start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._session.follow(self._take, self._connected.set))
            self._task.add_done_callback(lambda task: self._arrived.put_nowait(None))

    def _raise_if_ended(self) -> None:
        if self._task and self._task.done() and not self._task.cancelled():
            self._task.result()

    async def _connect(self) -> None:
        self._start()
        assert self._task
        connected = asyncio.create_task(self._connected.wait())
        await asyncio.wait(
            (connected, self._task), timeout=CONNECT_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        connected.cancel()
        self._raise_if_ended()
        if not self._connected.is_set():
            raise ConnectorError(f"{self._account.homeserver} can't be reached")

    async def _room(self, conversation: str) -> Any:
        await self._connect()
        if conversation not in self._client.rooms:
            raise ConnectorError(f"you are in no Matrix room {conversation}")
        return self._client.rooms[conversation]

    async def _take(self, response: Any, since: str) -> float:
        """Queue what one sync brought; the seconds after which to sync again at the latest."""
        arrivals, awaited = await self._news.take(response, since)
        self._session.journal.add_batch(response.next_batch, awaited)
        for arrival in arrivals:
            self._arrived.put_nowait(arrival)
        return KEY_SECONDS if self._news.waits else POLL_SECONDS
