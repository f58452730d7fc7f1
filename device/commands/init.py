"""sidelong init: a settings file in which every setting is explained."""

from __future__ import annotations

import argparse

from device.errors import SettingsError
from device.settings import settings_file, settings_path


def add(parser: argparse.ArgumentParser) -> None:
    """There are no options."""


def run(args: argparse.Namespace) -> int:
    """0. Raises `SettingsError` where there is a file already, or it can't be written."""
    path = settings_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(settings_file())
    except FileExistsError as error:
        problem = "is there already and is left as it is; edit it, or move it away first"
        raise SettingsError(f"{path}: {problem}") from error
    except OSError as error:
        raise SettingsError(f"{path}: can't be written ({error.strerror})") from error
    print(f"{path}: take the # from a line to set it")
    return 0
