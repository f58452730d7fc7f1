"""`sidelong kdeconnect`, and what `sidelong run` says without a phone."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("OpenSSL", reason="the phone of the tests needs pyOpenSSL (extra dev)")
pytest.importorskip("zeroconf", reason="needs the extra kdeconnect")

from device.cli import main
from device.connectors.kdeconnect_account import Account, kdeconnect_folder
from device.connectors.kdeconnect_journal import STATE, Journal
from tests.device.connectors.kdeconnect.people import trust
from tests.device.connectors.kdeconnect.phone import Phone


def test_phones_are_listed_and_forgotten(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kdeconnect", "phones"]) == 0
    assert "sidelong kdeconnect pair" in capsys.readouterr().out
    account = Account(kdeconnect_folder())
    phones = [Phone("Phone"), Phone("Phone")]
    for phone in phones:
        trust(account, phone)
    assert main(["kdeconnect", "phones"]) == 0
    listed = capsys.readouterr().out
    assert all(phone.device in listed for phone in phones)
    assert main(["kdeconnect", "forget", "Phone"]) == 2
    assert "several phones are called 'Phone'" in capsys.readouterr().err
    assert main(["kdeconnect", "forget", phones[0].device]) == 0
    assert main(["kdeconnect", "forget", "Phone"]) == 0
    assert Account(kdeconnect_folder()).phones == ()
    assert main(["kdeconnect", "forget", "Phone"]) == 2
    assert "no phone is called 'Phone'" in capsys.readouterr().err


def test_no_phone_is_forgotten_while_another_sidelong_trusts_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    account = Account(kdeconnect_folder())
    trust(account, Phone("Phone"))
    with closing(Journal(account.folder / STATE)):  # as `sidelong run` has it open
        assert main(["kdeconnect", "forget", "Phone"]) == 2
    assert "stop it first" in capsys.readouterr().err
    assert len(Account(kdeconnect_folder()).phones) == 1


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (["kdeconnect", "pair"], "takes a person at a terminal"),
        (["run", "--connector", "kdeconnect"], "no phone is paired; `sidelong kdeconnect pair`"),
        (["run", "--connector", "kdeconnect", __file__], "leave out one of the two"),
    ],
)
def test_one_clear_error(
    command: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 2
    assert problem in capsys.readouterr().err


def test_no_address(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["kdeconnect", "pair", "--address", "my phone"])
    assert "--address" in capsys.readouterr().err


def test_the_folder_is_the_wearers(tmp_path: Path) -> None:
    assert kdeconnect_folder().is_relative_to(tmp_path)  # of this test, by tests/conftest.py
