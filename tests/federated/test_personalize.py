"""`sidelong personalize` on the tiny model: what it learns from, keeps, refuses, and forgets."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from device.cli import main
from device.errors import SidelongError
from device.inbox import Inbox
from device.language.adapter_choice import Adapters
from device.language.load import Model
from device.language.prompt import ThreadPrompt, thread_tokens
from device.messages import INTENTS, Thread
from federated import personal_gate, personal_run, personalize
from federated.base_model import unpacked
from federated.deploy import shared
from federated.deploy.limits import Limits
from federated.deploy.membership import Membership, folder_of_this_device
from federated.own_texts import answers, wearer
from federated.personal_gate import engine_of, likelihoods, with_intents
from federated.personal_run import Run, begun, learn, load_state, run_of
from federated.settings import ROOT
from tests.federated.conftest import TINY, Settings, sents
from tests.federated.personal import BASE, GGUF, alike, chat, keep, quick, said, silent, user_of


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The command changes its own process, which here goes on; how much nicer it would be."""
    nicer: list[int] = []
    monkeypatch.setattr(os, "nice", nicer.append)
    for name in personalize.QUIET:
        monkeypatch.setenv(name, os.environ.get(name, ""))
    return nicer


@pytest.fixture
def lines_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of random weights it is chance whether a line passes; test_personal_gate.py has that gate."""
    monkeypatch.setattr(personal_gate, "lines_that_pass", lambda *_: [True])


def test_an_answer_is_the_first_word_behind_somebody_elses(tmp_path: Path) -> None:
    thread = Thread(
        "t",
        "Ann",
        (
            said("Ann", "nobody asked"),
            said("Ben", "shall we go to the lake?"),
            said("Ann", "yes!\nat eight"),
            said("Ann", "or nine"),
            said("Ben", "send me a picture of the house"),
            said("Ann", "[photo] here it is"),
            said("Ben", "and when will you be home?"),
            said("Ann", "soon"),
        ),
        title="Ben",
    )
    later = chat(["last of all"], "Cem", first=5)
    with Inbox(tmp_path / "inbox.sqlite") as inbox:
        inbox.ingest("file", later)
        inbox.ingest("file", thread)
        found = answers(inbox)
    assert [s.replies[0].text for s in found] == ["yes! at eight", "soon", "last of all"]
    first, second, _ = (s.thread for s in found)
    assert [m.text for m in first.unread] == ["shall we go to the lake?"]
    assert [m.text for m in second.unread] == ["and when will you be home?"]
    assert second.messages[0].text == "shall we go to the lake?"
    assert first.id != second.id


def test_with_few_answers_nothing_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    keep(chat(["ok"] * 50 + alike(20)))
    assert main(["personalize", "--model", str(GGUF)]) == 2
    assert "holds 21 different answers of yours, and learning takes 30" in capsys.readouterr().err
    assert not list(Adapters.default().folder.iterdir())


def test_the_intent_is_the_one_that_explains_the_answer_best() -> None:
    (moment,) = sents("ann", 1)
    with engine_of(Model("tiny", GGUF, BASE), 1) as engine:
        (guessed,) = with_intents(engine, [moment], lambda: None)
        prompt = ThreadPrompt(engine.vocabulary)
        trunk, _ = thread_tokens(prompt, moment.thread, 128)
        seq = engine.open()
        engine.extend(seq, trunk)
        asked = engine.score(seq, [prompt.reply(i, moment.thread) for i in INTENTS])
        engine.close(seq)
        whole = []
        for intent, first in zip(INTENTS, asked, strict=True):
            replies = tuple(dataclasses.replace(r, intent=intent) for r in moment.replies)
            nats, _ = likelihoods(engine, [dataclasses.replace(moment, replies=replies)])
            whole.append(first - nats[0])
    assert guessed.replies[0].text == moment.replies[0].text
    assert guessed.replies[0].intent == INTENTS[int(np.argmax(whole))]


def test_what_is_learnt_is_kept_in_use_and_rolled_back(
    capsys: pytest.CaptureFixture[str], as_it_was: list[int], lines_hold: None
) -> None:
    keep(chat(alike(40)), chat(alike(20, seed=1), "Cem", first=40))
    adapters = Adapters.default()
    follow = adapters.follow(BASE)
    assert follow() is None
    assert main(["personalize", "--model", str(GGUF)]) == 0
    out = capsys.readouterr().out
    assert "MB that are free" in out
    assert as_it_was == [personalize.NICENESS]
    assert "Kept" in out
    path = follow()
    assert path is not None, "a running assistant takes it up"
    left = {p.name for p in adapters.folder.rglob("*")}
    assert left == {path.name, "choice.json", "verdict.json", "work"}

    assert main(["personalize", "--status"]) == 0
    out = capsys.readouterr().out
    assert "Nothing is running" in out
    assert f"In use: adapter {path.stem[:8]}" in out
    assert "Kept" in out

    assert main(["personalize", "--rollback"]) == 0
    assert follow() is None
    assert main(["personalize", "--rollback"]) == 0
    assert follow() == path


KILL = """
import os, signal, sys
from pathlib import Path
from device.language.adapter_choice import Adapters
from federated.personal_run import learn
from tests.federated.personal import quick, user_of, chat, alike

def say(doing, done, of):
    if (doing, done) == (sys.argv[2], int(sys.argv[3])):
        os.kill(os.getpid(), signal.SIGKILL)

