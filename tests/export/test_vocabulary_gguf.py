"""A trimmed vocabulary reads a text the same from its GGUF as from its tokenizer.json."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from device.language.llama_vocab import LlamaModel, LlamaVocab
from device.language.tokenizer import JsonTokenizer
from export.to_gguf import export_model
from export.vocabulary import BASE_FILE, base_folder, read_base, trim

LINES = 10_000
PIECES = 4_096

WORDS = {
    "english": "the can you bring milk we're they'll I'd don't tomorrow kitchen rock'n'roll",
    "hinglish": "kal subah aadha ghanta late hoon yaar tum log start kar lo theek hai bhej do",
    "spanglish": "oye mañana llego tarde parking así que guárdame un sitio ¿vale? ¡órale! niño",
    "devanagari": "नमस्ते आज शाम को मिलते हैं क्या मैं घर पर हूँ ज़रूर क्षत्रिय १२ ४:३०",
    "arabic": "مرحبا هل نلتقي الليلة؟ إن شاء الله لا تتأخر ١٢:٣٠ مُدَرِّسَة لأ",
    "code": "def f(x): return {'a':[1,2]} x**2 != 0x1F // # `ls -la` \\n && std::vector<int> a_b",
    "others": "שלום 你好世界 今晚 こんにちは 한국어 ไทย Straße naïve ﬁ Ǆ ½ ² e\u0301 ﷺ Ωmega дом",
}
_EMOJI = "😀 👍🏿 👨‍👩‍👧‍👦 🏳️‍🌈 🇮🇳 ❤️ 3️⃣ ☎ ✅ 🤌🏽 🧑🏻‍🍳 ‼️"
EMOJI = _EMOJI.split()
GAPS = (" ", " ", " ", " ", "  ", "\t", "", "\u00a0", ", ", "... ", "!!! ", "-", "/", "\n", " \n ")


def line(draw: random.Random) -> str:
    """A line as somebody might write it: one or two languages, numbers, emoji, odd gaps."""
    vocabulary = [
        word
        for name in draw.sample(sorted(WORDS), draw.choice((1, 1, 2)))
        for word in WORDS[name].split()
    ]
    makers: list[tuple[Callable[[], str], int]] = [
        (lambda: draw.choice(vocabulary), 12),
        (lambda: draw.choice(vocabulary).upper(), 1),
        (lambda: draw.choice(EMOJI), 2),
        (lambda: str(draw.randrange(10 ** draw.randint(1, 7))), 1),
        (lambda: f"{draw.randrange(24)}:{draw.randrange(60):02}", 1),
        (lambda: draw.choice(("<|im_start|>", "<|im_end|>", "---", "'s", "’re", "@x", "#1")), 1),
        (lambda: chr(draw.randrange(0x20, 0x3000)), 1),
        (lambda: chr(draw.randrange(0x1F300, 0x1FAFF)), 1),
    ]  # fmt: skip
    chosen = draw.choices([m for m, _ in makers], [w for _, w in makers], k=draw.randint(1, 14))
    return "".join(make() + draw.choice(GAPS) for make in chosen)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[JsonTokenizer, LlamaVocab]:
    """The base's vocabulary trimmed, as tokenizer.json and inside the GGUF of a random model."""
    folder: Path = tmp_path_factory.mktemp("vocabulary")
    vocab, merges = read_base(base_folder() / BASE_FILE)
    draw = random.Random(1)
    tokenizer = trim(vocab, merges, [line(draw) for _ in range(2_000)], PIECES)
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, intermediate_size=32,
        num_hidden_layers=1, num_attention_heads=1, tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    export_model(folder, folder / "model.gguf", kind="q8_0")
    model = LlamaModel(folder / "model.gguf", vocab_only=True)
    return JsonTokenizer(folder / "tokenizer.json"), LlamaVocab(model)


def test_ten_thousand_lines(both: tuple[JsonTokenizer, LlamaVocab]) -> None:
    ours, theirs = both
    draw = random.Random(0)
    for _ in range(LINES):
        text = line(draw)
        tokens = ours.encode(text)
        assert theirs.encode(text) == tokens, text
        assert ours.decode(tokens) == theirs.decode(tokens) == text.encode(), text
