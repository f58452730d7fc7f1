"""sidelong tune: how the model runs fastest on this CPU, found by measuring."""

from __future__ import annotations

import argparse
import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, replace

from rich.table import Table

from device.commands.common import positive, progress_bar, settings_of
from device.commands.demo import CHATS
from device.connectors.files import read_threads
from device.cpu import cores, cpu_name
from device.disk import sha256_of
from device.displays.terminal import Screen
from device.errors import SidelongError
from device.language.catalog import Catalog
from device.language.decoder import extended
from device.language.engine import Engine, Sampling, Seq, Token
from device.language.llama_engine import LlamaEngine
from device.language.load import Loaded, Model, find_model, load_engine
from device.language.prompt import Prompt, thread_tokens
from device.language.tuning import (
    LEAST_ROUNDS,
    UNTUNED,
    Finding,
    Trial,
    Tuning,
    Tunings,
    knobs,
    tune,
    words,
)
from device.messages import Intent, Message, Thread
from device.text import neutralise

ROUNDS = 5
READ = 448
"""Tokens of the thread that is measured, at most: some 20 messages."""
MESSAGES = 8
"""Messages that arrive, as a rule, while a thread that was read once stays in the cache."""
ANSWERED, DRAFTED = 24, 16
"""Tokens of the glance, and of each text that is decoded after it."""
DRAFTS: tuple[Intent, ...] = ("accept", "decline", "ask")


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", help="a model's name, or a path (default: the one in use)")
    parser.add_argument(
        "--rounds",
        type=rounds,
        metavar="N",
        default=ROUNDS,
        help=f"each way is measured so often, {LEAST_ROUNDS} times at least (default: {ROUNDS})",
    )
    parser.add_argument("--forget", action="store_true", help="run it untuned again")


def rounds(text: str) -> int:
    """argparse type: enough rounds to tell a gain from chance."""
    if (number := positive(text)) < LEAST_ROUNDS:
        raise argparse.ArgumentTypeError(
            f"{text} can't tell a gain from chance; it is {LEAST_ROUNDS} at least"
        )
    return number


def run(args: argparse.Namespace) -> int:
    """0; a model that can't be tuned is a `ModelError`."""
    model = find_model(settings_of(args).model, Catalog.default())
    if model.sha256 is None and model.path.is_file():
        model = replace(model, sha256=sha256_of(model.path))
    tunings, sha256 = Tunings.default(), model.sha256 or ""
    name = neutralise(model.name)
    try:
        if args.forget:
            known = tunings.forget(sha256)
            print(f"{name} runs untuned again." if known else f"{name} was not tuned here.")
            return 0
        groups = knobs(cores())
        total = 1 + args.rounds * sum(1 + len(group) for group in groups)
        with progress_bar() as bar:
            task = bar.add_task("", total=total)

            def measured(tuning: Tuning) -> Trial:
                change = _change(UNTUNED, tuning) or "untuned"
                bar.update(task, description=f"trying {change}", refresh=True)
                started = time.perf_counter()
                trial = measure(model, tuning)
                if not bar.tasks[task].completed:
                    minutes = max(1, round(total * (time.perf_counter() - started) / 60))
                    bar.console.print(f"{total} measurements: about {minutes} min.")
                bar.advance(task)
                return trial

            best, found = tune(measured, groups, args.rounds)
        tunings.remember(sha256, best)
    except OSError as error:
        raise SidelongError(f"{tunings.path}: can't be written ({error.strerror})") from error
    _show(Screen(), best, found)
    print(f"{name} on {cpu_name()}: {words(best)}.")
    print("Remembered; `sidelong tune --forget` takes it back.")
    return 0


def measure(model: Model, tuning: Tuning) -> Trial:
    """What the wearer waits for, on a model that is loaded for it alone: it must fit memory once.

    A message arrives, as the writer takes it: the glance in one batch with it, then summary, asks
    and drafts side by side; and an eighth of reading the whole thread. Raises `ModelError`.
    """
    loaded = load_engine(model, context=2 * READ, tuning=tuning)
    assert isinstance(loaded.engine, LlamaEngine)
    with loaded.engine:
        return _trial(loaded)


def _trial(loaded: Loaded) -> Trial:
    engine, prompt = loaded.engine, loaded.prompt
    thread = _thread(prompt)
    tokens, _ = thread_tokens(prompt, thread, READ)
    new = prompt.message(thread.messages[-1], thread.me)
    seq = engine.open()
    engine.extend(seq, tokens)
    started = time.perf_counter()
    engine.prefill([seq])
    read = time.perf_counter()
    engine.extend(seq, new)
    with extended(engine, seq, prompt.task("glance", thread)):
        said = _said(engine, [seq], ANSWERED)
    asked = [prompt.task("summary", thread), prompt.task("asks", thread)]
    asked += [prompt.reply(intent, thread) for intent in DRAFTS]
    forks = engine.fork(seq, len(asked))
    for fork, tokens in zip(forks, asked, strict=True):
        engine.extend(fork, tokens)
    said += _said(engine, forks, DRAFTED)
    ms = ((time.perf_counter() - read) + (read - started) / MESSAGES) * 1000
    return Trial(ms, tuple(said))


def _said(engine: Engine, seqs: Sequence[Seq], most: int) -> list[Token]:
    """What greedy decoding says to each, to the same length, so that all candidates work alike."""
    steps = engine.generate(seqs, Sampling(), (), most)
    return [token for step in steps for token in step if token is not None]


def _thread(prompt: Prompt) -> Thread:
    """The longest bundled chat, its messages over again up to `READ` tokens."""
    chats = (chat for chat in read_threads(CHATS) if isinstance(chat, Thread))
    thread = max(chats, key=lambda chat: len(chat.messages))
    room = READ - len(prompt.opening(thread))
    messages: list[Message] = []
    for message in itertools.cycle(thread.messages):
        room -= len(prompt.message(message, thread.me))
        if room < 0 and messages:
            break
        messages.append(message)
    return replace(thread, messages=tuple(messages), unread_from=len(messages) - 1)


def _show(screen: Screen, best: Tuning, found: Sequence[Sequence[Finding]]) -> None:
    """What was measured: each group under the best of those before it."""
    screen.print(
        "Milliseconds from a message to its whole card (glance, summary, asks, drafts), and an "
        f"eighth of reading its thread anew ({READ} tokens); the median of the rounds."
    )
    taken = {best, *(start.tuning for start, *_ in found)}
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("tried")
    table.add_column("ms", justify="right")
    table.add_column("")
    for start, *tried in found:
        label = "untuned" if start.tuning == UNTUNED else "the best so far"
        table.add_row(label, f"{start.ms:.0f}", "", style="dim")
        for finding in tried:
            ms = "-" if math.isinf(finding.ms) else f"{finding.ms:.0f}"
            if math.isinf(finding.ms):
                verdict = "not possible with this model"
            elif not finding.same_words:
                verdict = "other words: not used"
            elif finding.tuning in taken:
                verdict = "used"
            elif finding.ms < start.ms and not finding.holds:
                verdict = "no more than chance: not used"
            else:
                verdict = ""
            table.add_row(f"  {_change(start.tuning, finding.tuning)}", ms, verdict)
    screen.print(table)


def _change(before: Tuning, after: Tuning) -> str:
    """What one candidate does differently."""
    old, new = asdict(before), asdict(after)
    return ", ".join(f"{name} {value}" for name, value in new.items() if value != old[name])
