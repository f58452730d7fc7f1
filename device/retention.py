"""Messages older than the wearer wants to keep leave the store, the model, and what it spilled."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Callable

from device.errors import StoreError
from device.inbox import Inbox

log = logging.getLogger(__name__)

EVERY = 6 * 3600.0
"""Seconds between two times that old messages are looked for."""


async def keep_only(days: int, inbox: Inbox, forget: Callable[[str], None]) -> None:
    """Until cancelled. `forget` is told of each conversation that lost messages."""
    while True:
        before = dt.date.today() - dt.timedelta(days=days)
        try:
            for thread_id in await asyncio.to_thread(inbox.expire, before):
                forget(thread_id)
        except StoreError:  # the disk is full, or another program busy: there is a next time
            log.exception("retention")
        await asyncio.sleep(EVERY)
