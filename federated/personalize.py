"""sidelong personalize: learn from the wearer's own sent messages, on this machine.

Nothing heavy is imported up here: --status, --rollback and --forget need no PyTorch.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from device.commands.common import settings_of
from device.commands.inbox import wearers_inbox
from device.cpu import cores
from device.disk import write_atomically
from device.errors import ModelError, SidelongError
from device.language.adapter_choice import Adapter, Adapters
from device.language.catalog import Catalog
from device.language.gguf_header import read_header
from device.language.load import Model, find_model
from device.language.manifest import locked, told
from device.language.prompt import VERSION
from device.language.spill import wipe_spilled
from device.memory import peak_mb
from federated.own_texts import answers, wearer
from federated.personal_verdict import read_verdict, write_verdict
from federated.settings import ROOT

QUIET = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "TQDM_DISABLE": "1"}
"""Without the first, transformers may ask its hub about a local file; the last is for its bars."""
NICENESS = 15
BUSY = "learning is going on already; `sidelong personalize --status` says how far it is"


def add(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--background", action="store_true", help="learn while you do something else")
    what.add_argument("--status", action="store_true", help="how far it is, and what is in use")
    what.add_argument("--rollback", action="store_true", help="use again what was in use before")
    what.add_argument("--forget", action="store_true", help="remove everything that was learnt")
    parser.add_argument("--model", help="learn for this model (default: the one in use)")


def run(args: argparse.Namespace) -> int:
    """0, also where what was learnt is not kept. Raises `SidelongError`."""
    adapters = Adapters.default()
    if args.status:
        _status(adapters)
    elif args.rollback:
        choice = adapters.swap()
        print(f"{_name(choice.current)} is in use now; --rollback once more undoes that.")
    elif args.forget:
        _forget(adapters)
    else:
        _learn(args, adapters)
    return 0


def _learn(args: argparse.Namespace, adapters: Adapters) -> None:
    os.environ |= QUIET
    try:
        # Only here: PyTorch takes seconds to load, and the other options do without it.
        from federated import personal_run
    except ImportError as error:
        raise SidelongError(
            f"learning needs the extra `export` ({error}): pip install 'sidelong[export]'"
        ) from error
    model = model_of(args)
    with _running(adapters) as progress:
        folder = adapters.folder / "work" / str(model.sha256)[:16]
        work = personal_run.run_of(model, folder, max(1, cores() // 2))
        if user := personal_run.begun(work):
            print("Going on with a run that was broken off.")
        else:
            with wearers_inbox() as inbox:
                user = wearer(answers(inbox))
        parts = [sum(len(s.replies) for s in p) for p in (user.train, user.gate, user.test)]
        print(
            "Learning from {} answers of yours; {} more say when to stop, and the last {} whether "
            "it is kept.".format(*parts)
        )
        if work.shared:
            print("It begins with what your federation has learnt, where that helps.")
        check_memory(personal_run.megabytes(work, user))
        if not args.background:
            os.nice(NICENESS)
            try:
                verdict = personal_run.learn(work, user, adapters, progress.say)
                today = dt.date.today().isoformat()
                write_verdict(adapters.folder / "verdict.json", verdict, today)
            except OSError as error:
                raise SidelongError(
                    f"{adapters.folder}: learning stopped ({error}); look at the disk and start "
                    "it again, it goes on from there"
                ) from error
            print("\n".join(verdict.sentences()))
            print(f"It held {peak_mb():,.0f} MB of memory at most.")
            return
    _detach(args, adapters)


def model_of(args: argparse.Namespace) -> Model:
    """The model that is learnt for. Raises `ModelError` for one that can't be."""
    settings = settings_of(args)
    model = find_model(settings.model, Catalog.default())
    if settings.engine != "llama" or model.path.is_dir():
        raise ModelError("learning needs the llama engine and a GGUF model; choose those")
    if (prompt := read_header(model.path).prompt) != VERSION:
        raise ModelError(
            f"{model.path}: made for {prompt or 'other prompts'}; learning needs a model of "
            "Sidelong's own, `sidelong model list` shows them"
        )
    return model


def check_memory(needed: float) -> None:
    """Say what it takes. Raises `SidelongError` where the machine has less."""
    free = free_mb()
    of = "" if free is None else f", of {free:,.0f} MB that are free"
    print(f"It takes up to {needed:,.0f} MB of memory{of}.", flush=True)
    if free is not None and free < needed:
        raise SidelongError(
            f"learning takes up to {needed:,.0f} MB of memory, and {free:,.0f} MB are free; "
            "close other programs and try again"
        )


def free_mb() -> float | None:
    """MB of memory that programs may still take; None where the system doesn't say."""
    info = Path("/proc/meminfo")
    found = re.search(r"^MemAvailable:\s+(\d+)", info.read_text(), re.M) if info.exists() else None
    return int(found[1]) * 1024 / 1e6 if found else None


