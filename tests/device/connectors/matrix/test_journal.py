"""How far messages were taken, over restarts."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from device.connectors.matrix_journal import Journal
from device.errors import ConnectorError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


def reopened(journal: Journal) -> Journal:
    journal.close()
    return Journal(journal.path)


def test_a_token_counts_once_all_before_it_is_acknowledged(path: Path) -> None:
    journal = Journal(path)
    assert journal.token is None
    journal.add_batch("t1", {"a", "b"})
    journal.add_batch("t2", {"c"})
    journal.acknowledge("c")
    journal.acknowledge("a")
    journal = reopened(journal)
    assert journal.token is None
    assert [journal.is_acknowledged(e) for e in "abc"] == [True, False, True]
    journal.add_batch("t3", {"b", "d"})
    journal.acknowledge("b")
    journal.acknowledge("d")
    assert journal.token == "t3"
    journal = reopened(journal)
    assert journal.token == "t3"
    assert not journal.is_acknowledged("a")  # no sync after t3 brings it
    journal.close()


def test_a_batch_without_messages_waits_for_those_before_it(path: Path) -> None:
    journal = Journal(path)
    journal.add_batch("t1", set())
    assert journal.token == "t1"
    journal.add_batch("t2", {"a"})
    journal.add_batch("t3", set())
    assert journal.token == "t1"
    journal.acknowledge("unknown")
    assert journal.token == "t1"
    journal.acknowledge("a")
    assert journal.token == "t3"
    journal.close()


def test_one_program_at_a_time(path: Path) -> None:
    journal = Journal(path)
    with pytest.raises(ConnectorError, match="another Sidelong has this Matrix account open"):
        Journal(path)
    journal.close()
    Journal(path).close()


def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_text("not a database, but long enough to look at" * 10)
    with pytest.raises(ConnectorError, match=r"state\.sqlite: .*log in again"):
        Journal(path)


def test_what_another_cause_keeps_from_being_opened_is_not_called_in_use(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE token (other TEXT)")
    with pytest.raises(ConnectorError, match="can't be opened: no such column"):
        Journal(path)


def test_for_the_wearers_eyes_only(path: Path) -> None:
    journal = Journal(path)
    journal.add_batch("t", {"a"})
    journal.acknowledge("a")
    assert {p.stat().st_mode & 0o777 for p in path.parent.iterdir()} == {0o600}
    journal.close()
