"""Phones that make themselves known by mDNS, for networks that carry it and no broadcasts.

KDE Connect's devices announce `_kdeconnect._udp`, each under its id. Sidelong only listens: it
tells a phone it knows, or is to be paired with, where to connect.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from zeroconf import IPVersion, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

log = logging.getLogger(__name__)

SERVICE = "_kdeconnect._udp.local."
RESOLVE_MS = 3000.0


class Mdns:
    """Tells `found` the id and an IPv4 address of each device that announces itself."""

    def __init__(self, found: Callable[[str, str], None]):
        self._found = found
        self._tasks: set[asyncio.Task[None]] = set()
        self._zeroconf: AsyncZeroconf | None = None
        self._browser: AsyncServiceBrowser | None = None

    def start(self) -> None:
        """Listen from now on. Without a network that carries mDNS there is nothing to hear."""
        try:
            self._zeroconf = AsyncZeroconf(ip_version=IPVersion.V4Only)
        except OSError:
            log.warning("phones can't be found by mDNS: no network, or its port is taken")
            return
        self._browser = AsyncServiceBrowser(
            self._zeroconf.zeroconf, SERVICE, handlers=[self._changed]
        )

    async def close(self) -> None:
        """Listen no longer. May be called twice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._browser is not None:
            await self._browser.async_cancel()
        if self._zeroconf is not None:
            await self._zeroconf.async_close()
        self._browser = self._zeroconf = None

    def _changed(
        self,
        zeroconf: Zeroconf,
        service_type: str,
        name: str,
        state_change: ServiceStateChange,
        **_: Any,
    ) -> None:
        if state_change is not ServiceStateChange.Removed:
            task = asyncio.ensure_future(self._resolve(zeroconf, name))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _resolve(self, zeroconf: Zeroconf, name: str) -> None:
        info = AsyncServiceInfo(SERVICE, name)
        if await info.async_request(zeroconf, RESOLVE_MS):
            for address in info.parsed_addresses(IPVersion.V4Only):
                self._found(name.removesuffix(f".{SERVICE}"), address)
