"""The wearer's Matrix account: what a login leaves on this machine, and for nobody else's eyes.

Three files in one folder (mode 0700), each of mode 0600: `account.json` with the access token,
`keys.sqlite` with this device's keys and the trusted devices (nio's store), `state.sqlite` with how
far messages were taken (`matrix_journal`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

from device.disk import write_atomically
from device.errors import ConnectorError
from device.settings import default_data_dir

ACCOUNT, KEYS, STATE = "account.json", "keys.sqlite", "state.sqlite"

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, repr=False)
class Account:
    """One login: a device of its own in the wearer's account."""

    homeserver: str
    """Its base URL, without a slash at the end."""
    user: str
    """The wearer's Matrix id, "@anna:example.org"."""
    device: str
    token: str
    """The access token. Not in `repr`, so that no traceback or log shows it."""
    name: str
    """The wearer's display name at login; it stays, so that their own messages keep one sender."""
    pickle_key: str
    """What nio encrypts the keys with. It lies beside them and guards only a copy of that file."""
    only_verified: bool = False
    """Whether encrypted messages go to verified devices only (`matrix_trust`)."""

    def __repr__(self) -> str:
        return f"Account({self.user}, {self.device}, {self.homeserver})"


def matrix_folder() -> Path:
    """Where the wearer's Matrix account lies. Not made here."""
    return default_data_dir() / "matrix"


def load_account(folder: Path) -> Account:
    """The account kept in `folder`. Raises `ConnectorError` for none, or a broken one."""
    path = folder / ACCOUNT
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        wanted = {field.name: field.type for field in fields(Account)}
        kinds = {name: bool if name == "only_verified" else str for name in wanted}
        if set(values) != set(kinds) or not all(isinstance(values[n], kinds[n]) for n in kinds):
            raise ValueError("its entries are not those of a login")
        return Account(**values)
    except FileNotFoundError as error:
        raise ConnectorError(
            "no Matrix account is set up; `sidelong matrix login @you:example.org` does it"
        ) from error
    except (OSError, ValueError, TypeError) as error:
        raise ConnectorError(
            f"{path}: can't be read: {error}; `sidelong matrix logout`, then log in again"
        ) from error


def save_account(folder: Path, account: Account) -> None:
    """Keep `account`, readable for the wearer alone. Raises `ConnectorError`."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        write_atomically(folder / ACCOUNT, json.dumps(asdict(account), indent=1) + "\n")
    except OSError as error:
        raise ConnectorError(f"{folder}: the login can't be kept: {error.strerror}") from error


def forget_account(folder: Path) -> None:
    """Remove the login, the keys and the state. Raises `OSError`."""
    for name in (ACCOUNT, KEYS, STATE):  # the token first: it is what opens the account
        for end in ("", "-journal", "-wal", "-shm"):
            (folder / f"{name}{end}").unlink(missing_ok=True)


def checked_server(url: str) -> str:
    """A homeserver's base URL. Raises `ConnectorError` for one that isn't encrypted.

    >>> checked_server("https://matrix.example.org/")
    'https://matrix.example.org'
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConnectorError(f"{url!r} is no homeserver's address; say https://matrix.example.org")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ConnectorError(
            f"{url}: without https the password and all plain rooms could be read on the way; "
            "say https:// (http is for this machine only)"
        )
    return url.rstrip("/")


def check_new_login(folder: Path, user: str, server: str | None) -> None:
    """Before anybody types a password: can that be logged in to? Raises `ConnectorError`."""
    if (folder / ACCOUNT).exists():
        raise ConnectorError(
            "a Matrix account is set up already; `sidelong matrix logout` ends that login first"
        )
    if not (user.startswith("@") and user.partition(":")[2]):
        raise ConnectorError(f"{user!r} is no Matrix id; they look like @anna:example.org")
    if server is not None:
        checked_server(server)
