"""The model's GGUF as what can be trained: its config, and its weights as a checkpoint.

python -m federated.base_model GGUF FOLDER      for who wants to hold no PyTorch in memory
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFReader
from safetensors import safe_open
from transformers import LlamaConfig

from device.disk import sync_folder
from device.errors import SidelongError
from export.from_gguf import from_gguf
from export.to_gguf import read_config


def config_of(gguf: Path) -> dict[str, Any]:
    """What its config.json will be; no weight is read. Raises `SidelongError` for no Llama."""
    try:
        return LlamaConfig.from_pretrained(gguf.parent, gguf_file=gguf.name).to_dict()
    except (OSError, ValueError, KeyError) as error:
        raise SidelongError(
            f"{gguf}: can't be trained ({error}); choose a model of Sidelong's own"
        ) from error


def unpacked(gguf: Path, folder: Path) -> dict[str, Any]:
    """The model's config.json, once its checkpoint lies in `folder`; made where it is missing.

    Raises `OSError`, and `ValueError` where the checkpoint there is of another model.
    """
    if not folder.exists():
        with whole(folder) as unfinished:
            from_gguf(gguf.resolve(), unfinished)
    with safe_open(folder / "model.safetensors", framework="np") as weights:
        norm = weights.get_tensor("model.norm.weight")
    (same,) = (t.data for t in GGUFReader(gguf).tensors if t.name == "output_norm.weight")
    if not np.array_equal(norm.astype(np.float32), same):
        raise ValueError(f"{folder} has other weights than {gguf}; remove it, or choose another")
    return read_config(folder)


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """A folder to fill, which gets its name when the block is done: whole or not there."""
    unfinished = folder.with_name(f"{folder.name}.new")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(mode=0o700, parents=True)
    yield unfinished
    unfinished.rename(folder)
    sync_folder(folder.parent)


if __name__ == "__main__":
    unpacked(Path(sys.argv[1]), Path(sys.argv[2]))
