"""The tiny model as a checkpoint, settings for it, and made-up users."""

from __future__ import annotations

import random
import shutil
import warnings
from pathlib import Path

import pytest

from device.messages import Draft, Message, Thread

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # while others are imported: not ours to mend
    import torch
    from transformers import LlamaForCausalLM
    from transformers.utils import logging

    from federated.settings import Settings
    from federated.users import Sent

TINY = Path(__file__).parents[1] / "tiny"
WORDS = ("milk", "home", "late", "train", "dinner", "sure", "thanks", "Friday", "cake", "eight")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of tests/tiny/tiny.gguf, which the engines run."""
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("tiny")
    model = LlamaForCausalLM.from_pretrained(TINY, gguf_file="tiny.gguf", dtype=torch.float32)
    model.save_pretrained(folder)
    shutil.copy(TINY / "tokenizer.json", folder)
    return folder


@pytest.fixture
def settings(checkpoint: Path, tmp_path: Path) -> Settings:
    """Small, quick, and in folders of the test's own."""
    return Settings(
        model=str(checkpoint), gguf=str(TINY / "tiny.gguf"), out=str(tmp_path / "run"),
        users=2, rounds=2, steps=6, local_steps=6, layers=1, rank=4, alpha=8.0,
        targets="q_proj,k_proj,v_proj,o_proj,down_proj", lr=1e-2, timeout=5.0,
    )  # fmt: skip


@pytest.fixture
def inside_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flower makes messages only for a task that it knows; here there is none but this test."""
    identity = "flwr.supercore.task_identity.TaskIdentity"
    for name in ("_run_id", "_node_id", "_task_id"):
        monkeypatch.setattr(f"{identity}.{name}", 1, raising=False)


def sents(name: str, count: int, seed: int = 0) -> list[Sent]:
    """Moments of one user, whose every text says whose it is and when it was sent."""
    draw = random.Random(f"{name} {seed}")
    found = []
    for number in range(count):
        text = f"{name}{number} {' '.join(draw.choices(WORDS, k=4))}"
        thread = Thread(f"{name}-{number}", name, (Message("Ben", f"question {number}?"),))
        found.append(Sent(thread, (Draft("inform", text),)))
    return found
