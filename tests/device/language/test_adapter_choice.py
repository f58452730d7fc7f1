"""The wearer's adapter: taken up without a restart, rolled back, forgotten; not another model's."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from device.errors import ModelError
from device.language.adapter_choice import Adapters, Choice
from device.language.load import Model, load_engine
from device.language.writer import Writer
from device.messages import Message, Thread
from tests.engines import ADAPTER, GGUF

BASE = "ab" * 32
THREAD = Thread("t", "Anna", (Message("Ben", "can you bring 3 chairs?"),))


@pytest.fixture
def adapters(tmp_path: Path) -> Adapters:
    return Adapters(tmp_path / "data")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """An adapter's file, as training leaves it."""
    return Path(shutil.copy(ADAPTER, tmp_path / "made.gguf"))


def other(tmp_path: Path) -> Path:
    """A file with another hash."""
    path = tmp_path / "other.gguf"
    path.write_bytes(ADAPTER.read_bytes() + b"\0")
    return path


def use(adapters: Adapters, file: Path, base: str = BASE) -> None:
    adapters.make_folder()
    adapters.use(file, base)


def test_a_running_writer_takes_it_up_and_its_cached_thread_anew(
    adapters: Adapters, made: Path
) -> None:
    loaded = load_engine(Model("tiny", GGUF, BASE), threads=1, context=1024)
    writer = Writer(
        loaded.engine, loaded.prompt, loaded.tokenizer, "tiny", adapter=adapters.follow(BASE)
    )

    def next_token() -> list[float]:
        return loaded.engine.score(writer.prefill(THREAD).seq, [[7], [8], [9]])

    plain, before = next_token(), loaded.engine.fingerprint
    use(adapters, made)
    adapted = next_token()
    assert adapted != pytest.approx(plain, abs=1e-3), "the cached thread was not computed anew"
    adapters.swap()
    assert next_token() == pytest.approx(plain, abs=1e-5)
    assert loaded.engine.fingerprint == before
    adapters.swap()
    assert next_token() == pytest.approx(adapted, abs=1e-5)
    adapters.forget()
    assert next_token() == pytest.approx(plain, abs=1e-5)


def test_the_one_before_is_kept_and_none_older(
    adapters: Adapters, made: Path, tmp_path: Path
) -> None:
    third = tmp_path / "third.gguf"
    third.write_bytes(b"third")
    for file in (made, other(tmp_path), third):
        use(adapters, file)
    choice = adapters.choice()
    assert choice.current
    assert choice.previous
    assert adapters.path(choice.current).read_bytes() == b"third"
    assert len(list(adapters.folder.glob("*.gguf"))) == 2
    assert adapters.swap() == Choice(choice.previous, choice.current)


def test_another_models_is_passed_over_with_one_note(
    adapters: Adapters, made: Path, caplog: pytest.LogCaptureFixture
) -> None:
    use(adapters, made)
    follow = adapters.follow("cd" * 32)
    assert follow() is None
    assert follow() is None
    assert caplog.text.count("belongs to another model") == 1
    assert adapters.follow(BASE)() is not None


@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_a_damaged_file_is_passed_over(
    damage: str, adapters: Adapters, made: Path, caplog: pytest.LogCaptureFixture
) -> None:
    use(adapters, made)
    (file,) = adapters.folder.glob("*.gguf")
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-1])
    assert adapters.follow(BASE)() is None
    assert "missing or damaged" in caplog.text


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"version": 2}', '{"version": 1, "current": {"sha256": "../x"}}']
)
def test_a_damaged_choice_stops_nobody_from_reading(
    content: str, adapters: Adapters, caplog: pytest.LogCaptureFixture
) -> None:
    adapters.make_folder()
    (adapters.folder / "choice.json").write_text(content)
    assert adapters.follow(BASE)() is None
    assert "--forget" in caplog.text
    with pytest.raises(ModelError, match="can't be read"):
        adapters.swap()
    adapters.forget()
    assert adapters.choice() == Choice()


def test_what_is_forgotten_is_overwritten(adapters: Adapters, made: Path, tmp_path: Path) -> None:
    use(adapters, made)
    deep = adapters.folder / "work/examples"
    deep.mkdir(parents=True)
    (deep / "0000.json").write_text("see you at the lake")
    traces = []
    for i, file in enumerate(p for p in adapters.folder.rglob("*") if p.is_file()):
        traces.append(tmp_path / f"trace{i}")
        os.link(file, traces[-1])  # what a disk would still hold
    assert adapters.forget()
    assert not adapters.folder.exists()
    assert len(traces) == 3
    assert not any(any(trace.read_bytes()) for trace in traces)
    assert not adapters.forget()


def test_nothing_learnt_has_nothing_before_it(adapters: Adapters) -> None:
    with pytest.raises(ModelError, match="sidelong personalize"):
        adapters.swap()
