"""The adapter that all have made together, as this device keeps it for `sidelong personalize`.

Its file says for which model it is, and of which form: what an adapter has to have in common with
it to go on from it. A is kept too, so that no seed has to be the same.
"""

from __future__ import annotations

from typing import Any

from federated.adapters import Arrays, read_npz, write_npz
from federated.deploy.membership import Membership, folder_of_this_device
from federated.settings import Settings

FORM = ("layers", "targets", "rank", "alpha")
FILE = "shared.npz"


def keep(mine: Membership, arrays: Arrays, settings: Settings) -> None:
    """Write all of A and B, learnt with these settings, in the place of what was there.

    Raises `OSError`.
    """
    form = {name: getattr(settings, name) for name in FORM}
    write_npz(mine.folder / FILE, arrays, {"base": mine.base, "form": form})


def shared_for(base: str) -> tuple[dict[str, Any], Arrays]:
    """(its form, all of A and B) for the model with this SHA-256; both empty where there is none.

    Raises `OSError` where it can't be read.
    """
    path = folder_of_this_device() / FILE
    try:
        arrays, told = read_npz(path)
        return (told["form"], arrays) if told["base"] == base else ({}, {})
    except (FileNotFoundError, KeyError, TypeError, ValueError):  # none, or of another version
        return {}, {}
