"""Fetched recognisers and voices: over HTTP, whole or not at all."""

from __future__ import annotations

import io
import random
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from device.cli import main
from device.errors import VoiceError
from device.voice.recogniser import Vocabulary
from device.voice.sherpa_recogniser import Sherpa
from device.voice.speech_models import install, models_folder, speech_models, usable
from tests.models import File, Server

MODEL = {
    "tokens.txt": b"<blk> 0\n",
    "encoder-epoch-99.onnx": b"float",
    "encoder-epoch-99.int8.onnx": b"int8",
    "decoder-epoch-99.onnx": b"d",
    "joiner-epoch-99.onnx": b"j",
    "bpe.vocab": b"b",
}


def archive(files: dict[str, bytes], mode: str = "w:bz2") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as tar:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def address(server: Server) -> str:
    host, port = server.server_address[:2]
    return f"http://{host!s}:{port}"


def test_a_recogniser_is_pulled_listed_and_used(
    server: Server, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = archive({f"zipformer-en/{name}": content for name, content in MODEL.items()})
    server.files["/zipformer-en.tar.bz2"] = File(packed)
    assert main(["voice", "pull", f"{address}/zipformer-en.tar.bz2"]) == 0
    assert main(["voice", "list"]) == 0
    assert "zipformer-en: sherpa, from http" in capsys.readouterr().out
    model = usable(models_folder(), "sherpa")
    assert model is not None
    assert {p.name for p in model.folder.iterdir()} == {*MODEL, "model.json"}
    assert [p.name for p in models_folder().iterdir()] == ["zipformer-en"], "nothing is left over"


def test_a_voice_is_pulled_with_its_configuration(server: Server, address: str) -> None:
    server.files["/en_US-amy-low.onnx"] = File(b"onnx")
    server.files["/en_US-amy-low.onnx.json"] = File(b'{"audio": {}}')
    assert main(["voice", "pull", f"{address}/en_US-amy-low.onnx"]) == 0
    model = usable(models_folder(), "piper", "en_US-amy-low")
    assert model is not None
    assert model.voice.read_bytes() == b"onnx"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.tar.bz2", archive({"readme.txt": b"x"}), "neither a streaming transducer"),
        ("a.tar.bz2", b"<html>", "not a file of the kind wanted"),
        ("a.tar.gz", archive(MODEL), "not a file of the kind wanted"),
        ("a.tar.bz2", archive(MODEL)[:-40], "no usable archive"),
        ("a.tar.bz2", archive({"../../evil": b"x", **MODEL}), "no usable archive"),
        ("a.zip", b"PK", "neither an archive"),
    ],
)
def test_what_is_no_model_is_refused_and_leaves_nothing(
    server: Server,
    address: str,
    name: str,
    content: bytes,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.files[f"/{name}"] = File(content)
    assert main(["voice", "pull", f"{address}/{name}"]) == 2
    assert said in capsys.readouterr().err
    assert not list(models_folder().iterdir())


def test_what_was_cut_off_is_taken_up_again(server: Server, address: str) -> None:
    packed = archive({**MODEL, "encoder-epoch-99.onnx": random.Random(1).randbytes(200_000)})
    server.files["/a.tar.bz2"] = File(packed, cut_at=100_000)
    assert main(["voice", "pull", f"{address}/a.tar.bz2"]) == 2
    server.files["/a.tar.bz2"] = File(packed)
    assert main(["voice", "pull", f"{address}/a.tar.bz2"]) == 0
    assert server.ranges()[0] is None
    assert str(server.ranges()[-1]).startswith("bytes=")
    assert [p.name for p in models_folder().iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("zipformer", "is no URL"),
        ("file:///etc/passwd", "only http"),
        ("http://a:b@c/d.onnx", "a URL with a password"),
    ],
)
def test_only_plain_urls(source: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voice", "pull", source]) == 2
    assert said in capsys.readouterr().err


def test_another_hash_than_expected_is_refused(server: Server, address: str) -> None:
    server.files["/a.tar.bz2"] = File(archive(MODEL))
    assert main(["voice", "pull", f"{address}/a.tar.bz2", "--sha256", "0" * 64]) == 2
    assert not list(models_folder().iterdir())


def installed(tmp_path: Path, files: dict[str, bytes] = MODEL) -> Path:
    source = tmp_path / "fetched"
    source.mkdir(exist_ok=True)
    for name, content in files.items():
        (source / name).write_bytes(content)
    return install(tmp_path / "voice", source, "m", "https://example.org/m").folder


def test_a_damaged_model_is_not_used(tmp_path: Path) -> None:
    folder = installed(tmp_path)
    (folder / "tokens.txt").write_bytes(b"other")
    with pytest.raises(VoiceError, match=r"tokens\.txt: not what was fetched"):
        usable(tmp_path / "voice", "sherpa")
    with pytest.raises(VoiceError, match="no piper model is called 'm'"):
        usable(tmp_path / "voice", "piper", "m")
    assert usable(tmp_path / "voice", "piper") is None
    assert [m.name for m in speech_models(tmp_path / "voice")] == ["m"]


def test_installing_again_mends_it(tmp_path: Path) -> None:
    (installed(tmp_path) / "tokens.txt").write_bytes(b"other")
    installed(tmp_path)
    assert usable(tmp_path / "voice", "sherpa") is not None


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "x" * 200])
def test_a_name_is_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(VoiceError, match="can't be a model's name"):
        install(tmp_path, tmp_path, name, "https://example.org")


