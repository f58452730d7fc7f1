"""What is measured of growth, and that the measuring commands say beforehand what they can't do."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # while others are imported: not ours to mend
    from federated import curves, scale
    from federated.settings import Settings
    from federated.users import load_users


def test_as_many_users_as_are_asked_for_are_made_up(tmp_path: Path) -> None:
    scale.made_up(tmp_path / "data", 30)
    users = load_users(Settings(data=str(tmp_path / "data"), users=30, texts=8))
    assert len({user.name for user in users}) == 30


def test_the_servers_part_is_measured_on_updates_of_the_default_size() -> None:
    found = scale.aggregation(100)
    assert (found["updates"], found["received_mb"]) == (100, 44)
    assert found["cpu_s"] > 0


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (["--updates", "0"], "numbers from 1 on"),
        (["--users", "-1"], "numbers from 1 on"),
        (["--plot", "/nowhere/plot.png"], "a folder that is there"),
        (["--plot", "plot.png", "--users"], "needs users, updates"),
    ],
)
def test_what_can_not_be_measured_is_refused(
    told: list[str],
    why: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Before anything is measured, which takes an hour."""
    monkeypatch.setattr(scale, "aggregation", None)
    monkeypatch.setattr(sys, "argv", ["federated.scale", *told])
    with pytest.raises(SystemExit) as left:
        scale.main()
    assert left.value.code == 2
    assert why in capsys.readouterr().err


def test_a_plot_that_can_not_be_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(curves, "table", list)
    monkeypatch.setattr(curves, "draw", full)
    monkeypatch.setattr(sys, "argv", ["federated.curves", "--plot", "plot.png"])
    with pytest.raises(SystemExit) as left:
        curves.main()
    assert left.value.code == 2
    assert "No space left on device: 'plot.png'" in capsys.readouterr().err
