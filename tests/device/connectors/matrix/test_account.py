"""The login on disk, and the command around it."""

from __future__ import annotations

import io
import json
import sys
from importlib import util
from pathlib import Path

import pytest

from device.cli import main
from device.connectors.matrix_account import (
    Account,
    checked_server,
    forget_account,
    load_account,
    matrix_folder,
    save_account,
)
from device.errors import ConnectorError

ACCOUNT = Account(
    "https://matrix.example.org", "@anna:example.org", "GLASSES", "a secret", "Anna", "pickle"
)


def test_kept_for_the_wearers_eyes_only(folder: Path) -> None:
    save_account(folder, ACCOUNT)
    assert load_account(folder) == ACCOUNT
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "account.json").stat().st_mode & 0o777 == 0o600
    assert "secret" not in repr(ACCOUNT)
    forget_account(folder)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "7", '{"user": 3}', json.dumps({"homeserver": None}), "\0"]
)
def test_a_broken_login(content: str, folder: Path) -> None:
    folder.mkdir()
    (folder / "account.json").write_text(content)
    with pytest.raises(ConnectorError, match=r"account\.json: can't be read: .*logout"):
        load_account(folder)


@pytest.mark.parametrize("url", ["matrix.example.org", "ftp://example.org", "https://", ""])
def test_what_is_no_server(url: str) -> None:
    with pytest.raises(ConnectorError, match="no homeserver's address"):
        checked_server(url)


def test_no_password_goes_unencrypted_but_to_this_machine() -> None:
    with pytest.raises(ConnectorError, match="without https"):
        checked_server("http://matrix.example.org")
    assert checked_server("http://localhost:8008") == "http://localhost:8008"


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (["devices"], "no Matrix account is set up; `sidelong matrix login"),
        (["logout"], "no Matrix account is set up"),
        (["verify"], "no Matrix account is set up"),
        (["login", "anna"], "'anna' is no Matrix id"),
        (["login", "@anna:example.org", "--server", "http://example.org"], "without https"),
        (
            ["login", "@anna:example.org", "--server", "http://127.0.0.1:1"],
            "http://127.0.0.1:1 can't be reached: Connection refused",
        ),
    ],
)
def test_the_command_says_what_is_wrong(
    argv: list[str],
    problem: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse\n"))
    assert main(["matrix", *argv]) == 2
    said = capsys.readouterr()
    assert problem in said.err
    assert "correct horse" not in said.err + said.out


def test_without_a_password_nothing_is_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert main(["matrix", "login", "@anna:example.org"]) == 2
    assert "nothing was typed in" in capsys.readouterr().err


def test_a_broken_login_can_be_removed(capsys: pytest.CaptureFixture[str]) -> None:
    folder = matrix_folder()
    folder.mkdir(parents=True)
    (folder / "account.json").write_text("{")
    assert main(["matrix", "logout"]) == 0
    assert "removed" in capsys.readouterr().out
    assert list(folder.iterdir()) == []


def test_without_the_extra(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    assert main(["matrix", "devices"]) == 2
    assert "pip install 'sidelong[matrix]'" in capsys.readouterr().err
