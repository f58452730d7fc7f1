"""The teacher's own lines on open dialogues, as further examples for the student.

A dialogue is cut somewhere, one of who speaks becomes the wearer, stand-ins ("User", "Person 1")
get names, and the device's own writer makes its card. Of what the model says on the way, whether
the card shows it or a quote, only what passes the device's checks is kept; triage, which nothing
can check, is not.

    python -m export.label --model TEACHER.gguf --data DIR --out work/labels.jsonl [--recipe open]
        [--limit N] [--together 8]
    python -m export.train ... --extra work/labels.jsonl

A broken-off run goes on where it was, and asks again where nothing was kept. `export.data` reads
the file.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import get_args

from device.language.grounding import check
from device.language.load import Model, load_writer
from device.language.prompt import NOTHING_ASKED
from device.language.writer import Writer
from device.messages import Draft, Intent, Message, Thread
from export.augment import Renaming
from export.data import Example, Known, record_of
from export.recipe import assemble, read_recipe

LENGTHS = ((1, 3), (4, 9), (10, 24))
"""Messages a thread; each as likely as the next, as in GlanceChat."""
LONGEST = 400
"""Characters of a message, from which on it is a letter and no chat."""
LINES: tuple[Known, ...] = ("glance", "summary", "asks")
INTENTS: tuple[Intent, ...] = get_args(Intent)
_STAND_IN = re.compile(
    r"#?(?:person|user|camper|customer|agent|assistant|speaker)[ _]?\d*#?|[A-Z]", re.IGNORECASE
)


def as_wearer(
    example: Example, names: Sequence[str], rng: random.Random, wearer: str = "Robin"
) -> Example | None:
    """A piece of a dialogue as the thread of one of who speaks in it; None where there is none.

    `names` stand for stand-ins; `wearer` is the wearer's where only one speaks at all. The last
    message is somebody else's, and what follows the wearer's last message is new.
    """
    said = example.thread.messages
    fewest, most = rng.choice(LENGTHS)
    length = min(len(said), rng.randint(fewest, most))
    start = rng.randint(0, len(said) - length)
    piece = said[start : start + length]
    if any(len(m.text) > LONGEST for m in piece):
        return None
    everybody = dict.fromkeys(m.sender for m in said)
    others = [name for name in everybody if name != piece[-1].sender] or [wearer]
    present = [name for name in others if any(m.sender == name for m in piece)]
    me = rng.choice(present or others)
    new = _names(dict.fromkeys((*everybody, me)), piece, names, rng)
    pattern = re.compile("|".join(map(re.escape, sorted(new, key=len, reverse=True))))

    def called(text: str) -> str:
        """Stand-ins that could be nothing else are renamed in what is said as well."""
        return pattern.sub(lambda m: new[m[0]] if "#" in m[0] else m[0], text) if new else text

    messages = tuple(
        dataclasses.replace(m, sender=new.get(m.sender, m.sender), text=called(m.text))
        for m in _timed(piece, rng)
    )
    me = new.get(me, me)
    own = [i for i, m in enumerate(messages) if m.sender == me]
    is_group = len({m.sender for m in messages} | {me}) > 2
    thread = Thread(
        f"{example.thread.id}+{start}-{start + length}",
        me,
        messages,
        None if is_group else messages[-1].sender,
        is_group,
        own[-1] + 1 if own else 0,
    )
    return dataclasses.replace(example, thread=thread, known=frozenset(), glance="", summary="")


def _names(
    everybody: Iterable[str], piece: Sequence[Message], names: Sequence[str], rng: random.Random
) -> dict[str, str]:
    """A name that nobody has for every stand-in."""
    stand_ins = [name for name in everybody if _STAND_IN.fullmatch(name)]
    text = "\n".join(m.text for m in piece).lower()
    taken = {name.lower() for name in everybody}
    free = [n for n in names if n.lower() not in text and n.lower() not in taken]
    return dict(zip(stand_ins, rng.sample(free, min(len(free), len(stand_ins))), strict=False))


def _timed(piece: Sequence[Message], rng: random.Random) -> list[Message]:
    """Messages with times: their own, or made up, a few minutes apart on one day."""
    if all(m.time for m in piece):
        return list(piece)
    minute = rng.randint(7 * 60, 21 * 60)
    timed = []
    for m in piece:
        timed.append(dataclasses.replace(m, time=dt.time(*divmod(minute, 60)), date=None))
        minute = min(minute + rng.choice((0, 0, 1, 1, 2, 5)), 24 * 60 - 1)
    return timed


Heard = dict[str, tuple[str, bool]]
"""By task or intent, what was decoded for it, and whether it passed the device's check."""


