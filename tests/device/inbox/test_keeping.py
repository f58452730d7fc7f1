"""What is gone is gone: by retention, taken back, edited, or wiped, no byte of it is left."""

from __future__ import annotations

import asyncio
import datetime as dt
import struct
from pathlib import Path

import pytest

from device import retention
from device.cli import main
from device.commands.inbox import inbox_path
from device.inbox import Inbox
from device.language.adapter_choice import Adapters
from device.language.spill import Spill, spill_folder
from device.messages import Message
from device.model_in_use import ModelInUse
from device.outbox import Outbox
from device.settings import Settings, default_data_dir
from tests.engines import GGUF
from tests.inboxes import chat, check_sound, found, remains, said

OLD, NEW = dt.date(2024, 1, 5), dt.date(2024, 3, 1)


def test_old_messages_leave_and_newer_ones_stay(path: Path) -> None:
    with Inbox(path) as inbox, Outbox(path) as outbox:
        old = Message("Ben", "zanzibar at midnight", date=OLD, id="old")
        new = Message("Ben", "the ferry", date=NEW, id="new")
        inbox.ingest("c", chat(old, new, thread="1"))
        inbox.ingest("c", chat(old, thread="2", title="Rendezvous"))
        inbox.ingest("c", chat(*said("came today"), thread="3"))
        outbox.begin("c", "3", "m0", "an answer")
        assert remains(path.parent, "zanzibar", "Rendezvous") == ["zanzibar", "Rendezvous"]
        assert sorted(inbox.expire(NEW)) == ["1", "2"]
        assert remains(path.parent, "zanzibar", "midnight", "Rendezvous") == []
        assert remains(path.parent, "ferry", "came today", "an answer") != []
        assert sorted(info.id for info in inbox.threads()) == ["1", "3"]
        assert inbox.expire(NEW) == []
        tomorrow = dt.date.today() + dt.timedelta(days=2)
        assert inbox.expire(tomorrow) == ["1", "3"]
        assert remains(path.parent, "ferry", "came today") == []
        assert remains(path.parent, "an answer") == ["an answer"], "it may still be under way"
    check_sound(path)


def test_what_comes_after_the_newest_message_has_left_is_shown(path: Path) -> None:
    late = Message("Ben", "sent in January", date=OLD, id="late")
    with Inbox(path) as inbox:
        inbox.ingest("c", chat(Message("Ben", "the ferry", date=NEW, id="new"), late))
        inbox.mark_read("c", "t", "late")
        inbox.mark_shown("c", "t", "late")
        assert inbox.expire(NEW) == ["t"]
        assert inbox.due() == []
        inbox.ingest("c", chat(), [Message("Ben", "on board", date=NEW, id="next")])
        assert [info.last.text for info in inbox.due()] == ["on board"]
        assert inbox.claim_unshown("c", "t", "next")


def test_retention_tells_the_model_to_forget(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten: list[str] = []

    async def run(inbox: Inbox) -> None:
        keeping = asyncio.create_task(retention.keep_only(30, inbox, forgotten.append))
        while not forgotten:
            await asyncio.sleep(0.01)
        keeping.cancel()

    with Inbox(path) as inbox:
        yesterday = dt.date.today() - dt.timedelta(days=1)
        fresh = Message("Ben", "the ferry", date=yesterday, id="f")
        inbox.ingest("c", chat(Message("Ben", "zanzibar", date=OLD, id="o"), fresh))
        asyncio.run(run(inbox))
        assert found(inbox, "ferry") == ["the ferry"]
        assert found(inbox, "zanzibar") == []
    assert forgotten == ["t"]


@pytest.mark.parametrize("how", ["taken back", "edited"])
def test_what_was_taken_back_leaves_no_trace_once_the_inbox_is_closed(path: Path, how: str) -> None:
    with Inbox(path) as inbox:
        inbox.ingest("c", chat(*said("zanzibar at midnight", *(f"word{i}" for i in range(500)))))
        if how == "edited":
            assert inbox.edit("c", "t", "m0", "Anna", "the ferry")
        else:
            assert inbox.take_back("c", "t", "m0")
    assert remains(path.parent, "zanzibar", "midnight") == []
    assert remains(path.parent, "word499") == ["word499"]
    check_sound(path)


def spilled(settings: Settings) -> ModelInUse:
    """A model that had to put conversations on disk."""
    model = ModelInUse(settings)
    for number in range(8):
        text = f"zanzibar {number} " * 60
        *_, _card = model.stages(chat(Message("Ben", text, id="m"), thread=f"t{number}"))
    return model


TINY = Settings(model=str(GGUF), threads=1, context=768)


def test_what_was_taken_back_leaves_what_the_model_spilled() -> None:
    model = spilled(TINY)
    files = list(spill_folder().iterdir())
    assert files, "conversations made room for others"
    for number in range(8):
        model.forget(f"t{number}")
    assert list(spill_folder().iterdir()) == []
    again = chat(Message("Ben", "the ferry", id="m"), thread="t0")
    assert [card.thread_id for card in model.stages(again)] == ["t0", "t0"]


def test_of_an_encrypted_inbox_nothing_is_spilled() -> None:
    spilled(Settings(model=str(GGUF), threads=1, context=768, encryption="keyring"))
    assert not spill_folder().exists()


def test_a_spilled_file_is_overwritten_before_it_goes(tmp_path: Path) -> None:
    spill = Spill(tmp_path)
    file = spill._path("t")
    file.write_bytes(struct.pack("<4I", 1, 2, 3, 4) * 100)
    link = tmp_path / "link"
    link.hardlink_to(file)
    half = tmp_path / f".{file.name}.a1b2c3"  # as a crash leaves it
    half.write_bytes(b"tokens")
    spill.drop("t")
    assert list(tmp_path.iterdir()) == [link]
    assert set(link.read_bytes()) == {0}
    spill.drop("t")


def test_wipe_leaves_nothing_in_the_whole_folder(capsys: pytest.CaptureFixture[str]) -> None:
    with Inbox(inbox_path()) as inbox, Outbox(inbox_path()) as outbox:
        inbox.ingest("c", chat(*said("zanzibar at midnight"), title="Rendezvous"))
        inbox.edit("c", "t", "m0", "Anna", "zanzibar at noon")
        outbox.begin("c", "t", "m0", "with the password")
    spilled(TINY)
    work = Adapters.default().folder / "work" / "run"
    work.mkdir(parents=True)
    (work / "texts.jsonl").write_text('{"text": "zanzibar, as always"}')
    words = ("zanzibar", "midnight", "noon", "Rendezvous", "password")
    assert remains(default_data_dir(), *words) != []
    assert main(["inbox", "wipe", "--yes"]) == 0
    assert remains(default_data_dir(), *words) == []
    assert not spill_folder().exists()
    assert not work.exists()
    assert "1 messages removed" in capsys.readouterr().out
