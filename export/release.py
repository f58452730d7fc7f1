"""A model that has passed its exam -> models/, with its hash and figures in the manifest.

    python -m export.release FILE.gguf EXAM.json [--models models]

`EXAM.json` is what `python -m export.exam --json` printed for this very file.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from device.language.gguf_header import read_header

BASE = "SmolLM2-135M-Instruct"
DATA_LICENCES = {"GlanceChat": "CC-BY-4.0"}
MOST_BYTES = 80_000_000
"""A larger model does not ship."""


def entry_of(path: Path, figures: dict[str, Any]) -> dict[str, Any]:
    """The manifest's entry. Raises `ValueError` for a model that may not ship."""
    header = read_header(path)
    size = path.stat().st_size
    if header.prompt is None:
        raise ValueError(f"{path}: no key sidelong.prompt; write it with export.to_gguf --meta")
    if size > MOST_BYTES:
        raise ValueError(f"{path}: {size} bytes are over {MOST_BYTES}")
    return {
        "name": path.stem,
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "size_bytes": size,
        "base": BASE,
        "licence": "Apache-2.0",
        "data_licences": DATA_LICENCES,
        "prompt": header.prompt,
        "quantization": header.quantization,
        "figures": {k: v for k, v in figures.items() if isinstance(v, int | float)},
        "source": None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("exam", type=Path)
    parser.add_argument("--models", type=Path, default=Path("models"))
    args = parser.parse_args()
    rows = {row["name"]: row for row in json.loads(args.exam.read_text())}
    entry = entry_of(args.file, rows[args.file.stem])
    path = args.models / "manifest.json"
    manifest = json.loads(path.read_text()) if path.exists() else {"version": 1, "models": []}
    others = [m for m in manifest["models"] if m["name"] != entry["name"]]
    manifest |= {"models": [entry, *others]}
    manifest.setdefault("default", entry["name"])
    if args.file.resolve().parent != args.models.resolve():
        shutil.copyfile(args.file, args.models / args.file.name)
    path.write_text(json.dumps(manifest, indent=2) + "\n")
    print(f"{args.models / entry['file']}: {entry['size_bytes'] / 1e6:.1f} MB, {entry['sha256']}")


if __name__ == "__main__":
    main()
