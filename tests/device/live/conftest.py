"""A test of the flow is a coroutine; what it holds in its hands, and where its inbox lies."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

import pytest

from tests.lives import Glass, Peer


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine to its end."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in wanted}))
    return True


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "inbox.sqlite"


@pytest.fixture
def glass() -> Glass:
    return Glass()


@pytest.fixture
def peer() -> Peer:
    return Peer()