adapters = Adapters(Path(sys.argv[1]))
learn(quick(adapters.folder), user_of(chat(alike(40))), adapters, say)
"""


@pytest.mark.parametrize("moment", [("training", 2), ("judging what was learnt", 0)])
def test_a_killed_run_goes_on_to_the_same_adapter(
    moment: tuple[str, int], tmp_path: Path, lines_hold: None
) -> None:
    user = user_of(chat(alike(40)))
    whole, killed = Adapters(tmp_path / "whole"), Adapters(tmp_path / "killed")
    learn(quick(whole.folder), user, whole, silent)
    command = [sys.executable, "-c", KILL, str(tmp_path / "killed"), moment[0], str(moment[1])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == -signal.SIGKILL, done.stderr
    run = quick(killed.folder)
    state = load_state(run)
    assert state is not None
    assert moment[0] == "judging what was learnt" or state.stretch == 2

    stretches = []
    learn(
        run, user, killed, lambda doing, n, of: stretches.append(n) if doing == "training" else None
    )
    assert stretches[:1] == ([2] if moment[0] == "training" else []), "nothing is learnt twice"
    one, two = whole.choice().current, killed.choice().current
    assert one is not None
    assert one.base == BASE
    assert one == two
    assert not run.folder.exists()


def test_a_checkpoint_of_other_settings_is_left_alone(tmp_path: Path) -> None:
    """And a run of another model is removed, texts and all."""
    adapters = Adapters(tmp_path)
    run = quick(adapters.folder)

    def stop(doing: str, done: int, of: int) -> None:
        if (doing, done) == ("training", 1):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(run, user_of(chat(alike(40))), adapters, stop)
    assert begun(run) is not None
    assert load_state(run) is not None
    other = dataclasses.replace(run, settings=dataclasses.replace(run.settings, rank=4))
    assert load_state(other) is None
    (run.folder / "checkpoint.npz").write_bytes(b"PK damaged")
    assert load_state(run) is None
    elsewhere = quick(adapters.folder, "another")
    with pytest.raises(KeyboardInterrupt):
        learn(elsewhere, user_of(chat(alike(40))), adapters, stop)
    assert not run.folder.exists()


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")  # as it should
def test_in_the_background_and_forgotten_meanwhile(capsys: pytest.CaptureFixture[str]) -> None:
    keep(chat(alike(200)))
    adapters = Adapters.default()
    assert main(["personalize", "--background", "--model", str(GGUF)]) == 0
    assert "in the background" in capsys.readouterr().out
    state = personalize._progress(adapters)
    assert state is not None
    assert state["pid"] != os.getpid()
    assert main(["personalize", "--status"]) == 0
    assert "Running: " in capsys.readouterr().out
    assert main(["personalize", "--model", str(GGUF)]) == 2
    assert "going on already" in capsys.readouterr().err
    assert main(["personalize", "--forget"]) == 0
    assert "Gone" in capsys.readouterr().out
    assert not adapters.folder.exists()
    until = time.monotonic() + 60
    while Path(f"/proc/{state['pid']}/stat").exists() and time.monotonic() < until:
        if ") Z " in Path(f"/proc/{state['pid']}/stat").read_text():
            break  # this process started it, and has not asked how it ended
        time.sleep(0.1)
    assert time.monotonic() < until
    assert not adapters.folder.exists()


def test_less_memory_than_it_takes_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(chat(alike(40)))
    monkeypatch.setattr(personalize, "free_mb", lambda: 100.0)
    assert main(["personalize", "--model", str(GGUF)]) == 2
    said = capsys.readouterr()
    assert "MB of memory, of 100 MB that are free" in said.out
    assert "close other programs" in said.err


def test_without_pytorch_it_says_which_extra() -> None:
    code = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "from device.cli import main\n"
        "assert main(['personalize', '--status']) == 0\n"
        "raise SystemExit(main(['personalize']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    assert "pip install 'sidelong[export]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_model_of_another_prompt_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["personalize", "--model", str(TINY / "tiny-adapter.gguf")]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_the_settings_are_the_federations_for_learning_alone(tmp_path: Path) -> None:
    settings = run_of(Model("tiny", GGUF, BASE), tmp_path, 1).settings
    assert (settings.rank, settings.alpha, settings.users) == (8, 16.0, 1)
    assert settings.layers == Settings().layers


def test_it_begins_with_what_the_federation_has_learnt_where_that_helps(tmp_path: Path) -> None:
    user = user_of(chat(alike(40)))
    alone = quick(tmp_path)
    assert alone.shared == {}
    learnt = personal_run._trained(made(alone), user, silent)
    member = Membership(folder_of_this_device(), GGUF, BASE, Limits())
    member.folder.mkdir()

    shared.keep(member, learnt, alone.settings)
    still = {"steps": 1, "lr": 1e-9}
    run = made(run_of(Model("tiny", GGUF, BASE), tmp_path / "good", 1, **still))
    found = personal_run._trained(run, user, silent)
    assert all(np.allclose(found[name], value, atol=1e-6) for name, value in learnt.items())

    poisoned = {n: -v if n.endswith(".lora_b") else v for n, v in learnt.items()}
    shared.keep(member, poisoned, alone.settings)
    run = made(run_of(Model("tiny", GGUF, BASE), tmp_path / "bad", 1, **still))
    found = personal_run._trained(run, user, silent)
    assert all(np.abs(v).max() < 1e-6 for n, v in found.items() if n.endswith(".lora_b"))

    assert shared.shared_for("00" * 32) == ({}, {}), "of another model"


def made(run: Run) -> Run:
    """The run with its folder, and the model's weights in it."""
    run.folder.mkdir(parents=True)
    unpacked(GGUF, run.settings.path("model"))
    return run


def test_nobody_wrote_enough() -> None:
    with pytest.raises(SidelongError, match="0 different answers"):
        wearer([])
