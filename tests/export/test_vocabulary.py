"""A trimmed vocabulary still writes any text."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from device.language.tokenizer import JsonTokenizer
from export.vocabulary import BASE_FILE, CONTROLS, base_folder, choose, derivation, read_base, trim

TEXTS = ["can you bring the milk?", "kal subah 8:30 pe milte hain", "see you tomorrow 😀"]


@pytest.fixture(scope="module")
def trimmed() -> Tokenizer:
    vocab, merges = read_base(base_folder() / BASE_FILE)
    return trim(vocab, merges, TEXTS, 600)


@pytest.fixture(scope="module")
def tokenizer(trimmed: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> JsonTokenizer:
    path: Path = tmp_path_factory.mktemp("vocabulary") / "tokenizer.json"
    trimmed.save(str(path))
    return JsonTokenizer(path)


def test_it_is_small_and_closed(trimmed: Tokenizer) -> None:
    vocab = trimmed.get_vocab(with_added_tokens=True)
    assert len(vocab) <= 600
    assert [trimmed.token_to_id(c) for c in CONTROLS] == [0, 1, 2]
    assert len([p for p in vocab if len(p) == 1]) >= 256


def test_frequent_words_stay_whole(tokenizer: JsonTokenizer) -> None:
    assert len(tokenizer.encode(" tomorrow")) == 1
    assert len(tokenizer.encode(" bring")) == 1


@given(text=st.text())
def test_any_text_round_trips(tokenizer: JsonTokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)).decode() == text


def test_control_strings_are_plain_text(tokenizer: JsonTokenizer) -> None:
    tokens = tokenizer.encode("<|im_start|>glance")
    assert tokenizer.control("<|im_start|>") not in tokens
    assert tokenizer.encode_template("<|im_start|>")[0] == tokenizer.control("<|im_start|>")


def test_derivation_is_what_bpe_does() -> None:
    rank = {("a", "b"): 0, ("ab", "c"): 1, ("b", "c"): 2}
    assert derivation("abc", rank) == [("a", "b"), ("ab", "c")]
    assert derivation("xyz", rank) == []


def test_a_chosen_piece_brings_its_parents() -> None:
    from collections import Counter

    merges = [("a", "b"), ("ab", "c")]
    kept = choose(Counter({"abc": 5}), merges, 600)
    assert {"ab", "abc"} <= kept
    assert all(p in kept for p in itertools.chain("abc"))


def test_every_piece_can_be_reached(trimmed: Tokenizer) -> None:
    """Closed: the merges that are left lead to each piece, and to nothing else."""
    model = json.loads(trimmed.to_str())["model"]
    merges = [tuple(merge) for merge in model["merges"]]
    rank = {pair: i for i, pair in enumerate(merges)}
    pieces = set(model["vocab"]) - set(CONTROLS)
    assert {a + b for a, b in merges} <= pieces
    for piece in pieces:
        way = derivation(piece, rank)
        assert len(piece) == 1 or (way and "".join(way[-1]) == piece), piece


@given(text=st.text(st.characters(codec="utf-8"), max_size=200))
def test_no_byte_is_without_a_piece(tokenizer: JsonTokenizer, text: str) -> None:
    tokens = tokenizer.encode(text)
    assert b"".join(tokenizer.decode([token]) for token in tokens) == text.encode()
    assert all(tokenizer.decode([token]) for token in tokens)
