"""Makes the tiny model that the tests run on, so that no test downloads anything.

A Llama of 2 layers with random weights and a vocabulary of 512 pieces learned from the lines below:
nothing it says makes sense, but every engine must say the same. Its outputs are committed; run
this again only when the formats change.

    python -m tests.tiny.make_tiny [--out tests/tiny]
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM

from export.to_gguf import export_adapter, export_model, read_config
from export.to_onnx import export_onnx
from export.vocabulary import CONTROLS, tokenizer_of

LINES = """\
thread Flat 4B
Noor 18:02: can you pick up milk on your way home? also the plumber is coming at 7:30 tomorrow
me 18:05: sure, 2 litres? I will be there before the plumber, don't worry
Tom 18:06: thanks!! 😀👍 I'm late again, the train is 20 minutes behind
Ana 09:15: Happy birthday 🎂🎉 are we still on for dinner on Friday at eight?
me 09:17: yes, see you there! Should I bring the cake, or will you?
Ravi 21:40: kal aadha ghanta late hoon yaar, tum log start kar lo
मीना 07:05: नमस्ते, आज शाम को मिलते हैं क्या? मैं घर पर हूँ
ليلى 07:06: مرحبا، هل نلتقي الليلة؟ سأكون في البيت
Karl 12:00: Könntest du bitte morgen früh die Schlüssel mitbringen? Danke schön
--- new ---
Lucía 12:01: ¿A qué hora llegas mañana? El autobús sale a las 10:45
Boss 16:20: please send the report by Monday, the meeting has moved to room 12
glance Noor asks for milk; the plumber comes at 7:30
summary Tom is late because of his train. Ana wants dinner on Friday.
triage reply soon
reply accept
reply decline
"""

PROMPTS = (
    "thread Flat 4B\n",
    "Noor 18:02: can you bring 2 litres of milk?\nme 18:05: sure",
    "नमस्ते 😀",
)
"""Texts whose greedy continuations stand in expected.json."""

CONTINUATIONS = (" yes", " no", " no, at 7:30 tomorrow", "\n")
STEPS = 16


def tiny_tokenizer() -> Tokenizer:
    """512 pieces of byte-level BPE, control tokens first, split like SmolLM2's."""
    tokenizer = tokenizer_of({}, [])
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=list(CONTROLS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(LINES.splitlines(keepends=True) * 4, trainer)
    return tokenizer


def tiny_model() -> LlamaForCausalLM:
    """Random weights, large enough for attention to matter and for clear winners."""
    torch.manual_seed(46)
    config = LlamaConfig(
        vocab_size=512,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        rope_theta=100000.0,
        rms_norm_eps=1e-5,
        initializer_range=0.2,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    model = LlamaForCausalLM(config).eval()
    for layer in model.model.layers:
        for norm in (layer.input_layernorm, layer.post_attention_layernorm):
            torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
    return model


def tiny_adapter(model: LlamaForCausalLM) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Random A (4, in) and B (out, 4) for every q and v projection."""
    draw = np.random.default_rng(7)
    pairs = {}
    for name, module in model.named_modules():
        if name.endswith(("q_proj", "v_proj")):
            a = draw.normal(0, 0.3, (4, module.in_features)).astype(np.float32)
            b = draw.normal(0, 0.3, (module.out_features, 4)).astype(np.float32)
            pairs[name] = (a, b)
    return pairs


def add_adapter(model: LlamaForCausalLM, pairs: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """W += alpha / rank * B A with alpha 8, rank 4; what the GGUF adapter must amount to."""
    for name, (a, b) in pairs.items():
        model.get_submodule(name).weight.data += 2.0 * torch.from_numpy(b @ a)


@torch.no_grad()
def greedy(model: LlamaForCausalLM, tokens: list[int], steps: int = STEPS) -> list[int]:
    """The likeliest token, again and again; the whole sequence is recomputed each time."""
    held = list(tokens)
    for _ in range(steps):
        held.append(int(model(torch.tensor([held])).logits[0, -1].argmax()))
    return held[len(tokens) :]


@torch.no_grad()
def log_probability(model: LlamaForCausalLM, tokens: list[int], continuation: list[int]) -> float:
    """log P(continuation | tokens) in nats."""
    logits = model(torch.tensor([tokens + continuation])).logits[0].double()
    rows = torch.log_softmax(logits, dim=-1)[len(tokens) - 1 : -1]
    return float(rows[range(len(continuation)), continuation].sum())


def expected(model: LlamaForCausalLM, tokenizer: Tokenizer) -> list[dict[str, object]]:
    """What transformers says, for machines without it."""
    cases = []
    continuations = [tokenizer.encode(c).ids for c in CONTINUATIONS]
    for prompt in PROMPTS:
        tokens = [1, *tokenizer.encode(prompt).ids]
        scores = [round(log_probability(model, tokens, c), 5) for c in continuations]
        cases.append({"prompt": tokens, "greedy": greedy(model, tokens), "scores": scores})
    return cases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    out = parser.parse_args().out
    tokenizer, model = tiny_tokenizer(), tiny_model()
    tokenizer.save(str(out / "tokenizer.json"))
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "tiny"
        model.save_pretrained(checkpoint)
        shutil.copy(out / "tokenizer.json", checkpoint)
        export_model(
            checkpoint, out / "tiny.gguf", kind="f32", metadata={"sidelong.prompt": "thread/1"}
        )
        export_onnx(checkpoint, out, kind="fp32")
        pairs = tiny_adapter(model)
        export_adapter(
            out / "tiny-adapter.gguf",
            pairs,
            read_config(checkpoint),
            alpha=8.0,
            name="tiny-adapter",
        )
    record = {
        "continuations": [tokenizer.encode(c).ids for c in CONTINUATIONS],
        "plain": expected(model, tokenizer),
    }
    add_adapter(model, pairs)
    record["adapter"] = expected(model, tokenizer)
    (out / "expected.json").write_text(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
