"""What a model is made from: a TOML file that names its sets, and those sets, read and split.

A recipe that ships may only name sets whose every record has a licence that allows it
(`export.data.SHIPS`). Whoever is held out in one set is held out as a whole: by persona, user or
conversation; and what is nearly a held-out thread is in no other part (`export.duplicates`).

    python -m export.recipe --data DIR [--recipe open]      # sizes, licences, what was left out
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from device.errors import InputError
from export.data import Example, Origin, load_examples, read_jsonl
from export.duplicates import Twin, twins

FOLDER = Path(__file__).parent / "recipes"
OWN = Path(__file__).parent / "chats"
"""Threads written in this repository to teach the model."""
HELD_OUT = 0.05
"""Share of a set's groups that are held out where no list and no file says which."""

Use = Literal["targets", "dialogues"]


@dataclass(frozen=True, slots=True)
class Shares:
    """Share of the threads that are offered to each way of `export.augment`, each in 0..1."""

    renamed: float = 0.0
    summed_up: float = 0.0
    shifted: float = 0.0
    typos: float = 0.0
    bare: float = 0.0
    """Without emoji."""
    merged: float = 0.0
    split: float = 0.0


@dataclass(frozen=True, slots=True)
class DataSet:
    """One set of a recipe."""

    name: str
    files: str
    """A pattern, relative to the data folder; of `own` ones to `OWN`."""
    use: Use
    """"targets": trained on what the records hold. "dialogues": for the teacher to label."""
    held_out: str = ""
    """A pattern of files that are held out as a whole."""
    personas: str = ""
    """A JSON file whose "development" lists who is held out."""
    group: str = ""
    """A pattern over ids whose first group is what splits go by, where records share a thread."""
    license: str = ""
    """For records that carry none."""
    most: int = 0
    """Records at most, spread over the set, before it is split; 0 for all."""
    own: bool = False
    """Written in this repository to teach; none of it is held out."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a model is made from."""

    name: str
    ships: bool
    """Whether a model of this may be given to anybody."""
    sets: tuple[DataSet, ...]
    augment: Shares = Shares()


@dataclass(frozen=True, slots=True)
class Room:
    """The data of a recipe, split."""

    training: list[Example]
    held_out: list[Example]
    dialogues: list[Example]
    """Without targets, or with targets that aren't this product's."""
    left_out: list[dict[str, Any]] = field(default_factory=list)
    """Near-duplicates of something held out: set, id and the held-out thread's id."""

    def licenses(self) -> dict[str, dict[str, int]]:
        """Training records by set and licence, for the model card."""
        found: dict[str, Counter[str]] = {}
        for example in self.training:
            found.setdefault(example.origin.set, Counter())[example.origin.license] += 1
        return {name: dict(counts) for name, counts in sorted(found.items())}


def _typed(kind: type, table: dict[str, Any], path: Path) -> Any:
    """A dataclass from a TOML table. Raises `InputError` for a key that is unknown or missing."""
    names = {f.name for f in dataclasses.fields(kind)}
    if unknown := sorted(set(table) - names):
        raise InputError(f"{unknown[0]} is nothing a recipe can say here", path)
    try:
        return kind(**table)
    except TypeError as error:
        raise InputError(f"{table.get('name', kind.__name__)}: {error}", path) from error


def read_recipe(name: str) -> Recipe:
    """A recipe by its name in `export/recipes` or by its path. Raises `InputError`."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    try:
        table = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"no recipe: {error}", path) from error
    base = read_recipe(table["extends"]) if "extends" in table else Recipe(path.stem, True, ())
    sets = tuple(_typed(DataSet, s, path) for s in table.get("sets", ()))
    for s in sets:
        if s.use not in ("targets", "dialogues"):
            raise InputError(f'{s.name}: use must be "targets" or "dialogues"', path)
    shares = _typed(Shares, dataclasses.asdict(base.augment) | table.get("augment", {}), path)
    for way, share in dataclasses.asdict(shares).items():
        if not isinstance(share, int | float) or not 0 <= share <= 1:
            raise InputError(f"augment.{way} must be a share from 0 to 1, not {share!r}", path)
    if not isinstance(table.get("ships"), bool):
        raise InputError("ships must say whether a model of this may be given to anybody", path)
    return Recipe(path.stem, table["ships"], base.sets + sets, shares)


def _share(text: str) -> float:
    """A number in 0..1 that is always the same for the same text."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _files(folder: Path, pattern: str, name: str) -> list[Path]:
    found = sorted(folder.glob(pattern))
    if not found:
        raise InputError(f"no {pattern} in it, which {name} needs", folder)
    return found


