"""What a device that takes part keeps in the data folder's `federation/`, and nowhere else.

device.key      proves to the server who this is; its public half is given to the operator
joined.json     the model, and the wearer's limits
sent.jsonl      one line for each update that left: when, which round, how many bytes
base-<hash>/    the model's weights as what can be trained; made again when it is missing
shared.npz      the adapter that all have made together, as the server last sent it; where
                `sidelong personalize` begins
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from device.disk import write_atomically
from device.errors import ModelError, SidelongError
from device.language.load import Model
from device.settings import default_data_dir
from federated.deploy.limits import Limits


@dataclass(frozen=True, slots=True)
class Membership:
    """A device's part in a federation."""

    folder: Path
    model: Path
    base: str
    """The model's SHA-256; the server has to name the same."""
    limits: Limits

    @property
    def checkpoint(self) -> Path:
        """Where the model's weights are unpacked."""
        return self.folder / f"base-{self.base[:16]}"

    def save(self) -> None:
        """Raises `OSError`."""
        told = {"model": str(self.model), "base": self.base, "limits": asdict(self.limits)}
        write_atomically(self.folder / "joined.json", json.dumps(told, indent=1) + "\n")

    def sent(self) -> int:
        """Updates that have left this device. Raises `OSError`."""
        path = self.folder / "sent.jsonl"
        return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0

    def note(self, round_number: int, tensors: int, size: int) -> None:
        """Write down that an update leaves, before it does. Raises `OSError`."""
        when = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        line = {"at": when, "round": round_number, "tensors": tensors, "bytes": size}
        with (self.folder / "sent.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def folder_of_this_device() -> Path:
    """The data folder's `federation/`. Not made here."""
    return default_data_dir() / "federation"


def join_with(model: Model, limits: Limits) -> Membership:
    """This device's part with that model, written down. Raises `OSError`."""
    if model.sha256 is None:
        raise ModelError(f"{model.path}: no GGUF file, and only those are learnt for")
    mine = Membership(folder_of_this_device(), model.path.resolve(), model.sha256, limits)
    mine.save()
    return mine


def membership() -> Membership:
    """This device's part in a federation. Raises `SidelongError` where it has none."""
    folder = folder_of_this_device()
    try:
        told = json.loads((folder / "joined.json").read_text(encoding="utf-8"))
        limits = Limits(**told["limits"])
        return Membership(folder, Path(told["model"]), told["base"], limits)
    except FileNotFoundError:
        raise SidelongError(
            "this device takes part in no federation; `sidelong federate join` does"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SidelongError(
            f"{folder / 'joined.json'}: can't be read ({error}); join again"
        ) from error
