"""Which devices may read what the wearer sends to an encrypted room.

The server says which devices a person has, so a server that lies could slip in one of its own. What
is done about it:

- A person none of whose devices was ever dealt with: all they have now are taken (trust on first
  use), as the apps of Matrix do. `only_verified` forbids even that.
- A device that turns up later at somebody known: nothing is sent to that room until the wearer has
  verified the device or named its fingerprint. The error says which device.
- A verified device whose key changes is another device, and is never taken silently.

Leaving the new device out instead would send words that the other may never be able to read, and
plain text is never an answer.
"""

from __future__ import annotations

from typing import Any

from device.connectors.matrix_client import Client, answered
from device.errors import ConnectorError


async def known_devices(client: Client, user: str) -> list[Any]:
    """nio's `OlmDevice`s of a person, as the server has them now. Raises `ConnectorError`."""
    client.olm.users_for_key_query.add(user)
    answered(await client.keys_query(), f"the devices of {user}")
    return sorted(client.device_store.active_user_devices(user), key=lambda device: device.id)


async def one_device(client: Client, user: str, device: str) -> Any:
    """One device of a person. Raises `ConnectorError` for one that isn't there."""
    devices = await known_devices(client, user)
    for found in devices:
        if found.id == device:
            return found
    there = ", ".join(d.id for d in devices) or "none that encrypts"
    raise ConnectorError(f"{user} has no device {device!r}; there are: {there}")


async def trust(client: Client, user: str, device: str, fingerprint: str) -> None:
    """Trust a device whose fingerprint the wearer was given by its owner.

    `fingerprint` is the Ed25519 key in base64; spaces in it don't matter. Raises `ConnectorError`
    where the server gives out another.
    """
    found = await one_device(client, user, device)
    if "".join(fingerprint.split()) != found.ed25519:
        raise ConnectorError(
            f"the fingerprint of {user}'s {device} is {spaced(found.ed25519)} by the server, not "
            "what was given; ask its owner again, and don't trust it before they agree"
        )
    client.verify_device(found)


def spaced(fingerprint: str) -> str:
    """A fingerprint in fours, as other programs show it.

    >>> spaced("abcdefghij")
    'abcd efgh ij'
    """
    return " ".join(fingerprint[i : i + 4] for i in range(0, len(fingerprint), 4))


async def share_key(client: Client, room: Any, only_verified: bool) -> None:
    """Give the room's key to the devices that may have it. Raises `ConnectorError`."""
    if not room.members_synced:
        answered(await client.joined_members(room.room_id), "the members of the room")
    if client.should_query_keys:
        answered(await client.keys_query(), "the devices in the room")
    for user in room.users:
        _admit(client, user, only_verified)
    if not client.olm.should_share_group_session(room.room_id):
        return
    await client.share_group_session(room.room_id)
    session = client.olm.outbound_group_sessions[room.room_id]
    for user in room.users:
        devices = {
            d.id
            for d in client.device_store.active_user_devices(user)
            if not d.blacklisted and d.id != client.device_id
        }
        if devices and not devices & {d for u, d in session.users_shared_with if u == user}:
            client.invalidate_outbound_session(room.room_id)
            raise ConnectorError(
                f"none of {user}'s devices could be given the key to the message; it was not sent"
            )


def _admit(client: Client, user: str, only_verified: bool) -> None:
    """Take a person's devices on first use, or say which one stands in the way."""
    devices = [
        device
        for device in client.device_store.active_user_devices(user)
        if (user, device.id) != (client.user_id, client.device_id)
    ]
    unknown = [d for d in devices if not (d.verified or d.ignored or d.blacklisted)]
    # In nio's words an ignored device is one that gets keys without having been verified.
    if only_verified:
        unknown = [d for d in devices if not (d.verified or d.blacklisted)]
    elif len(unknown) == len(devices):
        for device in unknown:
            client.ignore_device(device)
        return
    if unknown:
        device = unknown[0]
        new = "a device that is not verified" if only_verified else "a new device"
        raise ConnectorError(
            f"not sent: {user} has {new}, {device.id}; verify it with `sidelong matrix verify "
            f"{user} {device.id}`, or trust its fingerprint with `sidelong matrix trust`"
        )
