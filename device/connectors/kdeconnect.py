"""KDE Connect: what an Android phone's messengers show as notifications, and answers to them.

    connector = KdeConnect.open(kdeconnect_folder())
    async for arrival in connector.arrivals():
        ...keep it...
        await connector.acknowledge(arrival)
    await connector.close()

The phone is on the same network and was paired (`kdeconnect_pairing`). It shows what it shows: no
history, group names as the messenger writes them, and an answer only as long as it shows the
notification. It never says whether an answer was sent: what tells is that the notification changes
or goes. Among the commands that a phone may have a computer run stand the three things that a
wearer may be doing, and nothing else.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Collection, Coroutine
from pathlib import Path
from typing import Any, Self, get_args

from device.connectors.connector import Able, Arrival, Receipt
from device.connectors.kdeconnect_account import Account
from device.connectors.kdeconnect_journal import STATE, Journal
from device.connectors.kdeconnect_lan import PORT, Lan
from device.connectors.kdeconnect_link import Link
from device.connectors.kdeconnect_news import News, Shown
from device.connectors.kdeconnect_notifications import notification_of
from device.connectors.kdeconnect_packets import (
    COMMAND,
    COMMANDS,
    NOTIFICATION,
    PAIR,
    REPLY,
    REQUEST,
    Packet,
)
from device.errors import ConnectorError
from device.messages import Thread
from device.settings import Activity

log = logging.getLogger(__name__)

QUEUE = 1000
"""Arrivals that wait; a phone that brings more is not read on."""
SIGN_SECONDS = 10.0
"""How long the phone has to show that an answer was taken."""
GONE = (
    "the phone doesn't show this conversation any more, and only what it shows can be answered; "
    "answer on the phone, or wait for the next message"
)
USED = (
    "a notification takes one answer, and this one had it; the next message of the conversation "
    "brings a new one"
)
OFFERED: dict[str, Activity] = {a: a for a in get_args(Activity)}
"""What the phone shows under "Run command". Nothing is run by it."""
COMMAND_LIST = json.dumps({key: {"name": f"I am {a}", "command": a} for key, a in OFFERED.items()})
NO_PHONE = "the phone isn't connected; have it in the same network, with KDE Connect running"


class KdeConnect:
    """The `Connector` of the paired phones.

    A phone that comes back is taken up again by itself.
    """

    def __init__(
        self,
        account: Account,
        journal: Journal,
        apps: Collection[str] = (),
        me: str = "me",
        host: str = "",
        port: int = PORT,
    ):
        """`apps`: whose notifications are messages, by their names on the phone; without any, all
        that can be answered. `host` and `port` as for `Lan`."""
        self._account = account
        self._journal = journal
        self._me = me
        self._news = News(journal, apps, me)
        self._lan = Lan(account, False, self._is_seeking, host=host, port=port)
        self._links: dict[str, Link] = {}
        self._arrived: asyncio.Queue[Arrival | None] = asyncio.Queue(QUEUE)
        self._activities: asyncio.Queue[Activity] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._signs: dict[tuple[Link, str], asyncio.Future[None]] = {}
        self._sent: dict[str, Receipt] = {}
        self._error: BaseException | None = None

    @classmethod
    def open(cls, folder: Path, apps: Collection[str] = (), me: str = "me") -> Self:
        """With the phones kept in `folder`. Opens no connection yet.

        Raises `ConnectorError` where none is paired, or another program talks to them.
        """
        if not folder.exists() or not (account := Account(folder)).phones:
            raise ConnectorError("no phone is paired; `sidelong kdeconnect pair` does it")
        return cls(account, Journal(folder / STATE), apps, me)

    @property
    def able(self) -> Able:
        """Sending, while the phone shows the notification."""
        return Able(
            frozenset({"send"}),
            {
                "redact": "KDE Connect can't take back an answer; do it on the phone",
                "history": "KDE Connect sees only what the phone shows as notifications",
                "receipts": "KDE Connect can't tell others what you have read",
            },
        )

    @property
    def me(self) -> str:
        """Nobody else is ever called so in an `Arrival`."""
        return self._me

    async def arrivals(self) -> AsyncIterator[Arrival]:
        """What comes in, until `close`. Raises `ConnectorError` where phones can't connect."""
        await self._lan.start()
        self._spawn(self._follow())
        while (arrival := await self._arrived.get()) is not None:
            yield arrival
        if self._error is not None:
            raise ConnectorError(f"KDE Connect: {self._error}") from self._error

    async def activities(self) -> AsyncIterator[Activity]:
        """What the wearer says on the phone to be doing."""
        while True:
            yield await self._activities.get()

    async def acknowledge(self, arrival: Arrival) -> None:
        """`arrival` is on the wearer's disk and need not come again."""
        assert arrival.message.id
        self._news.acknowledge(arrival.message.id)

    async def send(self, conversation: str, text: str, key: str) -> Receipt:
        """Answer the notification that shows `conversation`.

        Raises `ConnectorError` where nothing was sent: the phone isn't connected, or shows it no
        more, or took an answer to it already. Raises `TimeoutError` or `OSError` where it may have
        been sent: the connection broke, or the phone gave no sign.
        """
        if key in self._sent:
            return self._sent[key]
        shown, link = self._answerable(conversation)
        reply, shown.reply = shown.reply, ""  # for one answer, however that ends
        shown.own = text
        sign = self._signs[link, conversation] = asyncio.get_running_loop().create_future()
        try:
            await link.send(REPLY, requestReplyId=reply, message=text)
            async with asyncio.timeout(SIGN_SECONDS):
                await sign
        finally:
            del self._signs[link, conversation]
            if (still := self._news.of(conversation)) is not None:
                still.own = ""
        return self._sent.setdefault(key, Receipt(conversation, f"sent-{key}"))

    async def redact(self, receipt: Receipt) -> None:
        """Always raises `ConnectorError`."""
        raise ConnectorError(self.able.why_not["redact"])

    async def mark_read(self, conversation: str, message_id: str) -> None:
        """Always raises `ConnectorError`."""
        raise ConnectorError(self.able.why_not["receipts"])

    async def threads(self) -> tuple[Thread, ...]:
        """None: there is no history."""
        return ()

    async def close(self) -> None:
        """Let everything go. May be called twice."""
        links = tuple(self._links.values())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(link.closed() for link in links))
        await self._lan.close()
        self._journal.close()
        self._end()

    def _answerable(self, conversation: str) -> tuple[Shown, Link]:
        shown = self._news.of(conversation)
        if shown is None:
            raise ConnectorError(GONE if self._links else NO_PHONE)
        link = self._links.get(shown.device)
        if link is None or not link.is_open:
            raise ConnectorError(NO_PHONE)
        if not shown.reply:
            offered = shown.notification.reply
            raise ConnectorError(USED if offered else "the phone offers no answer to this message")
        return shown, link

    def _is_seeking(self) -> bool:
        return any(phone.device not in self._links for phone in self._account.phones)

    async def _follow(self) -> None:
        async for link in self._lan.links():
            device = link.identity.device
            if (phone := self._account.phone(device)) is None:  # it has ended the pairing since
                link.close()
                continue
            if (before := self._links.pop(device, None)) is not None:
                before.close()
            self._links[device] = link
            self._account.seen(phone, link.identity, link.address)
            self._spawn(self._serve(link))

    async def _serve(self, link: Link) -> None:
        """One phone, until it is gone."""
        device = link.identity.device
        self._news.disconnected(device)
        log.info("phone connected")
        try:
            await link.send(REQUEST, request=True)
            async for packet in link.packets():
                await self._handle(link, packet)
        except (OSError, TimeoutError):
            pass
        finally:
            link.close()
            if self._links.get(device) is link:
                del self._links[device]
                self._news.disconnected(device)
                self._lan.seek()
                log.info("phone gone")

    async def _handle(self, link: Link, packet: Packet) -> None:
        device = link.identity.device
        if packet.type == PAIR:
            await self._pair(link, packet)
        elif packet.type == NOTIFICATION and packet.says("isCancel"):
            gone = self._news.cancel(device, packet.text("id"))
            if gone is not None:
                self._sign(link, gone.conversation)
        elif packet.type == NOTIFICATION and (notification := notification_of(packet)):
            arrivals = self._news.take(device, notification)
            shown = self._news.of(notification.conversation(device))
            if shown is not None and not (arrivals and shown.own):
                self._sign(link, shown.conversation)
            for arrival in arrivals:
                await self._arrived.put(arrival)
        elif packet.type == COMMAND and packet.says("requestCommandList"):
            await link.send(COMMANDS, commandList=COMMAND_LIST, canAddCommand=False)
        elif packet.type == COMMAND and (activity := OFFERED.get(packet.text("key"))):
            self._activities.put_nowait(activity)

    async def _pair(self, link: Link, packet: Packet) -> None:
        """A paired phone that ends it, or wants it anew. The latter takes the wearer's own act."""
        if packet.says("pair"):
            log.warning("a paired phone asks to pair again: sidelong kdeconnect pair")
            await link.send(PAIR, pair=False)
        else:
            log.warning("the phone ended the pairing")
            self._account.remove(link.identity.device)
            link.close()

    def _sign(self, link: Link, conversation: str) -> None:
        """The phone showed that it took an answer, if one went to it by this very connection: in
        another one it tells anew what it shows, taken or not."""
        sign = self._signs.get((link, conversation))
        if sign is not None and not sign.done():
            sign.set_result(None)

    def _end(self) -> None:
        """End the arrivals. What still waits is not acknowledged: it comes again."""
        while self._arrived.full():
            self._arrived.get_nowait()
        self._arrived.put_nowait(None)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                self._error = self._error or error
                self._end()

        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(ended)
