"""When is a glance known? `Writer` tells of every line that it decoded."""

from __future__ import annotations

from collections.abc import Callable

from device.language.writer import SAMPLES
from device.messages import Thread


class GlanceWatch:
    """A `Watch` that acts once the glance is known, quote or not, before the rest is decoded."""

    def __init__(self, act: Callable[[], None]):
        self._act = act
        self._heard = 0

    def __call__(self, thread: Thread, task: str, text: str, shown: bool) -> None:
        """All samples of it are heard."""
        if task == "glance":
            self._heard += 1
            if self._heard == SAMPLES["glance"]:
                self._act()
