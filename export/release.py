"""A model that has passed its exam -> models/, with its hash and figures in the manifest.

    python -m export.release FILE.gguf EXAM.json [--record training.json] [--models models]

`EXAM.json` is what `python -m export.exam --json` printed for this very file: its SHA-256 stands in
it. An exam on a part of the threads (`--limit`) only tries the way, and needs `--incomplete`.
`--record` is what training left beside the checkpoint: the data's licences by set. Without it those
of recipe `open`, unlabelled dialogues apart, are taken.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from device.disk import sha256_of
from device.errors import ModelError
from device.language.gguf_header import read_header

BASE = "SmolLM2-135M-Instruct"
DATA_LICENCES = {"GlanceChat": "CC-BY-4.0", "export/chats": "Apache-2.0"}
SETS = {"glancechat": "GlanceChat", "own": "export/chats", "extra": "open dialogues"}
"""A set in training's record, and in the manifest."""
MOST_BYTES = 80_000_000
"""A larger model does not ship."""
SHOWN = (
    "glance_rouge_1", "glance_rouge_2", "glance_rouge_l", "summary_rouge_1", "summary_rouge_2",
    "summary_rouge_l", "cards_with_invention_pct", "glance_quoted_pct", "summary_quoted_pct",
    "lines_pass_first_pct", "asks_found_f1", "asks_rouge_l", "needs_reply_accuracy",
    "needs_reply_f1", "no_reply_f1", "urgency_macro_f1", "best3_reply_rouge_l", "intent_match_pct",
    "three_drafts_pct", "drafts_with_invention_pct", "reply_recall_at_1_pct", "pair_accuracy_pct",
    "threads", "threads_in_all",
)  # fmt: skip
"""Of the exam's figures, those that stand in the manifest."""


def figures_of(exam: Path, sha256: str, incomplete: bool) -> dict[str, Any]:
    """What the exam says of the file with that hash, as it is shown.

    Raises `ValueError` for an exam of another file, or of a part of the threads.
    """
    try:
        row: dict[str, Any] = next(
            row
            for row in json.loads(exam.read_text())
            if row.get("sha256") == sha256
            and (row.get("on"), row.get("answers")) == ("threads", "shown")
        )
        threads, in_all = int(row["threads"]), int(row["threads_in_all"])
    except StopIteration:
        raise ValueError(
            f"{exam}: not the exam of this file (SHA-256 {sha256}); examine it with export.exam"
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{exam}: no output of `export.exam --json` ({error!r})") from error
    if threads < in_all and not incomplete:
        raise ValueError(f"{exam}: {threads} of {in_all} threads; leave out the exam's --limit")
    return row


def data_licences(record: Path | None) -> dict[str, str]:
    """Licences by set, of all runs behind a checkpoint. Raises `OSError` or `ValueError`."""
    if record is None:
        return DATA_LICENCES
    found: dict[str, set[str]] = {}
    runs = [json.loads(record.read_text())]
    for run in runs:  # grows meanwhile: what a run began with, learnt from, or is the mean of
        for name, licences in run.get("licenses", {}).items():
            found.setdefault(SETS.get(name, name), set()).update(licences)
        runs += [before for key in ("from", "teacher") if (before := run.get(key))]
        runs += run.get("mean_of", [])
    if not found:
        raise ValueError(f"{record}: no record of export.train's: it names no licence")
    return {name: "; ".join(sorted(licences)) for name, licences in sorted(found.items())}


def entry_of(
    path: Path, figures: dict[str, Any], sha256: str, licences: dict[str, str]
) -> dict[str, Any]:
    """The manifest's entry. Raises `ValueError` for a model that may not ship."""
    header = read_header(path)
    size = path.stat().st_size
    if header.prompt is None:
        raise ValueError(f"{path}: no key sidelong.prompt; write it with export.to_gguf --meta")
    if not header.ships:
        raise ValueError(f"{path}: made from data whose licences don't let it ship")
    if size > MOST_BYTES:
        raise ValueError(f"{path}: {size} bytes are over {MOST_BYTES}")
    return {
        "name": path.stem,
        "file": path.name,
        "sha256": sha256,
        "size_bytes": size,
        "base": BASE,
        "licence": "Apache-2.0",
        "data_licences": licences,
        "prompt": header.prompt,
        "quantization": header.quantization,
        "figures": {name: figures[name] for name in SHOWN if name in figures},
        "source": None,
    }


def release(
    file: Path, exam: Path, models: Path, incomplete: bool = False, record: Path | None = None
) -> None:
    """Put a model into a folder and into its manifest: in the place of one of its name, or last.

    Raises `ValueError`, `OSError` or `ModelError`; folder and manifest are then as before.
    """
    sha256 = sha256_of(file)
    figures = figures_of(exam, sha256, incomplete)
    entry = entry_of(file, figures, sha256, data_licences(record))
    path = models / "manifest.json"
    manifest: dict[str, Any] = {"version": 1, "models": []}
    if path.exists():
        manifest = json.loads(path.read_text())
    named = {m["name"]: m for m in manifest["models"]} | {entry["name"]: entry}
    manifest |= {"models": list(named.values())}
    manifest.setdefault("default", entry["name"])
    models.mkdir(parents=True, exist_ok=True)
    if file.resolve().parent != models.resolve():
        # Never into the old file: a running assistant has it mapped into memory.
        fresh = models / f"{file.name}.new"
        shutil.copyfile(file, fresh)
        fresh.replace(models / file.name)
    fresh = models / "manifest.json.new"  # readable for all, as `write_atomically`'s aren't
    fresh.write_text(json.dumps(manifest, indent=2) + "\n")
    fresh.replace(path)
    print(f"{models / entry['file']}: {entry['size_bytes'] / 1e6:.1f} MB, {sha256}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("exam", type=Path)
    parser.add_argument("--record", type=Path, help="the checkpoint's training.json")
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--incomplete", action="store_true", help="take an exam of some threads")
    args = parser.parse_args()
    try:
        release(args.file, args.exam, args.models, args.incomplete, args.record)
    except (ValueError, OSError, ModelError) as error:
        parser.exit(2, f"release: {error}\n")


if __name__ == "__main__":
    main()
