"""Fine-tune a model on every task of the prompt; resumable, CPU or CUDA.

The learning rate follows a cosine over the run, and the run's end is whichever comes first: its
epochs, its hours or its tokens (checkpoints count what is already spent). What is trained on is
what the recipe says (`export.recipe`), and the files of `--extra`. The model's folder gets a
training.json: recipe, licences, whether it may ship, and the loss on what was held out.

    python -m export.train --data DIR --model DIR --out DIR [--recipe open] [--extra FILE...]
        [--epochs 2] [--hours H] [--tokens N] [--seed N]
        [--teacher DIR [--temperature T] [--labels SHARE]]
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaForCausalLM

from device.language.prompt import ThreadPrompt
from device.language.tokenizer import JsonTokenizer
from export.augment import Retelling
from export.data import ALL
from export.loss import loss_of
from export.pack import Sequence_, batches, collate, pack
from export.q4_0 import fake_q4_0
from export.recipe import assemble, read_recipe

WATCHED = 32
"""Development threads on which the loss is watched while training."""
RECORD = "training.json"
"""What a trained checkpoint says of how it came to be."""


def multiplies_bf16(device: str) -> bool:
    """Whether bf16 is the quicker on `device`.

    Measured, as no CPU flag tells: of two CPUs with avx512_bf16, one took half the time of fp32 and
    the other a half more.
    """
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    seconds = {}
    for dtype in (torch.float32, torch.bfloat16):
        rows, weights = torch.ones(2048, 576, dtype=dtype), torch.ones(576, 1536, dtype=dtype)
        tries = []
        for _ in range(5):
            started = time.perf_counter()
            rows @ weights
            tries.append(time.perf_counter() - started)
        seconds[dtype] = min(tries)
    return seconds[torch.bfloat16] < 0.8 * seconds[torch.float32]


@contextmanager
def rounded(model: LlamaForCausalLM) -> Iterator[None]:
    """The model as Q4_0 will round it; its own weights come back after."""
    kept = []
    for name, p in model.named_parameters():
        if "_proj." in name:
            kept.append((p, p.data))
            p.data = fake_q4_0(p.data)
    try:
        yield
    finally:
        for p, data in kept:
            p.data = data


@torch.no_grad()
def loss_on(
    model: LlamaForCausalLM, sequences: Sequence[Sequence_], batch_tokens: int
) -> tuple[float, float]:
    """(weighted loss, cross-entropy of the answers) in nats a token, the mean over batches."""
    device = str(model.device)
    losses = [
        loss_of(model, collate(group).to(device))
        for group in batches(sequences, batch_tokens, random.Random(0))
    ]
    weighted, answers = (float(torch.stack(column).mean()) for column in zip(*losses, strict=True))
    return weighted, answers


class Run:
    """One training run and all that a checkpoint needs to go on from it."""

    def __init__(self, args: argparse.Namespace):
        self.args = args
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.bf16 = multiplies_bf16(self.device) if args.bf16 is None else args.bf16
        self.prompt = ThreadPrompt(JsonTokenizer(args.model / "tokenizer.json"))
        self.model = LlamaForCausalLM.from_pretrained(args.model, dtype=torch.float32)
        self.model.to(self.device).train()
        self.teacher = None
        if args.teacher:
            self.teacher = LlamaForCausalLM.from_pretrained(args.teacher, dtype=torch.float32)
            self.teacher.to(self.device).eval()
        decay = [p for p in self.model.parameters() if p.dim() > 1]
        plain = [p for p in self.model.parameters() if p.dim() == 1]
        groups = [{"params": decay, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.95), fused=True)
        self.state: dict[str, Any] = {"epoch": 0, "done": 0, "seconds": 0.0, "tokens": 0}
        self.recipe = read_recipe(args.recipe)
        room = assemble(self.recipe, args.data, args.extra, dialogues_too=False)
        self.licenses = room.licenses()
        self.training = room.training[: args.limit]
        self.retelling = Retelling(room.training, self.recipe.augment)
        whole = [e for e in room.held_out if e.known == ALL]
        step = max(1, len(whole) // WATCHED)
        self.watched = [pack(e, self.prompt) for e in whole[::step]]

    def _packed(self, rng: random.Random) -> list[Sequence_]:
        """The training threads, told another way at every pass."""
        told = (self.retelling(example, rng) for example in self.training)
        return [pack(example, self.prompt, earlier) for example, earlier in told]

    @property
    def checkpoint(self) -> Path:
        out: Path = self.args.out
        return out / "checkpoint.pt"

    def save(self) -> None:
        """Write a checkpoint that survives a kill at any moment."""
        self.args.out.mkdir(parents=True, exist_ok=True)
        fresh = self.checkpoint.with_suffix(".new")
        torch.save(
            {
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "state": self.state,
            },
            fresh,
        )
        fresh.replace(self.checkpoint)

    def resume(self) -> None:
        """Go on from the checkpoint in `--out`, if there is one."""
        if self.checkpoint.exists():
            saved = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
            self.model.load_state_dict(saved["model"])
            self.optimizer.load_state_dict(saved["optimizer"])
            self.state = saved["state"]
            print(f"resumed at epoch {self.state['epoch']}, batch {self.state['done']}", flush=True)

    def rate(self, progress: float) -> float:
        """Learning rate at `progress` in 0..1: 3 % warm-up, then a cosine to a tenth."""
        warm = min(1.0, progress / 0.03)
        peak: float = self.args.lr
        return peak * warm * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * progress)))

    def held_out(self) -> tuple[float, float]:
        """(weighted loss, answers' loss) on the watched development threads."""
        self.model.eval()
        with self.precision(), self.quantized():
            losses = loss_on(self.model, self.watched, self.args.batch_tokens)
        self.model.train()
        return losses

    def precision(self) -> torch.autocast:
        """bf16 where asked for, or where it is the quicker."""
        return torch.autocast(self.device, torch.bfloat16, enabled=self.bf16)

    def quantized(self) -> AbstractContextManager[None]:
        """The model as Q4_0 will round it, where asked for."""
        return rounded(self.model) if self.args.fake_q4 else nullcontext()

    def train(self) -> None:
        """All epochs, with a checkpoint every ten minutes."""
        saved = time.monotonic()
        while self.state["epoch"] < self.args.epochs:
            epoch = self.state["epoch"]
            rng = random.Random(1000 * self.args.seed + epoch)
            groups = list(batches(self._packed(rng), self.args.batch_tokens, rng))
            for i, group in enumerate(groups):
                if i < self.state["done"]:
                    continue
                started = time.monotonic()
                progress = (epoch + i / len(groups)) / self.args.epochs
                if self.args.tokens:
                    progress = max(progress, self.state["tokens"] / self.args.tokens)
                if self.args.hours:
                    progress = max(progress, self.state["seconds"] / 3600 / self.args.hours)
                if progress >= 1:
                    return
                self.step(group, progress)
                self.state["done"] = i + 1
                self.state["seconds"] += time.monotonic() - started
                if time.monotonic() - saved > 600:
                    self.save()
                    self.log(progress, held_out=self.held_out())
                    saved = time.monotonic()
            self.state["epoch"], self.state["done"] = epoch + 1, 0

    def step(self, group: list[Sequence_], progress: float) -> None:
        """One batch: loss, clipped gradient, update."""
        rate = self.rate(progress)
        for g in self.optimizer.param_groups:
            g["lr"] = rate
        with self.quantized():
            with self.precision():
                batch = collate(group).to(self.device)
                loss, answers = loss_of(
                    self.model, batch, self.teacher, self.args.temperature, self.args.labels
                )
            # Straight through: the gradient at the rounded weights moves the weights themselves.
            loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.state["tokens"] += sum(len(s.tokens) for s in group)
        if self.state["done"] % 20 == 0:
            self.log(progress, loss=float(loss.detach()), answers=float(answers), rate=rate)

    def log(self, progress: float, **figures: Any) -> None:
        """One line of JSON for people and plots."""
        figures |= {"progress": round(progress, 4), "tokens": self.state["tokens"]}
        if self.state["seconds"]:
            figures["tokens_s"] = round(self.state["tokens"] / self.state["seconds"])
        print(json.dumps(figures), flush=True)

    def finish(self) -> None:
        """Write the trained model, how it came to be, and its tokenizer, which comes last."""
        self.save()
        held_out = self.held_out()
        self.log(1.0, held_out=held_out)
        self.model.save_pretrained(self.args.out)
        record = self.record() | {"held_out": held_out}
        (self.args.out / RECORD).write_text(json.dumps(record, indent=1) + "\n")
        text = (self.args.model / "tokenizer.json").read_text()
        (self.args.out / "tokenizer.json").write_text(text)

    def record(self) -> dict[str, Any]:
        """What a model card needs: the recipe, licences, and the same of what this began with."""
        before = [read_record(folder) for folder in (self.args.model, self.args.teacher) if folder]
        names = ("epochs", "hours", "tokens", "lr", "batch_tokens", "seed", "temperature", "labels")
        return {
            "recipe": self.recipe.name,
            "ships": self.recipe.ships and all(r.get("ships", True) for r in before),
            "licenses": self.licenses,
            "settings": {name: getattr(self.args, name) for name in names},
            "tokens": self.state["tokens"],
            "seconds": round(self.state["seconds"]),
            "from": before[0],
            "teacher": before[1] if self.args.teacher else None,
        }


def read_record(folder: Path) -> dict[str, Any]:
    """A checkpoint's training.json; empty for one that was not trained here."""
    path = folder / RECORD
    record: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return record


def arguments() -> argparse.ArgumentParser:
    """What a run can be told."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with glancechat/")
    parser.add_argument("--recipe", default="open", help="name or path (default: open)")
    parser.add_argument(
        "--extra", type=Path, nargs="*", default=[], help="more examples (export.label writes them)"
    )
    parser.add_argument("--model", type=Path, required=True, help="checkpoint folder to start from")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--hours", type=float, help="training time at most, over all resumes")
    parser.add_argument("--tokens", type=int, help="trained on at most, as `tokens` counts them")
    parser.add_argument("--lr", type=float, default=4e-4)
    parser.add_argument("--batch-tokens", type=int, default=2048)
    parser.add_argument(
        "--bf16",
        action=argparse.BooleanOptionalAction,
        help="default: where it is the quicker on this machine",
    )
    parser.add_argument("--seed", type=int, default=0, help="of order and augmentation")
    parser.add_argument("--teacher", type=Path, help="learn its probabilities, not the labels")
    parser.add_argument("--temperature", type=float, default=1.0, help="of both, with a teacher")
    parser.add_argument("--labels", type=float, default=0.0, help="share of the labels beside it")
    parser.add_argument("--fake-q4", action="store_true", help="learn to bear Q4_0's rounding")
    parser.add_argument("--limit", type=int, help="train on so many threads only (a trial)")
    return parser


def main() -> None:
    run = Run(arguments().parse_args())
    run.resume()
    run.train()
    run.finish()


if __name__ == "__main__":
    main()
