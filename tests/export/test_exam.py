"""The exam's command on the tiny model: what goes in, what comes out."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from export.data import Example, example_of
from export.exam import main as examine
from export.exam_lines import three
from export.exam_models import LONG, choose_shots, lengthened
from export.release import main as release
from tests.export.conftest import record

GGUF = Path(__file__).parents[1] / "tiny" / "tiny.gguf"


def test_exam_then_release(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = data.parent
    threads = data / "glancechat" / "threads-a.jsonl"
    statements, dialogues, plot = folder / "s.jsonl", folder / "d.jsonl", folder / "plot.png"
    pair = {"id": "a-02", "true": ["Ben asks for 2 chairs."], "false": ["Ben asks for 3 chairs."]}
    statements.write_text(json.dumps(pair | {"kinds": ["amount"]}))
    said = [{"from": "A", "text": "is the tap fixed?"}, {"from": "B", "text": "since noon"}]
    dialogues.write_text(json.dumps({"id": "d", "thread": said, "summary": "B fixed the tap."}))
    arguments = ["exam", "--model", str(GGUF), "--threads", str(threads), "--json", "--long", "1"]
    arguments += ["--statements", str(statements), "--summaries", str(dialogues)]
    monkeypatch.setattr(sys, "argv", [*arguments, "--plot", str(plot)])
    examine()
    printed = capsys.readouterr().out
    assert plot.read_bytes().startswith(b"\x89PNG")
    rows = {(row["on"], row["name"]): row for row in json.loads(printed)}
    baselines = {"longest new message", "quotes as shown", "LEAD-3", "LONGEST-3"}
    assert set(rows) == {
        *((on, name) for on in ("threads", "summaries") for name in baselines),
        *((on, name) for on in ("threads", "long") for name in ("tiny", "tiny, unchecked")),
        ("summaries", "tiny, unchecked"),
    }
    for (on, _), row in rows.items():
        assert row["threads"] == (8 if on == "threads" else 1)
        low, high = row["intervals"]["summary_rouge_l"]
        assert low <= row["summary_rouge_l"] <= high
    tiny = rows["threads", "tiny"]
    assert rows["threads", "longest new message"]["glance_rouge_l"] > 60, "it is the gold, nearly"
    assert rows["threads", "quotes as shown"]["cards_with_invention_pct"] == 0
    assert tiny["glance_perplexity"] > 1
    assert tiny["counts"]["pair_accuracy_pct"] == 1
    assert {kind: set(groups) for kind, groups in tiny["by"].items()} == {
        "lang": {"en"},
        "messages": {"1-3"},
        "persona": {"a", "b"},
        "kind": {"amount"},
    }
    assert rows["long", "tiny"]["thread_messages"] == 8, "no more threads to take them from"
    long = rows["long", "tiny"]
    assert tiny["glance_rouge_l"] == 100, "each is quoted whole, so that one is as good as all"
    assert long["glance_rouge_l_fall"] == pytest.approx(100 - long["glance_rouge_l"], abs=0.01)

    models = folder / "models"
    models.mkdir()
    report = folder / "exam.json"
    report.write_text(printed)
    monkeypatch.setattr(sys, "argv", ["release", str(GGUF), str(report), "--models", str(models)])
    release()
    manifest = json.loads((models / "manifest.json").read_text())
    (entry,) = manifest["models"]
    assert manifest["default"] == entry["name"] == "tiny"
    assert (models / "tiny.gguf").stat().st_size == entry["size_bytes"]
    assert entry["figures"]["summary_rouge_l"] == tiny["summary_rouge_l"]
    assert entry["figures"]["threads"] == 8


def test_tables_of_baselines_alone(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["exam", "--data", str(data), "--limit", "1"])
    examine()
    printed = capsys.readouterr().out
    assert "Threads: 1, ROUGE-L" in printed
    assert "LONGEST-3" in printed
    assert "glance_facts_recall_pct" in printed


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "say what to examine on"),
        (["--threads", "none.jsonl"], "none.jsonl: there is no such file"),
        (["--data", "nowhere"], "nowhere: no glancechat/splits.json"),
        (["--threads", "none.jsonl", "--baselines"], "--baselines needs --data"),
        (["--summaries", "none.jsonl", "--statements", "s.jsonl"], "--statements needs"),
        (["--threads", "none.jsonl", "--limit", "0"], "0 is not above 0"),
    ],
)
def test_what_cannot_be_examined(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    problem: str,
) -> None:
    monkeypatch.setattr(sys, "argv", ["exam", *arguments])
    with pytest.raises(SystemExit) as left:
        examine()
    assert left.value.code == 2
    assert problem in capsys.readouterr().err


def test_no_such_model(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["exam", "--data", str(data), "--model", "none.gguf"])
    with pytest.raises(SystemExit) as left:
        examine()
    assert left.value.code == 2
    assert "none.gguf: no such model file" in capsys.readouterr().err


def test_a_long_thread_keeps_its_news_and_its_wearer() -> None:
    pool = [example_of(record("b", n) | {"me": "Cleo"}) for n in range(2, 150)]
    pool += [example_of(_told("a", n)) for n in range(2, 60)]
    example = example_of(record("a", 1))
    long = lengthened(example, [example, *pool])
    messages = long.thread.messages
    assert len(messages) == LONG
    assert long.thread.unread == example.thread.unread
    assert "Cleo" not in {m.sender for m in messages}, "who wears the glasses is the wearer here"
    assert [m.sender for m in messages[:4]] == ["Ben", "Anna"] * 2, "the own persona comes first"
    assert long == lengthened(example, [example, *pool]), "the same each time"


def _told(persona: str, number: int) -> dict[str, object]:
    """Answered by the wearer."""
    answered = record(persona, number)
    return answered | {"messages": [*answered["messages"], {"from": "Anna", "text": "ok"}]}  # type: ignore[misc]


def test_lead_and_longest() -> None:
    texts = ["a", "bbb", "cc", "dddd", "cc"]
    thread = example_of(
        record("a", 1) | {"messages": [{"from": "Ben", "text": text} for text in texts]}
    ).thread
    assert three(thread) == ("Ben: a Ben: bbb Ben: cc", "Ben: bbb Ben: cc Ben: dddd")


def test_shots_of_three_personas() -> None:
    training: list[Example] = [example_of(record("a", n)) for n in (2, 3)]
    training += [example_of(record("b", 4) | {"asks": None})]
    assert [shot.persona for shot in choose_shots(training)] == ["a", "b", "a"]