def read_set(s: DataSet, folder: Path) -> tuple[list[Example], list[Example]]:
    """(training, held-out) examples of one set. Raises `InputError`."""
    origin = Origin(s.name, s.license)
    files = _files(OWN if s.own else folder, s.files, s.name)
    only = None
    if s.most:
        ids = (record["id"] for path in files for record in read_jsonl(path))
        only = set(sorted(ids, key=_share)[: s.most])
    examples = [_grouped(e, s) for e in load_examples(files, origin, only)]
    if s.held_out:
        kept = load_examples(_files(folder, s.held_out, s.name), origin)
        held_out = [_grouped(e, s) for e in kept]
        groups = {e.persona for e in held_out}
    else:
        groups = set()
        if s.personas:
            [path] = _files(folder, s.personas, s.name)
            groups = set(json.loads(path.read_text())["development"])
        elif not s.own:
            groups = {e.persona for e in examples if _share(e.persona) < HELD_OUT}
        held_out = [e for e in examples if e.persona in groups]
    return [e for e in examples if e.persona not in groups], held_out


def _grouped(example: Example, s: DataSet) -> Example:
    match = re.fullmatch(s.group, example.persona) if s.group else None
    return dataclasses.replace(example, persona=match[1]) if match else example


def assemble(
    recipe: Recipe, folder: Path, extra: Sequence[Path] = (), *, dialogues_too: bool = True
) -> Room:
    """All sets of a recipe, and `extra` files as further training targets.

    Without `dialogues_too` only what is trained on is read. Raises `InputError` where a set is
    missing, and where a recipe that ships meets a record whose licence doesn't.
    """
    training: list[Example] = []
    held_out: list[Example] = []
    dialogues: list[Example] = []
    for s in recipe.sets:
        if s.use == "dialogues" and not dialogues_too:
            continue
        own, kept = read_set(s, folder)
        (training if s.use == "targets" else dialogues).extend(own)
        held_out += kept
    training += load_examples(extra, Origin("extra"))
    if recipe.ships:
        _refuse((*training, *dialogues), recipe)
    threads = [e.thread for e in held_out]
    left_out = []
    for part in (training, dialogues):
        found = {t.index: t for t in twins((e.thread for e in part), threads)}
        left_out += [_named(part[i], twin) for i, twin in found.items()]
        part[:] = [e for i, e in enumerate(part) if i not in found]
    return Room(training, held_out, dialogues, left_out)


def _named(example: Example, twin: Twin) -> dict[str, Any]:
    return {"set": example.origin.set, "id": example.thread.id, "like": twin.held_out}


def _refuse(examples: Iterable[Example], recipe: Recipe) -> None:
    for e in examples:
        if not e.origin.ships:
            said = e.origin.license or "no licence"
            problem = f"{recipe.name} ships, but {e.thread.id} of {e.origin.set} has {said}"
            raise InputError(problem)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--recipe", default="open", help="name or path (default: open)")
    args = parser.parse_args()
    room = assemble(read_recipe(args.recipe), args.data)
    for twin in room.left_out:
        print(json.dumps(twin))
    sizes = {name: len(getattr(room, name)) for name in ("training", "held_out", "dialogues")}
    print(json.dumps(sizes | {"left_out": len(room.left_out), "licenses": room.licenses()}))


if __name__ == "__main__":
    main()
