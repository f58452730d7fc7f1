"""What a device accepts of a server, what it keeps, and what its commands say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from device.cli import main
from device.errors import SidelongError
from device.language.load import Model
from federated import privacy
from federated.deploy.limits import Limits, agreed, own_noise
from federated.deploy.membership import folder_of_this_device, join_with, membership
from federated.settings import LEARNING, ROOT, Settings


def told(**changes: object) -> dict[str, object]:
    return Settings(deployed=True).told() | changes


def test_a_device_is_told_no_path_of_the_servers() -> None:
    assert set(told()) == {name.replace("_", "-") for name in LEARNING}
    assert not {"data", "out", "gguf", "model", "faults"} & set(told())


def test_a_device_takes_the_servers_settings_in_its_own_folders() -> None:
    settings = agreed(told(rank=4), Limits(), out="/own", model="/own/base", gguf="/own/m.gguf")
    assert (settings.rank, settings.out, settings.deployed) == (4, "/own", True)


@pytest.mark.parametrize(
    "more",
    [{"clip": 9.0}, {"steps": 65}, {"texts": 1000}, {"rank": 64}, {"layers": 30},
     {"batch-tokens": 10_000}, {"faults": "norm:1"}, {"out": "/etc"}, {"clip": float("nan")}],
)  # fmt: skip
def test_what_a_server_must_not_ask(more: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"at most|told|out of range"):
        agreed(told(**more), Limits())


def test_a_server_can_not_talk_the_noise_away() -> None:
    limits = Limits(noise=0.5)
    enough = {"noise": 5.0, "noise-at": "client", "users": 100}
    settings = agreed(told(**enough), limits)
    assert own_noise(settings) == 0.5
    assert privacy.client_deviation(settings) == 0.5 * settings.clip
    for less in ({"users": 10_000}, {"noise-at": "server"}, {"noise": 0.0}):
        with pytest.raises(ValueError, match="at least"):
            agreed(told(**(enough | less)), limits)


def test_a_membership_is_kept_and_counts_what_left(tmp_path: Path) -> None:
    with pytest.raises(SidelongError, match="takes part in no federation"):
        membership()
    folder_of_this_device().mkdir(parents=True)
    mine = join_with(Model("m", tmp_path / "m.gguf", "ab" * 32), Limits(rounds=7))
    assert membership() == mine
    assert mine.sent() == 0
    mine.note(3, 20, 442_368)
    assert mine.sent() == 1
    (line,) = (mine.folder / "sent.jsonl").read_text().splitlines()
    assert {"round": 3, "tensors": 20, "bytes": 442_368}.items() <= json.loads(line).items()


def test_the_commands_say_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("flwr", reason="flwr is in the extra `federated`")
    assert main(["federate", "status"]) == 2
    assert "takes part in no federation" in capsys.readouterr().err
    assert main(["federate", "join", "h:1", "--ca", "nowhere.pem"]) == 2
    assert "`sidelong federate key` makes one" in capsys.readouterr().err
    assert main(["federate", "key"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("ecdsa-sha2-nistp384 ")
    assert main(["federate", "key"]) == 0
    assert capsys.readouterr().out == said, "the same key"
    assert main(["federate", "key", "--new"]) == 0
    assert capsys.readouterr().out != said
    assert main(["federate", "join", "h:1", "--ca", "nowhere.pem"]) == 2
    assert "nowhere.pem: no such file" in capsys.readouterr().err
    assert main(["federate", "leave"]) == 0
    assert not folder_of_this_device().exists()


@pytest.mark.parametrize(
    "code",
    [
        "from device.cli import main\nraise SystemExit(main(['federate', 'key']))",
        "import runpy\nrunpy.run_module('federated.deploy', run_name='__main__')",
    ],
)
def test_without_cryptography_it_says_which_extra(code: str) -> None:
    code = f"import sys\nsys.modules['cryptography'] = None\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    assert "pip install 'sidelong[export,federated]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_flower_that_loads_apps_in_another_way_is_not_run() -> None:
    pytest.importorskip("flwr", reason="flwr is in the extra `federated`")
    from flwr.supernode.runtime import run_clientapp

    from federated.deploy.worker import keep_out, own_app

    names = dict(vars(run_clientapp))
    keep_out(names)
    assert names["get_load_client_app_fn"](default_app_ref="", app_path=None) is own_app
    assert names["install_from_fab"](b"the server's code", skip_prompt=True) is None
    used = run_clientapp.run_clientapp.__code__.co_names
    assert {"install_from_fab", "get_load_client_app_fn"} <= set(used), "by these names"
    with pytest.raises(RuntimeError, match="install_from_fab"):
        keep_out({"get_load_client_app_fn": None})
