"""An engine and what it loads: saved sequences, adapters, models; and what it frees again."""

from __future__ import annotations

import random
import subprocess
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from device.errors import ModelError
from device.language.engine import Engine
from device.language.llama_context import LlamaContext, Row
from device.language.llama_engine import LlamaEngine
from device.language.onnx_engine import OnnxEngine
from device.language.saved import MAGIC
from tests.engines import (
    ADAPTER,
    EXPECTED,
    GGUF,
    GREEDY,
    MAKERS,
    N_SEQS,
    NEAR,
    ROOT,
    TINY,
    fresh,
    go_on,
    llama,
    onnx,
    started,
    words,
)

# --- saved sequences ---


@pytest.mark.parametrize("length", [0, 1, 2, 33])
def test_saved_and_loaded_goes_on_the_same(
    engine: Engine, make: Callable[..., Engine], tmp_path: Path, length: int
) -> None:
    tokens = words(33)[:length]
    path = tmp_path / "thread"
    seq = started(engine, tokens)
    engine.save(seq, path)
    engine.save(seq, path)
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["thread"]
    assert path.stat().st_mode & 0o777 == 0o600
    engine.close(seq)
    other = make()
    readers = [engine] if other.fingerprint != engine.fingerprint else [engine, other]
    for reader in readers:
        started(reader, words(7, seed=7))
        seq = reader.load(path)
        assert reader.tokens(seq) == tuple(tokens)
        reader.extend(seq, [9])
        assert go_on(reader, [seq]) == [fresh(reader, [*tokens, 9])]


