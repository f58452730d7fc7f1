"""sidelong check, as people read it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from device.cli import main
from device.commands.check import reason
from device.commands.common import PROBLEMS_SHOWN
from device.language.verdict import Reason, Verdict


def write(path: Path, *records: object) -> str:
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    return str(path)


def thread(id: str, title: str | None = None) -> dict[str, object]:
    messages = [{"from": "Ben", "at": "18:02", "text": "can you bring 3 chairs?"}]
    return {"id": id, "me": "Anna", "title": title, "messages": messages}


@pytest.fixture
def chats(tmp_path: Path) -> str:
    return write(tmp_path / "threads.jsonl", thread("t1", "Garden"), thread("t2"))


def test_each_statement_has_its_outcome_under_its_thread(
    chats: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    true, false = "Ben asks for 3 chairs.", "Ben asks for 4 chairs at 5 p.m."
    claims = write(
        tmp_path / "claims.jsonl",
        {"id": "t1", "true": [true], "false": [false]},
        {"id": "t1", "false": [true], "true": [false]},
        {"id": "t2", "statements": [true, false]},
    )
    assert main(["check", chats, claims]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "t1  Garden",
        f"  ✓ passed           {true}",
        f"  ✓ caught           {false}",
        "                     The number 4 is not in the thread. The time 5 p.m. is not",
        "                     in the thread.",
        f"  ✗ wrongly refused  {false}",
        "                     The number 4 is not in the thread. The time 5 p.m. is not",
        "                     in the thread.",
        f"  ✗ missed           {true}",
        "",
        "t2",
        f"  ✓ supported        {true}",
        f"  ✗ not supported    {false}",
        "                     The number 4 is not in the thread. The time 5 p.m. is not",
        "                     in the thread.",
        "",
        "1 of 2 true passed, 1 of 2 false caught, 1 of 2 statements supported.",
    ]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["One.", "Two."], "One. Two."),
        (["It says 5 p.m. and not 5 p.m.."], "It says 5 p.m. and not 5 p.m."),
        (["Nobody wrote “supported?.”."], "Nobody wrote “supported?.”"),
        (["Nobody asks supported?."], "Nobody asks supported?"),
        (["It says so...."], "It says so..."),
    ],
)
def test_reasons_are_sentences_with_one_full_stop(texts: list[str], said: str) -> None:
    reasons = tuple(Reason("whole", "", text) for text in texts)
    assert reason(Verdict(False, reasons)) == said
    assert reason(Verdict(True)) is None


def test_unreadable_threads_are_one_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    claims = [{"id": f"t{i}", "statements": ["x"]} for i in range(9)]
    path = write(tmp_path / "claims.jsonl", *claims)
    assert main(["check", str(tmp_path / "nosuch"), path]) == 2
    captured = capsys.readouterr()
    assert captured.err == f"sidelong: {tmp_path / 'nosuch'}: there is no such file\n"
    assert not captured.out


def test_many_broken_lines_are_counted(
    chats: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = {"id": "t1", "statements": ["Ben asks for 3 chairs."]}
    path = write(tmp_path / "claims.jsonl", *[{"a": 1}] * 500, {"id": "zz", "true": []}, good)
    assert main(["check", chats, path, "--json"]) == 2
    captured = capsys.readouterr()
    assert json.loads(captured.out)["pass"]
    lines = captured.err.splitlines()
    assert len(lines) == PROBLEMS_SHOWN + 1
    assert lines[-1] == f"sidelong: {path}: {501 - PROBLEMS_SHOWN} more like these"
    broken = write(tmp_path / "broken.jsonl", *[{"a": 1}] * 500)
    assert main(["check", broken, path]) == 2
    assert len(capsys.readouterr().err.splitlines()) == PROBLEMS_SHOWN + 1


def test_no_statement_is_lost_before_an_error_is_told(
    chats: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two files that are wrong have their own counts."""
    many = write(tmp_path / "many.jsonl", *[{"a": 1}] * (PROBLEMS_SHOWN + 1))
    few = write(tmp_path / "few.jsonl", {"a": 1})
    assert main(["inbox", "import", many, few, chats]) == 2
    captured = capsys.readouterr()
    assert f"{few}:1: messages must be a list" in captured.err
    assert f"{many}: 1 more like these" in captured.err
    assert captured.out.splitlines()[-1] == "t2: 1 new of 1 messages"
