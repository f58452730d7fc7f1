"""A homeserver for the tests that need one, and people on it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.synapse import Homeserver, running, synapse_python

_numbers = itertools.count()


@pytest.fixture(scope="session")
def homeserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homeserver]:
    python = synapse_python()
    if python is None:
        pytest.skip("Synapse isn't installed; `make matrix-test` installs it and runs these tests")
    with running(tmp_path_factory.mktemp("synapse"), python) as server:
        yield server


@pytest.fixture
def number() -> int:
    """One that no other test has, for the names of its users."""
    return next(_numbers)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the wearer's Matrix account lies."""
    return tmp_path / "matrix"


@pytest.fixture
def anna(homeserver: Homeserver, number: int) -> str:
    return homeserver.register(f"anna{number}")


@pytest.fixture
def ben(homeserver: Homeserver, number: int) -> str:
    return homeserver.register(f"ben{number}")
