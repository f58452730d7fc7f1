"""What leaves: an order to send -> the journal, the connector, the inbox; what is taken back; and
that something was read. The only caller of the connector's `send`, `redact` and `mark_read`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from device.connectors.connector import Connector, Receipt
from device.consent import NEWER, Redact, Send
from device.consent_events import Accepted, Refused
from device.errors import ConnectorError, StoreError
from device.happenings import TakenBack
from device.inbox import Inbox
from device.logs import about
from device.messages import Message
from device.outbox import Entry, Outbox

log = logging.getLogger(__name__)

ANSWER = 60.0
"""Seconds that a connector has for its answer."""
MAYBE = "No answer. It may have been sent: look before you send it again."


class Dispatch:
    """Carries out what consent orders, and nothing else."""

    def __init__(
        self, name: str, connector: Connector, inbox: Inbox, outbox: Outbox, receipts: bool
    ):
        """`name` is the connector's in inbox and outbox; `receipts`: the wearer wants others to
        know what was read."""
        self._name = name
        self._connector = connector
        self._inbox = inbox
        self._outbox = outbox
        self._receipts = receipts and not connector.able.lacks("receipts")

    def unsure(self) -> list[Entry]:
        """What an earlier run left under way; each is told once. Raises `StoreError`."""
        return self._outbox.unsure(self._name)

    async def send(self, order: Send, tell: Callable[[Accepted | Refused], None]) -> None:
        """Send it once, and tell how that ended. Raises `StoreError` where that can't be kept."""
        try:
            key = self._outbox.begin(self._name, order.conversation, order.last, order.text)
        except StoreError as error:  # not written down, so not sent
            tell(Refused(f"Not sent: {error}"))
            return
        if key is None:
            tell(Refused(NEWER))
            return
        try:
            async with asyncio.timeout(ANSWER):
                receipt = await self._connector.send(order.conversation, order.text, key)
        except ConnectorError as error:
            self._outbox.refused(key)
            log.warning("not sent", extra=about(order.conversation))
            tell(Refused(f"Not sent: {error}"))
            return
        except Exception:
            log.exception("send", extra=about(order.conversation))
            tell(Refused(MAYBE))
            return
        thread = self._inbox.thread(self._name, order.conversation, last=0)
        mine = Message(thread.me, order.text, receipt.time, receipt.date, receipt.message_id)
        # First the message, then the mark: cut off in between, the wearer is told of it once more.
        self._inbox.ingest(self._name, thread, [mine])
        self._inbox.mark_read(self._name, order.conversation, receipt.message_id)
        self._outbox.sent(key, receipt.message_id)
        log.info("sent", extra=about(order.conversation, order.text))
        tell(Accepted(receipt.message_id, self._connector.able.lacks("redact")))
        await self.read(order.conversation, order.last)

    async def read(self, conversation: str, message_id: str) -> None:
        """The wearer has read this message and all before it: tell the others, if that is wanted
        and possible. Where it fails it is only logged: the next one tells of this one too."""
        if not self._receipts:
            return
        try:
            async with asyncio.timeout(ANSWER):
                await self._connector.mark_read(conversation, message_id)
        except (ConnectorError, OSError):
            log.warning("no read receipt", extra=about(conversation))

    async def take_back(self, order: Redact, tell: Callable[[TakenBack], None]) -> None:
        """Take a sent message back, and tell how that ended. Raises `StoreError`."""
        try:
            async with asyncio.timeout(ANSWER):
                await self._connector.redact(Receipt(order.conversation, order.message_id))
        except (ConnectorError, TimeoutError) as error:
            why = f"It could not be taken back: {error or 'no answer'}"
            tell(TakenBack(order.conversation, why, done=False))
            return
        self._inbox.take_back(self._name, order.conversation, order.message_id)
        log.info("taken back", extra=about(order.conversation))
        tell(TakenBack(order.conversation, "Taken back."))
