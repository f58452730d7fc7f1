"""`sidelong tune` as the wearer runs it, on the tiny model; nothing depends on how fast it is."""

from __future__ import annotations

import pytest

from device.cli import main
from device.commands import tune as command
from device.disk import sha256_of
from device.language.load import Model, load_engine
from device.language.tuning import UNTUNED, Trial, Tuning, Tunings
from tests.engines import GGUF

SLOWER = Tuning(batch=64, flash="on")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Tuning]:
    """A made-up measurer for which flash attention and batches of 256 are fastest."""
    tried: list[Tuning] = []

    def measure(model: Model, tuning: Tuning) -> Trial:
        tried.append(tuning)
        gain = 20 * (tuning.flash == "on") + 20 * (tuning.batch == 256)
        return Trial(100.0 - gain, (1, 2))

    monkeypatch.setattr(command, "measure", measure)
    return tried


def test_found_remembered_used_and_forgotten(
    measured: list[Tuning], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tune", "--model", str(GGUF), "--rounds", "3"]) == 0
    captured = capsys.readouterr()
    out = " ".join(captured.out.split())
    assert "flash attention on, batches of 256" in out
    assert "Milliseconds from a message to its whole card" in out
    assert "flash on 80 used" in out
    assert f"{len(measured)} measurements: about 1 min." in captured.err
    sha256 = sha256_of(GGUF)
    assert Tunings.default().of(sha256) == Tuning(batch=256, flash="on")
    assert len(measured) >= 10
    engine = load_engine(Model("tiny", GGUF), context=768, threads=1).engine
    untuned = load_engine(Model("tiny", GGUF), context=768, threads=1, tuning=UNTUNED).engine
    assert engine.fingerprint != untuned.fingerprint, "the loaded engine is the tuned one"
    assert main(["tune", "--model", str(GGUF), "--forget"]) == 0
    assert Tunings.default().of(sha256) is None
    assert main(["tune", "--model", str(GGUF), "--forget"]) == 0
    assert "was not tuned here" in capsys.readouterr().out


def test_one_round_can_not_tell_a_gain_from_chance(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["tune", "--model", str(GGUF), "--rounds", "1"])
    assert stopped.value.code == 2
    assert "1 can't tell a gain from chance; it is 3 at least" in capsys.readouterr().err


def test_a_real_measurement_says_the_same_words_each_time() -> None:
    one, other = (command.measure(Model("tiny", GGUF, "tiny"), t) for t in (UNTUNED, SLOWER))
    assert one.said == other.said
    side_by_side = 2 + len(command.DRAFTS)
    assert len(one.said) == command.ANSWERED + side_by_side * command.DRAFTED
    assert min(one.ms, other.ms) > 0


def test_a_model_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tune", "--model", "missing.gguf"]) == 2
    assert "missing.gguf" in capsys.readouterr().err


def test_the_doctor_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    from device.language.catalog import Catalog

    assert main(["doctor"]) == 0
    assert "not yet: sidelong tune" in capsys.readouterr().out
    Tunings.default().remember(Catalog.default().current().sha256, SLOWER)
    assert main(["doctor"]) == 0
    assert "batches of 64" in " ".join(capsys.readouterr().out.split())
