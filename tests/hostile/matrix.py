"""Events of a homeserver that are not what they should be, through the whole flow."""

from __future__ import annotations

import asyncio
from importlib import util
from pathlib import Path

from device.inbox import Inbox
from device.live import Live
from device.outbox import Outbox
from tests.hostile.course import PATIENCE, STEP, Counts, logged
from tests.hostile.watching import watching
from tests.lives import Quick, card

FIRST, LAST = "before all that", "after all that"


def run(counts: Counts, folder: Path) -> None:
    """Count them in; says so where matrix-nio isn't installed."""
    if util.find_spec("nio") is None:
        counts.told("malformed Matrix events are left out: pip install 'sidelong[matrix]'")
        return
    asyncio.run(_run(counts, folder))


async def _run(counts: Counts, folder: Path) -> None:
    from tests.device.connectors.matrix.homeserver import FakeHomeserver, faked, message, ok
    from tests.hostile.matrix_events import MALFORMED, TO_DEVICE

    server = FakeHomeserver()
    server.answer = lambda request: (
        ok(chunk=[], start="s") if request.path.endswith("/messages") else None
    )
    server.syncs = [
        [],
        [message("$first", FIRST), *MALFORMED, message("$last", LAST)],
        {"to_device": {"events": TO_DEVICE}},
        {"rooms": 7, "to_device": [], "device_lists": "x", "device_one_time_keys_count": None},
        [message("$done", "and all is well")],
    ]
    counts.texts += len(MALFORMED) + len(TO_DEVICE) + 1
    with logged(), Inbox(folder / "matrix-inbox") as inbox, Outbox(folder / "matrix-inbox") as out:
        async with watching() as glass, faked(server, folder / "matrix") as (connector, _):
            live = Live("matrix", connector, inbox, out, glass, Quick(card), PATIENCE)
            running = asyncio.create_task(live.run())
            seen = asyncio.create_task(glass.until("and all is well"))
            await asyncio.wait({running, seen}, timeout=STEP, return_when="FIRST_COMPLETED")
            if not seen.done():
                why = running.exception() if running.done() else "the last message never came"
                counts.note("crashes", f"Matrix events: {why}")
            seen.cancel()
            live.stop()
            await asyncio.gather(running, return_exceptions=True)
            for path in server.seen:
                if "/send/" in path or "/redact" in path:
                    counts.note("sends", path)
            for what in glass.dirty:
                counts.note("dirty", f"Matrix events: {what}")
