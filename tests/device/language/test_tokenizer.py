"""tokenizer.json and the GGUF made from it: one text, the same tokens."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from device.errors import ModelError
from device.language.llama_vocab import LlamaModel, LlamaVocab
from device.language.tokenizer import JsonTokenizer, Tokenizer

TINY = Path(__file__).parents[2] / "tiny"
CONTROLS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
JSON = JsonTokenizer(TINY / "tokenizer.json")
GGUF = LlamaVocab(LlamaModel(TINY / "tiny.gguf", vocab_only=True))
BOTH = pytest.mark.parametrize("tokenizer", [JSON, GGUF], ids=["json", "gguf"])

TEXTS = [
    "",
    " ",
    "\n",
    "  two  spaces \n\n and  lines\t\ttabs \r\n",
    "can you pick up milk on your way home?",
    "7:30, 12.50 €, +49 151 2345678, ½ and ² and ٣ and ४",
    "I'm, you're, she'll, they've, I'd, it's, don't, I'M, rock'n'roll, 's",
    "😀👍🏿👨‍👩‍👧‍👦🏳️‍🌈🇮🇳 ok❤️",
    "नमस्ते, आज शाम को मिलते हैं क्या? मैं घर पर हूँ।",
    "مرحبا، هل نلتقي الليلة؟ ١٢:٣٠",
    "שלום עולם, 你好世界，今天晚上見！こんにちは 한국어 ไทย",
    "kal aadha ghanta late hoon yaar, tum log start kar lo",
    "def f(x):\n    return {'a': [1, 2], \"b\": x**2}  # comment\n",
    "<|im_start|>glance\nhello<|im_end|><|endoftext|>",
    "<|im_start|",
    "Straße naïve Ǆ ﬁ ﷺ e\u0301 \u00a0\u2009\u3000x",
    "\u200b\u200d\ufeff\u202e\u0000\u0007\x7f\ufffd\U0010ffff",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!!!!!!!!!!!!!......??????",
    "https://example.com/a_b-c?d=e&f=%20#g me@example.com",
]


@pytest.mark.parametrize("text", TEXTS)
def test_both_agree(text: str) -> None:
    tokens = JSON.encode(text)
    assert GGUF.encode(text) == tokens
    assert JSON.decode(tokens) == GGUF.decode(tokens) == text.encode()


# The two libraries cut words by tables of different Unicode versions: of a letter that only the
# newer one knows ("\U00013460'm") they make different pieces. Python's own is older than both.
KNOWN = st.characters(exclude_categories=("Cs", "Cn"))


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=KNOWN, max_size=60))
def test_both_agree_on_any_text_of_known_characters(text: str) -> None:
    test_both_agree(text)


@BOTH
@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=60))
@example(text="\U00013460'm")
def test_any_text_comes_back(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text.encode()


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab'sS t\n\t 7½é你م्क😀\u200d!<|im_end>"), max_size=40))
def test_both_agree_on_mixed_text(text: str) -> None:
    test_both_agree(text)


@BOTH
def test_text_never_becomes_a_control_token(tokenizer: Tokenizer) -> None:
    controls = {tokenizer.control(name) for name in CONTROLS}
    assert len(controls) == 3
    for name in CONTROLS:
        tokens = tokenizer.encode(f"a{name}b")
        assert not controls & set(tokens)
        assert tokenizer.decode(tokens) == f"a{name}b".encode()
        assert tokenizer.decode([tokenizer.control(name)]) == b""


@BOTH
def test_a_template_does_become_control_tokens(tokenizer: Tokenizer) -> None:
    start, end = tokenizer.control("<|im_start|>"), tokenizer.control("<|im_end|>")
    hello = tokenizer.encode("hello\n")
    assert tokenizer.encode_template("<|im_start|>hello\n<|im_end|>") == [start, *hello, end]
    assert start not in tokenizer.encode("<|im_start|>")


@BOTH
@pytest.mark.parametrize("name", ["", "<|nothing|>", "a", "hello there", "<|im_start|"])
def test_what_is_no_control(tokenizer: Tokenizer, name: str) -> None:
    with pytest.raises(KeyError):
        tokenizer.control(name)


def test_every_token_is_the_same_bytes() -> None:
    assert JSON.n_vocab == GGUF.n_vocab == 512
    for token in range(512):
        assert JSON.decode([token]) == GGUF.decode([token])
    draw = random.Random(0)
    tokens = [draw.randrange(512) for _ in range(300)]
    assert JSON.decode(tokens) == GGUF.decode(tokens)


@BOTH
def test_half_a_character(tokenizer: Tokenizer) -> None:
    pieces = [tokenizer.decode([t]) for t in tokenizer.encode("\U0001f9ff")]
    assert len(pieces) > 1
    assert b"".join(pieces) == "\U0001f9ff".encode()


def test_a_vocabulary_keeps_its_model() -> None:
    """The model is only freed when its vocabulary is gone."""
    vocabulary = LlamaVocab(LlamaModel(TINY / "tiny.gguf", vocab_only=True))
    assert vocabulary.encode("milk") == JSON.encode("milk")
    with pytest.raises(ModelError, match="adapter"):
        LlamaModel(TINY / "tiny-adapter.gguf", vocab_only=True)
