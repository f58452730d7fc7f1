"""When is a glance known? `Writer` tells of every line that it decoded."""

from __future__ import annotations

from collections.abc import Callable

from device.messages import Thread


class GlanceWatch:
    """A `Watch` that acts once the glance is known, quote or not, before the rest is decoded."""

    def __init__(self, act: Callable[[], None]):
        self._act = act

    def __call__(self, thread: Thread, task: str, text: str, shown: bool) -> None:
        if task == "glance":
            self._act()
