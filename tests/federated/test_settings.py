"""Settings: what may be told, and that Flower's app is told the same."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

import pytest

from federated.settings import ROOT, Settings


def test_the_apps_config_has_the_same_defaults() -> None:
    project = tomllib.loads((ROOT / "federated/flower_app/pyproject.toml").read_text())
    config = project["tool"]["flwr"]["app"]["config"]
    assert config == Settings().to_config()
    assert project["tool"]["flwr"]["app"]["fab-include"] == ["*.py"], "no text, no model"


def test_a_config_comes_back() -> None:
    settings = Settings(method="svd", lr=0.5, resume=True, out="elsewhere")
    assert Settings.from_config(settings.to_config()) == settings
    assert Settings.from_config({"resume": "false", "users": "3"}).users == 3
    assert settings.path("out") == ROOT / "elsewhere"
    assert Settings(out="/tmp/x").path("out") == Path("/tmp/x")


@pytest.mark.parametrize(
    "config",
    [
        {"method": "magic"},
        {"clip": 0},
        {"noise": -1},
        {"delta": 1},
        {"rang": 8},
        {"users": "many"},
        {"resume": "maybe"},
        {"clip": "nan"},
        {"lr": "inf"},
        {"faults": "nan"},
        {"timeout": 0},
        {"targets": ","},
        {"steps": 0},
        {"rounds": 2.7},
        {"users": True},
        {"seed": -1},
        {"targets": "q_proj,q_proj"},
    ],
)
def test_nonsense_is_named(config: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(config))):
        Settings.from_config(config)


@pytest.mark.parametrize("where", ["server", "client"])
def test_no_epsilon_is_promised_of_what_is_no_sum(where: Literal["server", "client"]) -> None:
    with pytest.raises(ValueError, match="noise with method = 'svd' promises nothing"):
        Settings(method="svd", noise=1.0, noise_at=where)
    assert Settings(method="avg", noise=1.0, noise_at=where).noise == 1.0


def test_a_checkpoint_belongs_to_its_settings() -> None:
    assert Settings(rounds=9, local_steps=9).digest() == Settings().digest()
    assert Settings(clip=9).digest() != Settings().digest()


def test_pairs_stand_over_what_is_usual() -> None:
    usual = {"users": 2, "deployed": True}
    settings = Settings.from_pairs(["users=5", "targets=q_proj"], usual)
    assert (settings.users, settings.deployed, settings.targets) == (5, True, "q_proj")
    with pytest.raises(ValueError, match="--set users: write KEY=VALUE"):
        Settings.from_pairs(["users"], {})
