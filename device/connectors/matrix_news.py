"""What a sync brought -> arrivals: gaps filled, keys awaited, claims of edits checked."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from nio.api import MessageDirection
from nio.events import MegolmEvent
from nio.exceptions import LocalProtocolError

from device.connectors.connector import Arrival
from device.connectors.matrix_client import UNREACHABLE, answered, persist
from device.connectors.matrix_events import Said, read_event
from device.connectors.matrix_session import Session
from device.messages import Message, Thread

KEY_SECONDS = 10.0
"""How long a message waits for its key before it is shown as unreadable."""
HELD = 500
"""Messages whose key is still looked for; the oldest of more is given up."""
AUTHORS = 20_000
"""Messages whose author is remembered, so that an edit needs no question to the server."""
PAGE = 100
"""Events asked for at once where a sync left some out."""


@dataclass(slots=True)
class _Held:
    """A message without a key."""

    event: Any
    room: str
    until: float
    """When it is shown as unreadable, on the monotonic clock."""
    is_shown: bool = False


class News:
    """Makes arrivals of one session's syncs."""

    def __init__(self, session: Session):
        self._session = session
        self._client = session.client
        self._held: list[_Held] = []
        self._authors: OrderedDict[str, str] = OrderedDict()

    @property
    def waits(self) -> bool:
        """Whether a message will have to be shown as unreadable soon."""
        return any(not held.is_shown for held in self._held)

    async def take(self, response: Any, since: str) -> tuple[list[Arrival], set[str]]:
        """The arrivals of one sync, and which ids must be acknowledged before its token counts.

        `since` is the token before it. What was acknowledged in an earlier run is left out.
        """
        arrivals, awaited = await self._released()
        for room, joined in response.rooms.join.items():
            events = list(joined.timeline.events)
            if joined.timeline.limited:
                events[:0] = await self._between(room, joined.timeline.prev_batch, since)
            for event in events:
                id = getattr(event, "event_id", "")
                if not id or id in awaited or self._session.journal.is_acknowledged(id):
                    continue
                if isinstance(event, MegolmEvent):
                    await self._hold(room, event)
                    awaited.add(id)
                elif arrival := await self._arrival(room, event):
                    arrivals.append(arrival)
                    awaited.add(id)
        return arrivals, awaited

    async def thread(self, room: Any, token: str | None, last: int) -> Thread:
        """A room's `last` events before `token`, those that say something and can be read."""
        response = answered(
            await self._client.room_messages(room.room_id, token, limit=last),
            f"the history of {room.room_id}",
        )
        messages: dict[str, Message] = {}
        for event in reversed(response.chunk):
            arrival = None
            if not isinstance(event, MegolmEvent):
                arrival = await self._arrival(room.room_id, event)
            if arrival is None:
                continue
            id = arrival.redacts or arrival.replaces or arrival.message.id or ""
            if arrival.redacts:
                messages.pop(id, None)
            elif not arrival.replaces:
                messages[id] = arrival.message
            elif id in messages:
                messages[id] = replace(messages[id], text=arrival.message.text)
        return Thread(
            id=room.room_id,
            me=self._session.account.name,
            messages=tuple(messages.values()),
            title=room.display_name,
            is_group=_is_group(room),
            unread_from=len(messages),
        )

    async def _released(self) -> tuple[list[Arrival], set[str]]:
        """Held messages whose key has come, or whose time is up.

        An unreadable one still has its place in the batch that brought it; only the readable text
        of one that was shown as unreadable is to be acknowledged anew.
        """
        arrivals, awaited = [], set()
        for held in list(self._held):
            event = self._decrypted(held.event)
            if event is not None:
                self._held.remove(held)
            elif held.is_shown or time.monotonic() < held.until:
                continue
            id = held.event.event_id
            arrival = await self._arrival(held.room, event or held.event)
            if held.is_shown and arrival:
                message = replace(arrival.message, id=f"{id}/read")
                arrival = replace(arrival, message=message, replaces=arrival.replaces or id)
                awaited.add(f"{id}/read")
            elif arrival is None:
                self._session.journal.acknowledge(id)
            if arrival:
                arrivals.append(arrival)
            held.is_shown = True
        return arrivals, awaited

    async def _hold(self, room: str, event: Any) -> None:
        """Wait for the key of a message, and ask the wearer's other devices for it."""
        event.room_id = room
        self._held.append(_Held(event, room, time.monotonic() + KEY_SECONDS))
        if len(self._held) > HELD:
            oldest = next((held for held in self._held if held.is_shown), None)
            if oldest:  # one that isn't shown yet is never given up
                self._held.remove(oldest)
        try:
            await self._client.request_room_key(event)
        except (LocalProtocolError, *UNREACHABLE):  # asked already; or its time will be up
            pass

    def _decrypted(self, event: Any) -> Any:
        try:
            return self._client.decrypt_event(event)
        except Exception:  # nio's, or one of vodozemac's for what a stranger made up
            return None

    async def _between(self, room: str, start: str, since: str) -> list[Any]:
        """The events that a sync left out, oldest first: those from `start` back to `since`."""
        events: list[Any] = []
        token: str | None = start
        while token:
            back = MessageDirection.back
            page = partial(self._client.room_messages, room, token, since, back, PAGE)
            try:
                response = await persist(page)
            except TimeoutError:
                break
            if not getattr(response, "chunk", None):  # the start, or the server refuses
                break
            events += response.chunk
            token = response.end
        return events[::-1]

    async def _arrival(self, room_id: str, event: Any) -> Arrival | None:
        """What an event means here; None for what says nothing, or changes what isn't its own."""
        said = read_event(event.source)
        if said is None:
            return None
        if said.redacts and event.decrypted:
            return None  # the server, which sees who may, has not seen this one
        self._remember(said)
        if said.replaces and await self._author(room_id, said.replaces) != said.sender:
            return None
        me = self._session.account.user
        if said.reacts_to and (
            said.sender == me or await self._author(room_id, said.reacts_to) != me
        ):
            return None
        room = self._client.rooms[room_id]
        when = said.time
        return Arrival(
            conversation=room_id,
            message=Message(
                sender=self._name(room, said.sender),
                text=said.text,
                time=when.time().replace(second=0, microsecond=0) if when else None,
                date=when.date() if when else None,
                id=said.id,
            ),
            title=room.display_name,
            is_group=_is_group(room),
            replaces=said.replaces,
            redacts=said.redacts,
        )

    def _name(self, room: Any, user: str) -> str:
        """A sender's name. Nobody can pass for the wearer by taking their name."""
        account = self._session.account
        if user == account.user:
            return account.name
        name = str(room.user_name(user) or user)
        return f"{name} ({user})" if _folded(name) == _folded(account.name) else name

    def _remember(self, said: Said) -> None:
        self._authors[said.id] = said.sender
        if len(self._authors) > AUTHORS:
            self._authors.popitem(last=False)

    async def _author(self, room: str, event: str) -> str | None:
        """Who sent an event, None where the server doesn't know it."""
        if event not in self._authors:
            try:
                response = await persist(partial(self._client.room_get_event, room, event))
            except TimeoutError:
                return None
            sender = getattr(getattr(response, "event", None), "sender", None)
            if sender is None:
                return None
            self._authors[event] = sender
        return self._authors[event]


def _is_group(room: Any) -> bool:
    return bool(room.member_count > 2)


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
