"""Whence the key of an encrypted store comes: the system's keyring, or a passphrase.

`keyring`: 32 random bytes, made once and kept by the desktop's keyring (Secret Service, KWallet,
macOS, Windows). `passphrase`: what the wearer types; for a service without a terminal, what systemd
hands it as the credential `sidelong-passphrase` (`LoadCredentialEncrypted=` of its unit).
"""

from __future__ import annotations

import getpass
import os
import secrets
import sys
from pathlib import Path

from device.errors import StoreError
from device.settings import Settings
from device.store_cipher import cipher_library

SERVICE, NAME = "sidelong", "inbox"
"""What the key is called in the keyring."""
CREDENTIAL = "sidelong-passphrase"
LEAST_CHARS = 8
"""Of a new passphrase."""


def store_key(settings: Settings, new: bool = False) -> str | None:
    """The key as `store_cipher.connect` takes it; None where the store isn't encrypted.

    `new`: it is made where there is none, or asked for twice. Raises `StoreError`.
    """
    if settings.encryption == "off":
        return None
    cipher_library()  # missing, it is said before anything is asked
    return _passphrase(new) if settings.encryption == "passphrase" else _from_keyring(new)


def key_of(path: Path, settings: Settings) -> str | None:
    """The key of the wearer's store at `path`, which need not be there yet. Raises `StoreError`.

    The first time a passphrase is given, nothing can tell that it is a slip: so it is asked twice.
    """
    there = path.exists() and path.stat().st_size
    return store_key(settings, new=not there)


def throwaway_key(settings: Settings) -> str | None:
    """For a store that is gone when the program ends; None as for `store_key`."""
    return None if settings.encryption == "off" else _raw(secrets.token_hex(32))


def _raw(digits: str) -> str:
    return f"x'{digits}'"


def _from_keyring(new: bool) -> str:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError as error:
        raise StoreError(
            "an encrypted inbox needs its library; pip install 'sidelong[encrypted]'"
        ) from error
    try:
        digits = keyring.get_password(SERVICE, NAME)
        if digits is None and new:
            digits = secrets.token_hex(32)
            keyring.set_password(SERVICE, NAME, digits)
    except KeyringError as error:
        raise StoreError(
            f"the system's keyring can't be used ({error or type(error).__name__}); unlock it, or "
            'set encryption = "passphrase"'
        ) from error
    if digits is None:
        raise StoreError(
            "the system's keyring has no key for the inbox; `sidelong inbox encrypt` makes one"
        )
    return _raw(digits)


def _passphrase(new: bool) -> str:
    if folder := os.environ.get("CREDENTIALS_DIRECTORY"):
        path = Path(folder) / CREDENTIAL
        try:
            return _checked(path.read_text(encoding="utf-8").rstrip("\n"), new)
        except (OSError, UnicodeDecodeError) as error:
            raise StoreError(f"{path}: no passphrase can be read there: {error}") from error
    if not sys.stdin.isatty():
        raise StoreError(
            "the inbox's passphrase is asked for in a terminal; a service gets it as the systemd "
            f"credential {CREDENTIAL}"
        )
    try:
        given = _checked(getpass.getpass("Passphrase of the inbox: "), new)
        if new and getpass.getpass("Once more: ") != given:
            raise StoreError("the two passphrases differ; nothing was changed")
    except EOFError as error:
        raise StoreError("no passphrase was given") from error
    return given


def _checked(given: str, new: bool) -> str:
    if not given or (new and len(given) < LEAST_CHARS):
        raise StoreError(f"a passphrase of at least {LEAST_CHARS} characters is needed")
    if given.startswith("x'"):
        raise StoreError("a passphrase can't begin with x'; that stands for bytes")
    return given
