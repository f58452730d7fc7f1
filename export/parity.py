"""How near quantized models come to one in fp32, fed the same words.

    python -m export.parity MODEL... --against FP32 --data DIR [--limit 40] [--json]

MODEL and FP32 are GGUF files or ONNX folders of one vocabulary. What a person wrote about
development threads is fed to each, token by token, whatever the model would have said ("teacher
forcing"). A row a model: how often its likeliest token is FP32's, its loss in nats a token and what
that lies above FP32's, and ROUGE-L of its own greedy lines, unchecked.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from device.commands.common import positive
from device.errors import ModelError, SidelongError
from device.language.decoder import extended
from device.language.engine import Engine, Sampling, Seq, Token
from device.language.load import Model, load_engine
from device.language.prompt import Task
from device.language.writer import Writer
from export.data import ALL, Example
from export.exam import spread
from export.exam_files import read_split
from export.exam_models import watched
from export.metrics import rouge_l

LINES: tuple[Task, ...] = ("glance", "summary")


@dataclass(frozen=True, slots=True)
class Heard:
    """What one model made of the examples."""

    likeliest: list[Token]
    """At each place of every answer."""
    nats: float
    """-log P of all answers."""
    rouge_l: dict[Task, float]
    """Mean of each of `LINES`."""


def likeliest(engine: Engine, seq: Seq, answer: Sequence[Token]) -> list[Token]:
    """The likeliest token at each place, behind what the answer says before it; `seq` then ends
    with the answer."""
    found = []
    for token in answer:
        (first,) = next(engine.generate([seq], Sampling(), stop=(), max_tokens=1))
        assert first is not None
        found.append(first)
        engine.truncate(seq, len(engine.tokens(seq)) - 1)
        engine.extend(seq, [token])
    return found


def hear(path: Path, examples: Sequence[Example]) -> Heard:
    """One model on all examples, of which all answers are known. Raises `ModelError`."""
    if not path.exists():
        raise ModelError(f"{path}: no such model file")
    model = Model(path.name, path)
    loaded = load_engine(model, "onnx" if path.is_dir() else "llama")
    engine, prompt, tokenizer = loaded.engine, loaded.prompt, loaded.tokenizer
    writer = Writer(engine, prompt, tokenizer, model.name)
    found: list[Token] = []
    nats, scores = 0.0, dict.fromkeys(LINES, 0.0)
    for example in watched(examples, path.name, len(examples)):
        thread = example.thread
        seq = writer.prefill(thread).seq
        asked = [(prompt.task(t, thread), getattr(example, t)) for t in (*LINES, "asks")]
        asked += [(prompt.reply(d.intent, thread), d.text) for d in example.drafts]
        for question, text in asked:
            if answer := tokenizer.encode(text or ""):
                with extended(engine, seq, question):
                    nats -= engine.score(seq, [answer])[0]
                    found += likeliest(engine, seq, answer)
        for line in LINES:
            scores[line] += rouge_l(getattr(example, line), writer.unchecked(thread, line))
        writer.clear()
    return Heard(found, nats, {line: s / len(examples) for line, s in scores.items()})


def row_of(path: Path, heard: Heard, exact: Heard) -> dict[str, Any]:
    """One model's figures against fp32's. Raises `ModelError` where the vocabulary is another."""
    count = len(exact.likeliest)
    if len(heard.likeliest) != count:
        raise ModelError(f"{path}: another vocabulary than that of --against")
    files = path.iterdir() if path.is_dir() else [path]
    same = sum(a == b for a, b in zip(heard.likeliest, exact.likeliest, strict=True))
    return {
        "model": path.name,
        "mb": round(sum(f.stat().st_size for f in files) / 1e6, 1),
        "tokens": count,
        "same_pct": round(100 * same / count, 2),
        "loss": round(heard.nats / count, 4),
        "loss_above": round((heard.nats - exact.nats) / count, 4),
        "perplexity": round(math.exp(heard.nats / count), 2),
        **{f"{line}_rouge_l": round(value, 2) for line, value in heard.rouge_l.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL")
    parser.add_argument("--against", type=Path, required=True, metavar="FP32")
    parser.add_argument("--data", type=Path, required=True, help="folder with glancechat/")
    parser.add_argument("--limit", type=positive, default=40, help="threads (default: 40)")
    parser.add_argument("--json", action="store_true", help="a line a model")
    args = parser.parse_args()
    try:
        _, held_out = read_split(args.data)
        examples = spread([e for e in held_out if e.known == ALL], args.limit)
        exact = hear(args.against, examples)
        rows = [row_of(args.against, exact, exact)]
        rows += [row_of(path, hear(path, examples), exact) for path in args.models]
    except SidelongError as error:
        print(f"parity: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    if args.json:
        print("\n".join(map(json.dumps, rows)))
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in rows[0]:
        table.add_column(name, justify="left" if name == "model" else "right")
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
