"""The model in use, also when `sidelong model use` or `rollback` changes it meanwhile."""

from __future__ import annotations

import logging

from device.assistant import Assistant
from device.errors import ModelError
from device.language.catalog import Catalog
from device.language.spill import Spill, spill_folder
from device.logs import about
from device.messages import Card, Thread
from device.settings import Settings

log = logging.getLogger(__name__)

KEPT = 4
"""Conversations that stay prefilled side by side, as far as they fit one context."""


class ModelInUse:
    """Writes cards. A model named in the settings stays; else each card asks the catalog."""

    def __init__(self, settings: Settings):
        """Loads the model. Raises `ModelError`."""
        self._settings = settings
        self._catalog = Catalog.default()
        self._name = self._chosen()
        self._assistant = self._load()

    def card(self, thread: Thread) -> Card:
        """By the model that is in use now; by the old one where the new one can't be loaded."""
        try:
            if (name := self._chosen()) != self._name:
                self._name = name
                self._assistant = self._load()
                log.info("model", extra=about(model=name))
        except ModelError:
            log.exception("model")
        return self._assistant.card(thread)

    def _load(self) -> Assistant:
        return Assistant.from_settings(self._settings, KEPT, Spill(spill_folder()))

    def _chosen(self) -> str:
        return self._settings.model or self._catalog.current_name()
