"""An encrypted inbox: nobody reads it without the key, and nothing else about it is different."""

from __future__ import annotations

import getpass
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from device.cli import main
from device.commands.inbox import inbox_path
from device.errors import StoreError
from device.inbox import Inbox
from device.outbox import Outbox
from device.settings import Settings, settings_path
from device.store_cipher import ERRORS, convert
from device.store_key import CREDENTIAL, key_of, store_key, throwaway_key
from tests.inboxes import chat, found, remains, said

pytest.importorskip("sqlcipher3")
ROOT = Path(__file__).parents[3]
KEY = "correct horse's battery"
OTHER = f"x'{'ab' * 32}'"


@pytest.mark.parametrize("key", [KEY, OTHER])
def test_no_text_reaches_the_disk(path: Path, key: str) -> None:
    with Inbox(path, key) as inbox, Outbox(path, key) as outbox:
        inbox.ingest("c", chat(*said("zanzibar at midnight"), title="Rendezvous"))
        outbox.begin("c", "t", "m0", "with the password")
        assert remains(path.parent, "zanzibar", "midnight", "Rendezvous", "password") == []
        assert found(inbox, "midnight") == ["zanzibar at midnight"]
        assert {stat.S_IMODE(f.stat().st_mode) for f in path.parent.iterdir()} == {0o600}
    with Inbox(path, key) as inbox:
        assert found(inbox, "zanz") == ["zanzibar at midnight"]
        assert inbox.wipe() == 1


@pytest.mark.parametrize("key", [None, "another passphrase", OTHER])
def test_without_the_key_it_stays_closed(
    path: Path, key: str | None, capfd: pytest.CaptureFixture[str]
) -> None:
    Inbox(path, KEY).close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another key or passphrase opens it"):
        Inbox(path, key)
    assert path.read_bytes() == before
    assert capfd.readouterr().err == ""


def test_a_plain_inbox_is_not_opened_as_if_it_were_encrypted(path: Path) -> None:
    Inbox(path).close()
    with pytest.raises(StoreError, match="not encrypted yet"):
        Inbox(path, KEY)


def test_there_and_back_again(path: Path) -> None:
    with Inbox(path) as inbox:
        inbox.ingest("c", chat(*said("zanzibar", "the ferry leaves at six"), title="Ida"))
        inbox.take_back("c", "t", "m0")
    with closing(sqlite3.connect(path)) as db:
        version = db.execute("PRAGMA user_version").fetchone()
    convert(path, None, KEY)
    assert remains(path.parent, "ferry", "Ida") == []
    assert [f.name for f in path.parent.iterdir()] == [path.name]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    convert(path, KEY, OTHER)
    with Inbox(path, OTHER) as inbox:
        assert found(inbox, "ferry") == ["the ferry leaves at six"]
        assert inbox.ingest("c", chat(*said("zanzibar", "the ferry leaves at six", "new"))) == 1
    convert(path, OTHER, None)
    with Inbox(path) as inbox:
        assert [m.text for m in inbox.thread("c", "t").messages] == [
            "the ferry leaves at six",
            "new",
        ]
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == version
        db.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")


def test_an_inbox_in_use_is_not_converted(path: Path) -> None:
    with Inbox(path) as inbox:
        inbox.ingest("c", chat(*said("zanzibar")))
    # In a process of its own: locks keep processes apart, not two libraries in one.
    code = (
        "import sys; from pathlib import Path; from device.inbox import Inbox;"
        "from device.outbox import Outbox; path = Path(sys.argv[1]);"
        "inbox, outbox = Inbox(path), Outbox(path); print('open', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(StoreError, match="stop it first"):
            convert(path, None, KEY)
        other.communicate(b"\n")
    with pytest.raises(ERRORS):
        convert(path, "wrong", None)
    with Inbox(path) as inbox:
        assert found(inbox, "zanzibar") == ["zanzibar"]
    assert [f.name for f in path.parent.iterdir()] == [path.name]


def encrypted_by(kind: str) -> Settings:
    settings_path().parent.mkdir(parents=True, exist_ok=True)
    settings_path().write_text(f'encryption = "{kind}"\n')
    return Settings(encryption=kind)  # type: ignore[arg-type]


def test_the_keyring_has_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring

    kept: dict[tuple[str, str], str] = {}
    monkeypatch.setattr(keyring, "get_password", lambda *name: kept.get(name))
    monkeypatch.setattr(keyring, "set_password", lambda a, b, value: kept.update({(a, b): value}))
    settings = encrypted_by("keyring")
    with pytest.raises(StoreError, match="no key"):
        store_key(settings)
    key = store_key(settings, new=True)
    assert key == store_key(settings) == store_key(settings, new=True)
    assert key != throwaway_key(settings)
    assert key is not None
    assert len(key) == len("x''") + 64


def test_a_machine_without_a_keyring_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring
    from keyring.backends.fail import Keyring

    monkeypatch.setattr(keyring, "get_password", Keyring().get_password)
    with pytest.raises(StoreError, match='encryption = "passphrase"'):
        store_key(Settings(encryption="keyring"))


def test_without_the_library_it_is_said_what_to_install(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.store_cipher.cipher", None)
    with pytest.raises(StoreError, match=r"sidelong\[encrypted\]"):
        Inbox(path, KEY)
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(StoreError, match=r"sidelong\[encrypted\]"):
        store_key(Settings(encryption="keyring"))


def test_a_service_gets_its_passphrase_from_systemd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(encryption="passphrase")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(StoreError, match=CREDENTIAL):
        store_key(settings)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(StoreError, match="no passphrase can be read"):
        store_key(settings)
    (tmp_path / CREDENTIAL).write_text(f"{KEY}\n")
    assert store_key(settings) == KEY


def test_a_passphrase_is_asked_twice_where_it_makes_a_store(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(encryption="passphrase")
    given = iter(["short", KEY, "a slip of it", KEY, KEY, KEY])
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", lambda prompt: next(given))
    path.parent.mkdir()
    path.touch()  # as a run leaves it whose library was missing
    for wrong in ("at least 8 characters", "differ"):
        with pytest.raises(StoreError, match=wrong):
            key_of(path, settings)
    Inbox(path, key_of(path, settings)).close()
    assert key_of(path, settings) == KEY
    assert next(given, None) is None


def test_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "chat.txt").write_text("12/03/2024, 18:02 - Ben: zanzibar at six?\n")
    assert main(["inbox", "import", str(tmp_path / "chat.txt"), "--me", "-"]) == 0
    assert main(["inbox", "encrypt"]) == 2
    assert 'encryption is "off"' in capsys.readouterr().err
    encrypted_by("passphrase")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    given = iter(["too few", KEY, "another one", KEY, KEY, KEY, "wrong one", KEY, KEY])
    monkeypatch.setattr(getpass, "getpass", lambda prompt: next(given))
    for said_ in ("at least 8 characters", "differ"):
        assert main(["inbox", "encrypt"]) == 2
        assert said_ in capsys.readouterr().err
        assert remains(inbox_path().parent, "zanzibar") == ["zanzibar"]
    assert main(["inbox", "encrypt"]) == 0
    assert remains(inbox_path().parent, "zanzibar") == []
    assert main(["inbox", "search", "zanzibar"]) == 0
    assert "at six?" in capsys.readouterr().out
    assert main(["inbox", "search", "zanzibar"]) == 2
    assert "another key or passphrase" in capsys.readouterr().err
    assert main(["inbox", "decrypt"]) == 0
    assert remains(inbox_path().parent, "zanzibar") == ["zanzibar"]
    assert main(["inbox", "decrypt"]) == 2