def labelled(example: Example, heard: Heard) -> Example | None:
    """`example` with the model's own lines and drafts that pass; None where no line does."""
    kept = {name: text for name, (text, passes) in heard.items() if passes}
    asked, _ = heard.get("asks", ("", False))
    if asked and asked != NOTHING_ASKED and check(asked, example.thread).passes:
        kept["asks"] = asked  # which the device only quotes
    known = frozenset(task for task in LINES if kept.get(task))
    if not {"glance", "summary"} & known:
        return None
    return dataclasses.replace(
        example,
        glance=kept.get("glance", ""),
        summary=kept.get("summary", ""),
        asks=None if asked == NOTHING_ASKED else kept.get("asks"),
        drafts=tuple(Draft(intent, kept[intent]) for intent in INTENTS if intent in kept),
        known=known,
    )


class Labeller:
    """A writer, and all that it said of the threads it makes cards of."""

    def __init__(self, model: Path, together: int):
        """`model` is a GGUF. Raises `ModelError`."""
        self._heard: defaultdict[str, Heard] = defaultdict(dict)
        self.writer: Writer = load_writer(
            Model(model.stem, model), together=together, watch=self.watch
        )

    def watch(self, thread: Thread, task: str, text: str, shown: bool) -> None:
        """Notes what was decoded for a thread."""
        self._heard[thread.id][task] = (text, shown)

    def __call__(self, examples: Sequence[Example]) -> Iterator[Example]:
        """The examples of which the model says a line worth keeping."""
        self._heard.clear()
        for _ in self.writer.cards([e.thread for e in examples]):
            pass
        for example in examples:
            if found := labelled(example, self._heard[example.thread.id]):
                yield found


def done_before(path: Path) -> set[str]:
    """Ids of the dialogues in a file of labels; a line that a kill cut short is taken off it."""
    if not path.exists():
        return set()
    whole, _, rest = path.read_text().rpartition("\n")
    if rest:
        path.write_text(whole + "\n" if whole else "")
    return {json.loads(line)["id"].rpartition("+")[0] for line in whole.splitlines()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="the teacher, a GGUF")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--recipe", default="open")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limit", type=int, help="so many dialogues only")
    parser.add_argument("--together", type=int, default=8, help="threads side by side")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    room = assemble(read_recipe(args.recipe), args.data)
    names = Renaming(room.training).pool
    order = sorted(room.dialogues, key=lambda e: e.thread.id)
    random.Random(args.seed).shuffle(order)  # a limit, or a broken-off run, has of every set
    before = done_before(args.out)
    cut = (
        as_wearer(e, names, random.Random(f"{args.seed} {e.thread.id}"))
        for e in order[: args.limit]
        if e.thread.id not in before
    )
    threads = (e for e in cut if e is not None)
    labeller = Labeller(args.model, args.together)
    asked = kept = 0
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with args.out.open("a", encoding="utf-8") as out:
        while group := list(islice(threads, 8 * args.together)):
            for example in labeller(group):
                kept += 1
                record = record_of(example) | {"teacher": args.model.stem}
                out.write(json.dumps(record, ensure_ascii=False) + "\n")
            asked += len(group)
            out.flush()
            print(json.dumps({"asked": asked, "kept": kept}), flush=True)


if __name__ == "__main__":
    main()
