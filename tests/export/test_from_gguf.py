"""A checkpoint made of a GGUF is the one that the GGUF was made of."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from export.from_gguf import from_gguf, main
from export.to_gguf import export_model


def test_there_and_back(checkpoint: Path, tmp_path: Path) -> None:
    export_model(checkpoint, tmp_path / "tiny.gguf", kind="f32")
    from_gguf(tmp_path / "tiny.gguf", tmp_path / "back")
    ids = torch.tensor([list(range(3, 40))])
    with torch.no_grad():
        said, again = (
            LlamaForCausalLM.from_pretrained(folder).eval()(ids).logits
            for folder in (checkpoint, tmp_path / "back")
        )
    assert torch.allclose(said, again, atol=1e-4)
    one, other = (
        Tokenizer.from_file(str(folder / "tokenizer.json"))
        for folder in (checkpoint, tmp_path / "back")
    )
    one.encode_special_tokens = other.encode_special_tokens = True
    for text in ("Train 12 is late, 7:30 ok?", "कल मिलते हैं 🎉", "<|im_start|> a\x00b"):
        assert one.encode(text).ids == other.encode(text).ids
        assert other.decode(other.encode(text).ids) == text


def test_no_gguf(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.gguf").write_bytes(b"hello")
    monkeypatch.setattr(sys, "argv", ["from_gguf", str(tmp_path / "x.gguf"), str(tmp_path / "o")])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "x.gguf: " in capsys.readouterr().err
    assert not (tmp_path / "o").exists()
