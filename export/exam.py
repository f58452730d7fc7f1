"""The exam: what a model writes about threads it has never seen, against what a person wrote.

    python -m export.exam --model FILE --data DIR [--statements S.jsonl] [--baselines] [--json]
    python -m export.exam --model FILE --threads T.jsonl [--statements S.jsonl] [--json]
    python -m export.exam --model FILE --summaries D.jsonl [--json]

`--data` examines on the development personas of GlanceChat, `--threads` on any file in its format
(`--data` beside it then only lends the untuned base its examples), `--statements` asks which of a
true and a false statement about those threads is likelier, `--summaries` takes dialogues with a
summary. `--long` puts the threads behind 200 messages. `--against` examines a second model, the
teacher as a rule. A record's "lang" says its language; one without counts as English.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from device.commands.common import positive
from device.disk import sha256_of
from device.errors import ModelError, SidelongError
from device.language.load import Model, load_engine
from export.data import Example
from export.exam_files import Pair, read_pairs, read_split, read_summaries, read_threads
from export.exam_lines import Paper, own_words
from export.exam_models import TOGETHER, Candidate, choose_shots, untuned_base
from export.exam_report import show
from export.metrics import ordinary_words

LONG_THREADS = 40
"""How many threads `--long` takes where it isn't told: each costs as much as twenty others."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Room:
    """Everything that candidates are examined on."""

    training: Sequence[Example]
    all: Sequence[Example]
    """All threads there are, of which `examples` are those examined."""
    examples: Sequence[Example]
    pairs: Sequence[Pair]
    dialogues: Sequence[Example]
    ordinary: frozenset[str]

    @classmethod
    def read(cls, args: argparse.Namespace) -> Room:
        """Every file that the arguments name, before any model is loaded. Raises `InputError`."""
        training, everything = read_split(args.data) if args.data else ([], [])
        if args.threads:
            everything = read_threads(args.threads)
        dialogues = read_summaries(args.summaries) if args.summaries else []
        pairs = read_pairs(args.statements, everything) if args.statements else []
        return cls(
            training,
            everything,
            spread(everything, args.limit),
            spread(pairs, args.limit),
            spread(dialogues, args.limit),
            ordinary_words((*training, *everything, *dialogues)),
        )


def spread(things: Sequence[T], limit: int | None) -> Sequence[T]:
    """At most so many of them, spread evenly."""
    return things[:: max(1, len(things) // limit)][:limit] if limit else things


def examine(path: Path, args: argparse.Namespace, room: Room) -> list[Paper]:
    """All papers of one model. Raises `ModelError`."""
    if not path.exists():
        raise ModelError(f"{path}: no such model file")
    sha256 = None if path.is_dir() else sha256_of(path)
    model = Model(path.name.removesuffix(".gguf"), path, sha256)
    loaded = load_engine(model, "onnx" if path.is_dir() else "llama", together=TOGETHER)
    candidate = Candidate(model, loaded, room.ordinary)
    papers: list[Paper] = []
    if room.examples:
        shown, first = candidate.cards(room.examples)
        papers += [shown, first]
        if args.long:
            some = spread(range(len(room.examples)), args.long)
            examples = [room.examples[i] for i in some]
            papers += candidate.long(examples, room.all, [shown.rows[i] for i in some])
        shown.rows += candidate.likelihoods(room.examples, room.all)
        shown.rows += candidate.pairs(room.pairs)
    if room.dialogues:
        papers.append(candidate.summaries(room.dialogues))
    return papers


def run(args: argparse.Namespace) -> None:
    """Raises `SidelongError`."""
    room = Room.read(args)
    papers: list[Paper] = []
    if room.examples:
        papers += own_words(room.examples, room.ordinary)
    if room.dialogues:
        papers += own_words(room.dialogues, room.ordinary, "summaries")
    if args.baselines:
        shots = choose_shots(room.training)
        papers.append(untuned_base(room.examples[:: args.baseline_step], shots, room.ordinary))
    for path in filter(None, (args.model, args.against)):
        papers += examine(path, args, room)
    if args.plot:
        from export.exam_plot import draw  # only here: Matplotlib takes a second

        draw(papers, args.plot)
    if not args.json:
        show(papers, Console())
        return
    in_all = {"threads": len(room.all), "summaries": len(room.dialogues)}
    found = [p.json() | {"threads_in_all": in_all.get(p.on, len(room.all))} for p in papers]
    json.dump(found, sys.stdout)
    print()


def arguments() -> argparse.ArgumentParser:
    """What an exam can be told."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model", type=Path, help="GGUF file or ONNX folder; without it, baselines alone"
    )
    parser.add_argument("--against", type=Path, help="a second model, such as the teacher")
    parser.add_argument("--data", type=Path, help="folder with glancechat/")
    parser.add_argument("--threads", type=Path, help="a JSONL file in GlanceChat's format")
    parser.add_argument("--statements", type=Path, help="JSONL with id, true and false")
    parser.add_argument("--summaries", type=Path, help="JSONL of dialogues with a summary")
    parser.add_argument(
        "--long", type=positive, nargs="?", const=LONG_THREADS, metavar="N",
        help=f"N threads behind 200 messages too (default: {LONG_THREADS})",
    )  # fmt: skip
    parser.add_argument("--baselines", action="store_true", help="untuned base too (needs --data)")
    parser.add_argument(
        "--baseline-step", type=positive, default=1, help="the untuned base on every n-th thread"
    )
    parser.add_argument("--limit", type=positive, help="so many of each only, spread evenly")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write a PNG of the main figures")
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of tables")
    return parser


def main() -> None:
    parser = arguments()
    args = parser.parse_args()
    if not (args.data or args.threads or args.summaries):
        parser.error("say what to examine on: --data, --threads or --summaries")
    if args.baselines and not args.data:
        parser.error("--baselines needs --data, whose training threads are the base's examples")
    if args.statements and not (args.data or args.threads):
        parser.error("--statements needs the threads that they are about: --data or --threads")
    try:
        run(args)
    except (SidelongError, OSError) as error:
        parser.exit(2, f"exam: {error}\n")


if __name__ == "__main__":
    main()
