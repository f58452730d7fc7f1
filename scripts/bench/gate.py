"""A gate for the engine's hot path that no busy machine can fail: it counts, it doesn't time.

    python -m scripts.bench.gate            compare with gate.json; exit code 1 where it got worse
    python -m scripts.bench.gate --write    make what is counted now the measure

Counted on the tiny model of the tests, a stage at a time: calls of llama.cpp's decode, the rows
(tokens) decoded in them, and the calls of Python and C functions that our code in device/ makes.
The prompt here has no token that ends an answer, so that every text is as long as it may be
and the counts don't depend on what a model of random weights says.

Decode calls and rows must not grow at all. Python's calls may grow by 2 %, and are compared only
under the version of Python that counted them: another one compiles the same code to other calls.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

from device.language.llama_context import LlamaContext, Row
from device.language.llama_engine import LlamaEngine
from device.language.prompt import ThreadPrompt
from device.language.writer import Writer
from scripts.bench.chat import arrived, read_thread, tokens_of
from scripts.bench.ours import GREEDY, SEQUENCES

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "tests/tiny/tiny.gguf"
FILE = Path(__file__).with_name("gate.json")
DEVICE = str(ROOT / "device") + os.sep
MORE = 1.02
"""Of Python's calls, so many times as many are no fault."""
CONTEXT, CELLS = 2048, 4096

Counts = dict[str, dict[str, int]]
"""Stage -> what was counted -> how often."""


class _Endless(ThreadPrompt):
    """A prompt whose answers end by their length alone."""

    @property
    def stop(self) -> frozenset[int]:
        return frozenset()


class _Counter:
    """Counts while `during` runs something."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def during(self, act: Callable[[], object]) -> dict[str, int]:
        self.counts = dict.fromkeys(("decode_calls", "rows", "python_calls", "c_calls"), 0)
        decode = LlamaContext.decode

        def counted(context: LlamaContext, rows: Sequence[Row]) -> None:
            self.counts["decode_calls"] += 1
            self.counts["rows"] += len(rows)
            decode(context, rows)

        with mock.patch.object(LlamaContext, "decode", counted):
            sys.setprofile(self._profile)
            try:
                act()
            finally:
                sys.setprofile(None)
        return self.counts

    def _profile(self, frame: FrameType, event: str, _argument: Any) -> None:
        name = {"call": "python_calls", "c_call": "c_calls"}.get(event)
        if name and frame.f_code.co_filename.startswith(DEVICE):
            self.counts[name] += 1


def count() -> Counts:
    """Every stage of a message that arrives in a thread of 24, and of a saved thread.

    Counted the second time, when what is remembered of words and threads is there.
    """
    _count()
    return _count()


def _count() -> Counts:
    old = read_thread()
    new = arrived(old)
    with (
        LlamaEngine(
            MODEL, n_ctx=CONTEXT, n_seqs=SEQUENCES, threads=1, n_cells=CELLS, sha256="gate"
        ) as engine,
        tempfile.TemporaryDirectory() as folder,
    ):
        prompt = _Endless(engine.vocabulary)
        writer = Writer(engine, prompt, engine.vocabulary, "gate")
        path = Path(folder) / "thread"
        stages: dict[str, Callable[[], object]] = {
            "thread read": lambda: writer.prefill(old),
            "glance of a new message": lambda: writer.unchecked(new, "glance"),
            "card": lambda: writer.card(new),
            "thread restored": lambda: next(engine.generate([engine.load(path)], GREEDY, (), 1)),
        }
        seq = engine.open()
        engine.extend(seq, tokens_of(prompt, old))
        engine.save(seq, path)
        engine.close(seq)
        return {stage: dict(_Counter().during(act)) for stage, act in stages.items()}


def version() -> str:
    """Python's, as far as its calls depend on it."""
    return ".".join(map(str, sys.version_info[:2]))


def worse(kept: Counts, now: Counts, same_python: bool) -> list[str]:
    """What grew beyond what it may, a line each; a stage that is missing is one as well."""
    found = []
    for stage, counts in kept.items():
        for name, before in counts.items():
            python = name in ("python_calls", "c_calls")
            if python and not same_python:
                continue
            after = now.get(stage, {}).get(name)
            if after is None or after > before * (MORE if python else 1):
                found.append(f"{stage}: {name} {before:,} -> {'none' if after is None else after}")
    return found


def main(arguments: Sequence[str], file: Path = FILE) -> int:
    """0: no worse; 1: worse; 2: no such arguments, or nothing to compare with."""
    if arguments not in ([], ["--write"]):
        print("usage: python -m scripts.bench.gate [--write]", file=sys.stderr)
        return 2
    if not arguments and not file.is_file():
        print(f"{file}: missing; write it with --write", file=sys.stderr)
        return 2
    now = count()
    if arguments:
        kept = {"python": version(), "counts": now}
        file.write_text(json.dumps(kept, indent=1) + "\n")
        print(f"wrote {file}")
        return 0
    kept = json.loads(file.read_text())
    same = kept["python"] == version()
    found = worse(kept["counts"], now, same)
    for line in found:
        print(f"worse: {line}")
    if not found:
        note = "" if same else f" (Python's calls not compared: counted under {kept['python']})"
        print(f"gate: no stage of the hot path does more than it did{note}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