def _detach(args: argparse.Namespace, adapters: Adapters) -> None:
    """Start the same without --background, in a session of its own, and see it begin."""
    command = [sys.executable, "-m", "federated.personalize"]
    if args.model:
        path = Path(args.model)
        command += ["--model", str(path.resolve()) if path.exists() else args.model]
    log = adapters.folder / "log.txt"
    with told(log), log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=ROOT,  # where `-m` looks first
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    while (_progress(adapters) or {}).get("pid") != process.pid:
        if process.poll() is not None:
            raise SidelongError(_last_error(adapters) or f"learning did not start; see {log}")
        time.sleep(0.1)
    print("It goes on in the background; `sidelong personalize --status` says how far it is.")


def _last_error(adapters: Adapters) -> str | None:
    """What the last run in the background ended with, where that was an error."""
    try:
        *_, last = (adapters.folder / "log.txt").read_text(errors="replace").split("\n")[:-1]
    except (OSError, ValueError):
        return None
    return last.removeprefix("sidelong: ") if last.startswith("sidelong: ") else None


class Progress:
    """Tells how far a run is: on the terminal, and in a file for --status."""

    def __init__(self, path: Path):
        self._path = path
        self._doing = ""
        self._written = 0.0

    def say(self, doing: str, done: int, of: int) -> None:
        """See `personal_run.Say`. Raises `OSError` where the file can't be written."""
        news = doing != self._doing
        if news and doing != "starting":
            print(f"{doing} ...", flush=True)
        if doing == "training" and done:
            print(f"  stretch {done} of {of} at most", flush=True)
        if news or doing == "training" or time.monotonic() > self._written + 1:
            self._doing, self._written = doing, time.monotonic()
            state = {"pid": os.getpid(), "doing": doing, "done": done, "of": of}
            write_atomically(self._path, json.dumps(state))

    def end(self) -> None:
        """The run is over, or broken off."""
        self._path.unlink(missing_ok=True)


@contextmanager
def _running(adapters: Adapters) -> Iterator[Progress]:
    """This process learns, and no other. Raises `ModelError` where one does already."""
    adapters.make_folder()
    with locked(_lock(adapters), BUSY):
        progress = Progress(adapters.folder / "progress.json")
        try:
            with told(adapters.folder):
                progress.say("starting", 0, 1)
            yield progress
        finally:
            progress.end()


def _lock(adapters: Adapters) -> Path:
    return adapters.folder.with_name(".personalize.lock")


def _is_running(adapters: Adapters) -> bool:
    try:
        with locked(_lock(adapters), BUSY):
            return False
    except ModelError as error:
        if str(error) != BUSY:
            raise
        return True


def _words(doing: str, done: int, of: int) -> str:
    return doing if of == 1 else f"{doing}, {done} of {of}"


def _progress(adapters: Adapters) -> dict[str, Any] | None:
    """What a run says of itself, also after it was killed."""
    try:
        found: dict[str, Any] = json.loads((adapters.folder / "progress.json").read_text())
    except (OSError, ValueError):
        return None
    return found


def _status(adapters: Adapters) -> None:
    state = _progress(adapters)
    how_far = f": {_words(state['doing'], state['done'], state['of'])}" if state else ""
    if state and _is_running(adapters):
        print(f"Running{how_far}.")
    elif any((adapters.folder / "work").glob("*")):
        print(f"Broken off{how_far}. `sidelong personalize` goes on from there.")
    else:
        print("Nothing is running.")
    if error := _last_error(adapters):
        print(f"The last run in the background ended with: {error}")
    choice = adapters.choice()
    print(f"In use: {_name(choice.current)}. Before it: {_name(choice.previous)}.")
    if last := read_verdict(adapters.folder / "verdict.json"):
        verdict, day = last
        print("\n".join((f"Judged on {day}:", *(f"  {line}" for line in verdict.sentences()))))


def _name(adapter: Adapter | None) -> str:
    """What was learnt, by the beginning of its hash."""
    return "nothing learnt" if adapter is None else f"adapter {adapter.sha256[:8]}"


def _forget(adapters: Adapters) -> None:
    adapters.make_folder()
    if _is_running(adapters) and (state := _progress(adapters)):
        with suppress(ProcessLookupError):
            os.kill(state["pid"], signal.SIGTERM)  # or it would bring back what it learnt
    with locked(_lock(adapters)):
        there = adapters.forget()
        with told(adapters.folder.parent):
            wipe_spilled()  # threads as they were read with the adapter
    if there:
        print("Gone: adapters, examples, checkpoints, cached threads. Your messages stay.")
    else:
        print("There was nothing to forget.")


if __name__ == "__main__":
    from device.cli import main

    raise SystemExit(main(["personalize", *sys.argv[1:]]))