class Recognizer:
    """Stands for `sherpa_onnx.OnlineRecognizer`; its text is what it was given."""

    made: dict[str, Any]

    @classmethod
    def from_transducer(cls, **options: Any) -> Recognizer:
        if "joiner" not in options["joiner"]:
            raise RuntimeError("no joiner")
        made = cls()
        made.made = options
        return made

    def create_stream(self, hotwords: str = "") -> SimpleNamespace:
        heard: list[np.ndarray] = []
        return SimpleNamespace(
            hotwords=hotwords,
            heard=heard,
            left=3,
            accept_waveform=lambda rate, part: heard.append(part),
            input_finished=lambda: None,
        )

    def is_ready(self, stream: SimpleNamespace) -> bool:
        return bool(stream.left > 0)

    def decode_stream(self, stream: SimpleNamespace) -> None:
        stream.left -= 1

    def get_result(self, stream: SimpleNamespace) -> str:
        loudest = max(abs(part).max() for part in stream.heard)
        return f" {stream.hotwords} {loudest:.2f} {stream.left}"


def test_sherpa_is_given_names_as_hotwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sherpa_onnx", SimpleNamespace(OnlineRecognizer=Recognizer))
    recogniser = Sherpa(installed(tmp_path))
    recogniser.expect(Vocabulary(("Sarah", "A/C crew"), ("dinner",)))
    text = recogniser.text((np.ones(1600) * 2**14).astype("<i2").tobytes())
    assert text.endswith("/sarah/a c crew/dinner 0.50 0")
    made = recogniser._model.made
    assert made["encoder"].endswith("int8.onnx")
    assert made["decoding_method"] == "modified_beam_search"


def test_sherpa_without_a_vocabulary_of_pieces_does_without_hotwords(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sherpa_onnx", SimpleNamespace(OnlineRecognizer=Recognizer))
    folder = installed(tmp_path, {k: v for k, v in MODEL.items() if k != "bpe.vocab"})
    recogniser = Sherpa(folder)
    assert recogniser._model.made["decoding_method"] == "greedy_search"
    assert recogniser.text(bytes(3200)) == "0.00 0"


def test_the_real_library_refuses_a_folder_without_a_model(tmp_path: Path) -> None:
    pytest.importorskip("sherpa_onnx")
    with pytest.raises(VoiceError, match="has no encoder"):
        Sherpa(tmp_path)
