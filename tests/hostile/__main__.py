"""Every hostile text through the whole flow, with the shipped model.

    python -m tests.hostile [FOLDER] [--model FILE]

FOLDER holds further texts, one a file. The last line counts; exit code 1 where anything happened.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from device.assistant import Assistant
from device.errors import SidelongError
from device.settings import Settings
from tests.hostile import course, matrix, texts

SHIPPED = Path(__file__).parents[2] / "models" / "sidelong-118m.gguf"


def main(arguments: list[str] | None = None) -> int:
    """0; 1 where a text did something, 2 where it can't be run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, help="further texts, one a file")
    parser.add_argument("--model", default=str(SHIPPED), help="(default: the shipped one)")
    parser.add_argument("--threads", type=int, help="CPU threads (default: one a core)")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="sidelong-hostile-") as name:
        for kind in ("DATA", "CONFIG", "CACHE", "STATE"):
            os.environ[f"XDG_{kind}_HOME"] = str(Path(name) / kind.lower())
        try:
            further = list(texts.folder(args.folder)) if args.folder else []
            model = Assistant.from_settings(
                Settings(model=args.model, threads=args.threads), together=4
            )
        except (OSError, SidelongError) as error:
            print(f"hostile: {error}", file=sys.stderr)
            return 2
        hostile = [*texts.written(), *texts.made(), *further]
        print(f"{len(hostile)} texts, a card by {Path(args.model).name} for each: some minutes.")
        counts = asyncio.run(course.run(hostile, model, Path(name) / "inbox.sqlite", print))
        matrix.run(counts, Path(name))
    if counts.believed:
        print(f"under a name, and believed to be urgent: {', '.join(counts.believed)}")
    print(counts)
    return 0 if counts.clean else 1


if __name__ == "__main__":
    sys.exit(main())