def test_a_damaged_file_is_refused(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "thread"
    engine.save(started(engine, words(20)), path)
    whole = path.read_bytes()
    draw = random.Random(1)
    for place in [*range(0, 120), *(draw.randrange(len(whole)) for _ in range(60))]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(ModelError):
            engine.load(path)
    short = [MAGIC + zlib.crc32(rest).to_bytes(4, "little") + rest for rest in (b"", whole[12:78])]
    for content in (whole[:-1], whole[:100], whole + b"\0", b"", *short):
        path.write_bytes(content)
        with pytest.raises(ModelError):
            engine.load(path)
    with pytest.raises(ModelError):
        engine.load(tmp_path / "missing")
    engine.fork(0, N_SEQS - 1)  # nothing that was refused took a sequence


def test_another_models_file_is_refused(make: Callable[..., Engine], tmp_path: Path) -> None:
    path = tmp_path / "thread"
    engine = make()
    engine.save(started(engine, words(20)), path)
    for other in MAKERS.values():
        reader = other()
        if reader.fingerprint != engine.fingerprint:
            with pytest.raises(ModelError, match="another model"):
                reader.load(path)
    small = make(n_ctx=10)
    with pytest.raises(ModelError, match="20 tokens"):
        small.load(path)


# --- adapters ---


def test_an_adapter_changes_and_restores(adaptable: LlamaEngine, tmp_path: Path) -> None:
    plain, adapted = EXPECTED["plain"][1], EXPECTED["adapter"][1]
    seq = started(adaptable, plain["prompt"])
    n = len(plain["greedy"])
    adaptable.save(seq, tmp_path / "plain")
    before = adaptable.fingerprint
    for path, case in [(ADAPTER, adapted), (None, plain), (ADAPTER, adapted)]:
        adaptable.set_adapter(path)
        # The cached sequence is recomputed, and so is a fresh one.
        (fork,) = adaptable.fork(seq, 1)
        scores = adaptable.score(seq, EXPECTED["continuations"])
        assert scores == pytest.approx(case["scores"], abs=NEAR, rel=1e-3)
        assert go_on(adaptable, [fork], n) == [case["greedy"]]
        assert fresh(adaptable, plain["prompt"], n) == case["greedy"]
        assert (adaptable.fingerprint == before) == (path is None)
        adaptable.close(fork)
    with pytest.raises(ModelError, match="another model or adapter"):
        adaptable.load(tmp_path / "plain")
    strong = adaptable.fingerprint
    adaptable.set_adapter(ADAPTER, scale=0.5)
    assert adaptable.fingerprint not in (before, strong)
    adaptable.set_adapter(ADAPTER, scale=0.0)
    assert adaptable.score(seq, EXPECTED["continuations"]) == pytest.approx(
        plain["scores"], abs=NEAR, rel=1e-3
    )


@pytest.mark.parametrize("content", ["missing", "empty", "text", "cut", "model"])
def test_what_is_no_adapter_is_refused(
    adaptable: LlamaEngine, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "adapter.gguf"
    whole = ADAPTER.read_bytes()
    contents = {"empty": b"", "text": b"hello", "cut": whole[: len(whole) // 2]}
    contents["model"] = GGUF.read_bytes()
    if content != "missing":
        path.write_bytes(contents[content])
    seq = started(adaptable, words(9))
    said = fresh(adaptable, words(9))
    with pytest.raises(ModelError, match=r"adapter\.gguf"):
        adaptable.set_adapter(path)
    assert go_on(adaptable, [seq]) == [said]


def test_onnx_says_that_it_knows_no_adapters() -> None:
    with pytest.raises(ModelError, match="llama engine"):
        onnx().set_adapter(ADAPTER)


# --- models that can't be loaded ---


@pytest.mark.parametrize("part", [0.0, 0.001, 0.01, 0.04, 0.5, 0.999])
def test_a_truncated_gguf(tmp_path: Path, part: float) -> None:
    path = tmp_path / "model.gguf"
    whole = GGUF.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(ModelError, match=r"model\.gguf"):
        LlamaEngine(path)


@pytest.mark.parametrize("name", ["missing.gguf", "text.gguf", "tiny-adapter.gguf"])
def test_what_is_no_gguf_model(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.gguf").write_text("not a model")
    (tmp_path / "tiny-adapter.gguf").write_bytes(ADAPTER.read_bytes())
    with pytest.raises(ModelError, match=name):
        LlamaEngine(tmp_path / name)


@pytest.mark.parametrize("content", [None, b"", b"text", (TINY / "model.onnx").read_bytes()[:9999]])
def test_what_is_no_onnx_model(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.onnx"):
        OnnxEngine(tmp_path)


# --- resources ---


@pytest.mark.parametrize("exception", [RuntimeError, KeyboardInterrupt])
def test_a_batch_that_was_cut_off_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, exception: type[BaseException]
) -> None:
    """An interrupt may come when the batch is in the cache already."""
    with LlamaEngine(GGUF, n_ctx=200, threads=1) as engine:
        seq = started(engine, words(9))
        engine.prefill([seq])
        decode = LlamaContext.decode

        def late(context: LlamaContext, rows: Sequence[Row]) -> None:
            decode(context, rows)
            raise exception

        engine.extend(seq, words(5, seed=5))
        with monkeypatch.context() as patched:
            patched.setattr(LlamaContext, "decode", late)
            with pytest.raises(exception):
                engine.prefill([seq])
        engine.truncate(seq, 9)
        engine.extend(seq, words(5, seed=6))
        wanted = fresh(engine, [*words(9), *words(5, seed=6)])
        assert go_on(engine, [seq]) == [wanted]


def test_a_full_cache_says_so_and_recovers() -> None:
    with llama(n_ctx=200, n_cells=256) as engine:
        a, b = started(engine, words(190)), started(engine, words(190, seed=1))
        engine.prefill([a])
        with pytest.raises(RuntimeError, match="full"):
            engine.prefill([b])
        with pytest.raises(RuntimeError, match="full"):
            list(engine.generate([b], GREEDY, (), 3))
        with pytest.raises(RuntimeError, match="full"):
            engine.score(a, [words(9)] + [words(9, seed=s) for s in range(9)])
        assert go_on(engine, [a], 3) == [fresh(llama(n_ctx=200), words(190), 3)]
        engine.close(a)
        assert go_on(engine, [b], 3) == [fresh(llama(n_ctx=200), words(190, seed=1), 3)]


def test_nothing_works_after_shut(make: Callable[..., LlamaEngine | OnnxEngine]) -> None:
    engine = make()
    seq = started(engine, words(4))
    steps = engine.generate([seq], GREEDY, (), 4)
    next(steps)
    engine.shut()
    engine.shut()
    for act in (engine.open, lambda: engine.tokens(seq), lambda: engine.set_adapter(ADAPTER)):
        with pytest.raises((RuntimeError, KeyError, ModelError)):
            act()
    steps.close()


@pytest.mark.parametrize(
    "line",
    ["LlamaEngine(root / 'tiny.gguf', n_ctx=64)", "OnnxEngine(root, n_ctx=64)"],
)
def test_a_process_ends_quietly(line: str) -> None:
    code = (
        "from pathlib import Path\n"
        "from device.language.engine import Sampling\n"
        "from device.language.llama_engine import LlamaEngine\n"
        "from device.language.onnx_engine import OnnxEngine\n"
        f"root = Path({str(TINY)!r})\n"
        f"engine = {line}\n"
        "seq = engine.open(); engine.extend(seq, [1, 2, 3])\n"
        "steps = engine.generate([seq], Sampling(temperature=1.0), (), 9)\n"
        "next(steps)\n"
    )
    # llama_cpp itself leaves two files open, which only -W error tells.
    strict = ["-W", "error", "-W", "ignore::ResourceWarning"]
    done = subprocess.run(
        [sys.executable, *strict, "-c", code], cwd=ROOT, capture_output=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_metadata() -> None:
    with llama() as engine:
        found = engine.metadata()
    assert found["sidelong.prompt"] == "thread/1"
    assert found["general.architecture"] == "llama"
    assert found["tokenizer.ggml.eot_token_id"] == "2"
