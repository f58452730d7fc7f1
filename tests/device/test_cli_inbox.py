"""sidelong inbox import and search: two conversations of one name stay apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from device.cli import main
from device.commands.inbox import wearers_inbox


def kept() -> dict[str, list[str]]:
    """Each conversation's id and texts."""
    with wearers_inbox() as inbox:
        infos = sorted(inbox.threads(), key=lambda info: info.id)
        return {i.id: [m.text for m in inbox.thread("file", i.id).messages] for i in infos}


def jsonl(path: Path, *texts: str, me: str = "Anna", title: str | None = "Trip") -> str:
    messages = [{"from": "Ben", "at": "18:01", "text": text} for text in texts]
    path.write_text(json.dumps({"id": "a", "me": me, "title": title, "messages": messages}))
    return str(path)


def whatsapp(folder: Path, *texts: str) -> str:
    folder.mkdir()
    path = folder / "WhatsApp Chat with Ben.txt"
    lines = [f"{i + 12}/03/2024, 18:02 - Ben: {text}\n" for i, text in enumerate(texts)]
    path.write_text("".join(lines))
    return str(path)


def test_two_people_called_ben(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = whatsapp(tmp_path / "1", "bring the tent", "at seven")
    other = whatsapp(tmp_path / "2", "your invoice is late")
    assert main(["inbox", "import", one, other, "--me", "-"]) == 0
    said = "Ben: 1 new of 1 messages, 12 Mar 2024, kept apart as whatsapp:Ben (2)"
    assert said in capsys.readouterr().out
    grown = [
        whatsapp(tmp_path / "3", "bring the tent", "at seven", "no, eight"),
        whatsapp(tmp_path / "4", "your invoice is late", "thanks"),
    ]
    for _ in range(2):
        assert main(["inbox", "import", *grown, "--me", "-"]) == 0
        assert kept() == {
            "whatsapp:Ben": ["bring the tent", "at seven", "no, eight"],
            "whatsapp:Ben (2)": ["your invoice is late", "thanks"],
        }


@pytest.mark.parametrize("other", [{"me": "Wren"}, {"title": "Club"}, {"title": None}])
def test_one_id_in_two_files(other: dict[str, str | None], tmp_path: Path) -> None:
    chats = [
        jsonl(tmp_path / "1.jsonl", "bring the tent"),
        jsonl(tmp_path / "2.jsonl", "the pegs too", **other),  # type: ignore[arg-type]
    ]
    assert main(["inbox", "import", *chats]) == 0
    assert kept() == {"a": ["bring the tent"], "a (2)": ["the pegs too"]}


def test_what_comes_after_is_of_the_same_thread(tmp_path: Path) -> None:
    chats = [
        jsonl(tmp_path / "1.jsonl", "bring the tent"),
        jsonl(tmp_path / "2.jsonl", "the pegs too"),
        jsonl(tmp_path / "3.jsonl", "bring the tent", "and a lamp", title="Trip, new"),
    ]
    assert main(["inbox", "import", *chats]) == 0
    assert kept() == {"a": ["bring the tent", "the pegs too", "and a lamp"]}


def test_a_hit_begins_with_what_is_known_of_its_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chats = [
        jsonl(tmp_path / "1.jsonl", "bring the tent"),
        whatsapp(tmp_path / "2", "tent"),
    ]
    timeless = tmp_path / "3.jsonl"
    messages = [{"from": "Dot", "text": "tent pegs"}]
    timeless.write_text(
        json.dumps({"id": "b", "me": "Anna", "title": "Club", "messages": messages})
    )
    assert main(["inbox", "import", *chats, str(timeless), "--me", "-"]) == 0
    capsys.readouterr()
    assert main(["inbox", "search", "tent"]) == 0
    assert sorted(capsys.readouterr().out.splitlines()) == [
        "18:01 Trip  Ben bring the tent",
        "2024-03-12 18:02 Ben  Ben tent",
        "Club  Dot tent pegs",
    ]


def test_a_list_that_is_piped_has_a_line_a_conversation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    main(["inbox", "import", jsonl(tmp_path / "1.jsonl", "hi", title="long " * 30)])
    capsys.readouterr()
    assert main(["inbox", "list"]) == 0
    assert "long " * 29 + "long" in capsys.readouterr().out.splitlines()[1]


def test_days_read_the_wrong_way_round_are_seen_and_mended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chat = tmp_path / "chat.txt"
    chat.write_text("05/06/24, 09:10 - Ben: dinner at 7?\n06/06/24, 09:11 - Ben: great\n")
    assert main(["inbox", "import", str(chat), "--me", "-"]) == 0
    assert "2 new of 2 messages, 5 Jun 2024 to 6 Jun 2024\n" in capsys.readouterr().out
    assert main(["inbox", "import", str(chat), "--me", "-", "--date-order", "mdy"]) == 0
    assert "0 new of 2 messages, 6 May 2024 to 6 Jun 2024\n" in capsys.readouterr().out
    with wearers_inbox() as inbox:
        [info] = inbox.threads()
        dates = [str(m.date) for m in inbox.thread("file", info.id).messages]
    assert dates == ["2024-05-06", "2024-06-06"]


def test_an_empty_inbox_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "when is dinner?", "--no-model"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "Nothing found.\n"
    assert "The inbox is empty" in captured.err
