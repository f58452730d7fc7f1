"""A folder of data in GlanceChat's format, and the tiny model as a checkpoint."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

TINY = Path(__file__).parents[1] / "tiny"
REAL = Path(os.environ.get("DATA", Path(__file__).parents[3] / "shared" / "data"))
"""The folder of training data, which is no part of the repository."""


def record(persona: str, number: int) -> dict[str, object]:
    """One thread with its targets."""
    return {
        "id": f"{persona}-{number:02}",
        "persona": persona,
        "lang": "en",
        "me": "Anna",
        "title": "Ben",
        "messages": [{"from": "Ben", "at": "18:02", "text": f"bring {number} chairs?"}],
        "unread_from": 0,
        "glance": f"Ben: bring {number} chairs?",
        "summary": f"Ben asks whether you can bring {number} chairs.",
        "asks": f"whether you can bring {number} chairs",
        "needs_reply": True,
        "urgency": "normal",
        "replies": [{"intent": "accept", "text": "sure"}, {"intent": "ask", "text": "where to?"}],
    }


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with glancechat/: six training threads and two development threads. The repository's
    own threads are left out: a run over a few is what these tests want.
    """
    own = tmp_path / "own"
    own.mkdir()
    (own / "none.jsonl").touch()
    monkeypatch.setattr("export.recipe.OWN", own)
    folder = tmp_path / "data" / "glancechat"
    folder.mkdir(parents=True)
    (folder / "splits.json").write_text('{"development": ["b"]}')
    records = [record("a", n) for n in range(2, 8)] + [record("b", n) for n in (8, 9)]
    (folder / "threads-a.jsonl").write_text("\n".join(map(json.dumps, records)) + "\n")
    return tmp_path / "data"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A random Llama with the tiny model's shape and vocabulary."""
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig.from_pretrained(TINY))
    folder = tmp_path / "checkpoint"
    model.save_pretrained(folder)
    shutil.copy(TINY / "tokenizer.json", folder)
    return folder


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of training data, where there is one."""
    if not (REAL / "glancechat").is_dir():
        pytest.skip(f"no training data in {REAL}")
    return REAL
