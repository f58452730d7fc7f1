"""The model in use, also when `sidelong model use` or `rollback` changes it meanwhile."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator

from device.assistant import Assistant
from device.errors import ModelError
from device.language.catalog import Catalog
from device.language.spill import Spill, spill_folder
from device.logs import about
from device.messages import Card, Thread
from device.settings import Settings

log = logging.getLogger(__name__)

KEPT = 2
"""Conversations that stay prefilled side by side, as far as they fit one context. Without flash
attention each row is multiplied with the cells of all of them, so that more of them cost more than
they save: the others come back from disk in milliseconds."""


class ModelInUse:
    """Writes cards. A model named in the settings stays; else each card asks the catalog."""

    def __init__(self, settings: Settings):
        """Loads the model. Raises `ModelError`."""
        self._settings = settings
        self._catalog = Catalog.default()
        self._name = self._chosen()
        self._assistant = self._load()

    def stages(self, thread: Thread) -> Iterator[Card]:
        """The card as far as it is written, the last one whole.

        By the model that is in use now; by the old one where the new one can't be loaded.
        """
        try:
            if (name := self._chosen()) != self._name:
                self._name = name
                self._assistant = self._load()
                gc.collect()  # the old one's parts hold each other: 170 MB that would stay for long
                log.info("model", extra=about(model=name))
        except ModelError:
            log.exception("model")
        yield from self._assistant.stages(thread)

    def keep_up(self, thread: Thread) -> None:
        """Read on in a thread that is prefilled, before anything is asked of it."""
        self._assistant.keep_up(thread)

    def forget(self, thread_id: str) -> None:
        """Keep nothing of that thread, neither in memory nor on disk."""
        self._assistant.forget(thread_id)

    def _load(self) -> Assistant:
        # What is spilled can't be encrypted, so of an encrypted store nothing is.
        plain = self._settings.encryption == "off"
        spill = Spill(spill_folder()) if plain else None
        return Assistant.from_settings(self._settings, KEPT, spill)

    def _chosen(self) -> str:
        return self._settings.model or self._catalog.current_name()
