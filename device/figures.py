"""How the live flow is doing: counts and times, no words. Kept in one file, for `run --status`."""

from __future__ import annotations

import datetime as dt
import json
import os
import statistics
from collections import deque
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from device.card_queue import Written
from device.disk import write_atomically
from device.errors import StoreError

KEPT = 1000
"""Times that percentiles are taken of: the newest."""
_SAID = {"p50": "median", "p95": "95 %", "max": "longest"}


def _now() -> str:
    return dt.datetime.now().isoformat(timespec="minutes")


@dataclass
class Figures:
    """Of one run."""

    connector: str = ""
    model: str = ""
    messages: int = 0
    glances: int = 0
    quotes: int = 0
    """Glances that are quotes."""
    cards: int = 0
    """Whole ones."""
    written_anew: int = 0
    """Cards that a newer message overtook while they were written."""
    held: int = 0
    """Cards that waited until the wearer was free."""
    sent: int = 0
    undone: int = 0
    errors: int = 0
    quota: int | None = None
    """Interruptions that are left in this hour; None where nothing limits them."""
    started: str = field(default_factory=_now)
    """Local date and time, ISO 8601."""
    ended: str = ""
    """The same; empty while it runs."""
    glance_ms: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    """From a message's arrival to its glance on the display, of those that were not held."""
    drawing_ms: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))

    def wrote(self, written: Written) -> None:
        """Count a glance, the rest of its card, or both."""
        self.cards += written.part != "glance"
        if written.part != "rest":
            self.glances += 1
            self.quotes += written.card.glance.source == "quote"
            self.model = written.card.model

    def end(self) -> None:
        """It runs no longer."""
        self.ended = _now()

    def record(self) -> dict[str, Any]:
        """All of it, the times as percentiles."""
        counts = {k: v for k, v in asdict(self).items() if not k.endswith("_ms")}
        rate = round(self.quotes / self.glances, 3) if self.glances else None
        times = {
            "glance_ms": percentiles(self.glance_ms),
            "drawing_ms": percentiles(self.drawing_ms),
        }
        return {"pid": os.getpid(), **counts, "quote_rate": rate, **times}

    def write(self, path: Path) -> None:
        """For `read_figures`. Raises `OSError`."""
        write_atomically(path, json.dumps(self.record()) + "\n")


def rows(record: dict[str, Any]) -> list[tuple[str, str]]:
    """A record for people: what, and how much.

    >>> rows(Figures("replay", started="2026-01-02T03:04").record())[0]
    ('running since', '2026-01-02 03:04')
    """
    rate, held = record["quote_rate"], record["held"]
    told = [
        _ran(record),
        ("connector", record["connector"]),
        ("model", record["model"] or "none yet"),
        ("messages", str(record["messages"])),
        ("cards", str(record["cards"])),
        ("glances that are quotes", "no glance yet" if rate is None else f"{rate:.0%}"),
        ("written anew for a newer message", str(record["written_anew"])),
        ("held back until you were free", str(held)),
        ("interruptions left this hour", "not limited" if record["quota"] is None
         else str(record["quota"])),
        ("sent", str(record["sent"])),
        ("taken back", str(record["undone"])),
        ("errors", str(record["errors"])),
    ]  # fmt: skip
    waited = f"; {held} waited until you were free, which is not timed" if held else ""
    lacks = {"glance_ms": f"no glance was shown at once yet{waited}", "drawing_ms": "nothing yet"}
    for name, what in (("glance_ms", "message to glance"), ("drawing_ms", "drawing")):
        times = record[name] or {}
        said = ", ".join(f"{_SAID[key]} {ms:.0f} ms" for key, ms in times.items())
        told.append((what, said or lacks[name]))
    return told


def _ran(record: dict[str, Any]) -> tuple[str, str]:
    started, ended = (record[name].replace("T", " ") for name in ("started", "ended"))
    if ended:
        return "ran", f"{started} to {ended}"
    # A run that was killed has written no end. Only Linux is asked whether it is there.
    if Path("/proc/self").exists() and not Path(f"/proc/{record['pid']}").exists():
        return "ran", f"from {started} until it was cut off"
    return "running since", started


def percentiles(times: deque[float]) -> dict[str, float] | None:
    """Median, 95th percentile and maximum; None where nothing was measured.

    >>> percentiles(deque([30.0, 10.0, 20.0]))
    {'p50': 20.0, 'p95': 30.0, 'max': 30.0}
    """
    if not times:
        return None
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    middle = statistics.median(ordered)
    return {"p50": round(middle, 1), "p95": round(p95, 1), "max": round(ordered[-1], 1)}


def read_figures(path: Path) -> dict[str, Any]:
    """What a run last wrote. Raises `StoreError` where there is none."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StoreError(f"{path}: not there; `sidelong run` has not run yet") from error
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: can't be read ({error}); it is written anew by a run") from error
    if not isinstance(record, dict) or not record.keys() >= Figures().record().keys():
        raise StoreError(f"{path}: no status; it is written anew by a run")
    return record
