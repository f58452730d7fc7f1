"""The load test itself, on the tiny model: it counts what comes in, and notices what is lost."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from device.card_queue import quoted_card
from device.intake import Intake
from scripts import load_test
from tests.engines import GGUF

SMALL = ["--model", str(GGUF), "--threads", "4", "--rate", "30", "--seconds", "0.4"]
SMALL += ["--cpu-threads", "1"]


def test_every_message_is_kept_and_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_test, "PROBES", 1)
    assert load_test.main(SMALL) == 0
    *told, last = capsys.readouterr().out.splitlines()
    found = json.loads(last)
    assert [line.split()[:2] for line in told[1:3]] == [["messages", "that"], ["messages", "lost"]]
    assert len(told) == len(found)
    assert (found["messages"], found["lost"], found["cards_failed"]) == (12, 0, 0)
    assert 0 < found["glances_of_the_newest"] <= found["messages"]
    assert 0 <= found["cards"] <= found["messages"]
    assert found["peak_mb_most"] >= found["peak_mb_halfway"] >= found["peak_mb_idle"] > 0


def test_a_lost_message_is_noticed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest = Intake._ingest

    def forgetful(self: Intake, run: list) -> object:  # type: ignore[type-arg]
        changed = ingest(self, run)
        if any(arrival.message.id == "new 9" for arrival in run):
            with self._inbox._using() as db:
                db.execute("DELETE FROM messages WHERE id = 'new 9'")
        return changed

    monkeypatch.setattr(load_test, "PROBES", 1)
    monkeypatch.setattr(Intake, "_ingest", forgetful)
    quick = SimpleNamespace(
        stages=lambda thread: iter([quoted_card(thread)]), forget=lambda thread_id: None
    )
    monkeypatch.setattr(load_test, "load_writer", lambda *args, **more: quick)
    assert load_test.main(SMALL) == 1
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["lost"] == 1


def test_what_cannot_be_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert load_test.main(["--model", "missing.gguf"]) == 2
    assert "missing.gguf" in capsys.readouterr().err
    assert load_test.main(["--cpu-threads", "999"]) == 2
    assert "threads can't be 999; this machine has" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        load_test.main(["--threads", "1"])
