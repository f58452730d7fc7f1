"""Engines of both kinds on a tiny model, and their judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from device.language.engine import Engine
from device.language.llama_engine import LlamaEngine
from device.language.onnx_engine import OnnxEngine
from tests.engines import MAKERS, Judge, close_all, llama


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest) -> Callable[..., LlamaEngine | OnnxEngine]:
    """Makes engines of one kind."""
    return MAKERS[request.param]


@pytest.fixture(scope="module", params=MAKERS)
def shared(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with MAKERS[request.param]() as engine:
        yield engine


@pytest.fixture
def engine(shared: Engine) -> Iterator[Engine]:
    """An engine with nothing open; loaded once for the whole file."""
    yield shared
    shared.set_adapter(None)
    close_all(shared)


@pytest.fixture
def adaptable() -> Iterator[LlamaEngine]:
    """An engine that knows adapters."""
    with llama() as engine:
        yield engine


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()
