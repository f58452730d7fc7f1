"""What a GGUF says of itself, and that no damaged one brings the reader down."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.errors import ModelError
from device.language.gguf_header import read_header
from tests.models import gguf


def test_header(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(gguf(version=2, general__file_type=15, split__count=1))
    header = read_header(file)
    assert (header.architecture, header.kind) == ("llama", "model")
    assert (header.quantization, header.has_chat_template) == ("Q4_K_M", True)
    file.write_bytes(gguf(general__name="a\x1b[2Jb\n" + "c" * 999))
    assert read_header(file).name == "a[2Jb" + "c" * 193
    file.write_bytes(gguf(general__file_type=999))
    assert read_header(file).quantization == "unknown"
    file.write_bytes(gguf(general__file_type=None))
    assert read_header(file).quantization == "unknown"
    with pytest.raises(ModelError, match="can't be read"):
        read_header(tmp_path / "none.gguf")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damaged_header_brings_the_reader_down(data: st.DataObject) -> None:
    content = bytearray(gguf(weights=0))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "m.gguf")
        file.write_bytes(content[: data.draw(st.integers(0, len(content)))])
        with suppress(ModelError):
            read_header(file)
