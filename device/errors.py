"""Everything that can go wrong for a reason the wearer can mend.

SidelongError              exit code 2; the message says what, where, and what to do
├── InputError             a file that can't be read: path and, where there is one, line
├── ModelError             a model that is missing, damaged, or not what its hash says
├── StoreError             the inbox can't be opened, or belongs to a newer version
├── ConnectorError         a source of messages that can't be reached, or refuses
├── DisplayError           a display that can't be reached, or can't show it
├── VoiceError             no microphone, no loudspeaker, or nothing to hear or speak with
└── SettingsError          a setting that doesn't exist or has the wrong type
"""

from __future__ import annotations

from pathlib import Path


class SidelongError(Exception):
    """Root of the tree; `str(error)` is one sentence fit for the terminal."""


class InputError(SidelongError):
    """A file that can't be read as a chat.

    `path` and `line` (counted from 1) say where; both stand in front of the message.
    """

    def __init__(self, problem: str, path: Path | str | None = None, line: int | None = None):
        self.problem = problem
        self.path = path
        self.line = line
        where = "" if path is None else f"{path}: " if line is None else f"{path}:{line}: "
        super().__init__(where + problem)


class ModelError(SidelongError):
    """A model that is missing, damaged, or not what its manifest says."""


class StoreError(SidelongError):
    """The inbox can't be opened or read."""


class ConnectorError(SidelongError):
    """A source of messages that can't be reached, or refuses what was asked."""


class DisplayError(SidelongError):
    """A display that can't be reached, or can't show what it was given."""


class VoiceError(SidelongError):
    """A microphone, a loudspeaker, a recogniser or a voice that is missing or fails."""


class SettingsError(SidelongError):
    """A setting that doesn't exist or has the wrong type."""
