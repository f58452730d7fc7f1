"""One contract, two engines, a tiny model; transformers is the judge where it is installed."""

from __future__ import annotations

import json
import math
import random
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from device.errors import ModelError
from device.language.engine import Engine, Sampling
from device.language.llama_engine import LlamaEngine
from device.language.onnx_engine import OnnxEngine

ROOT = Path(__file__).parents[3]
TINY = ROOT / "tests/tiny"
GGUF, ADAPTER = TINY / "tiny.gguf", TINY / "tiny-adapter.gguf"
EXPECTED = json.loads((TINY / "expected.json").read_text())
GREEDY = Sampling()
N_CTX, N_SEQS = 96, 8
NEAR = 0.02
"""Nats by which engines may differ: llama.cpp keeps its cache in float16."""


def llama(n_ctx: int = N_CTX, n_seqs: int = N_SEQS, **more: Any) -> LlamaEngine:
    return LlamaEngine(GGUF, n_ctx=n_ctx, n_seqs=n_seqs, threads=1, **more)


def onnx(n_ctx: int = N_CTX, n_seqs: int = N_SEQS) -> OnnxEngine:
    return OnnxEngine(TINY, n_ctx=n_ctx, n_seqs=n_seqs, threads=1)


MAKERS: dict[str, Callable[..., LlamaEngine | OnnxEngine]] = {"llama": llama, "onnx": onnx}


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest) -> Callable[..., LlamaEngine | OnnxEngine]:
    """Makes engines of one kind."""
    return MAKERS[request.param]


@pytest.fixture(scope="module", params=MAKERS)
def shared(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with MAKERS[request.param]() as engine:
        yield engine


@pytest.fixture
def engine(shared: Engine) -> Iterator[Engine]:
    """An engine with nothing open; loaded once for the whole file."""
    yield shared
    shared.set_adapter(None)
    close_all(shared)


@pytest.fixture
def adaptable() -> Iterator[LlamaEngine]:
    """An engine that knows adapters."""
    with llama() as engine:
        yield engine


class Judge:
    """transformers on the same weights.

    It reads the GGUF with its own code, so that it judges `export.to_gguf` as well.
    """

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # while others are imported: not ours to mend
            self.torch = pytest.importorskip("torch")
            transformers = pytest.importorskip("transformers")
            pytest.importorskip("gguf")
            transformers.utils.logging.disable_progress_bar()
            self.torch.set_num_threads(1)  # so small a model only waits for more
            self.model = transformers.LlamaForCausalLM.from_pretrained(
                TINY, gguf_file=GGUF.name, dtype=self.torch.float32
            ).eval()

    def __call__(self, tokens: Sequence[int]) -> Any:
        """(tokens, n_vocab) log-probabilities in nats."""
        with self.torch.no_grad():
            logits = self.model(self.torch.tensor([list(tokens)])).logits[0]
        return self.torch.log_softmax(logits.double(), dim=-1).numpy()


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


def close_all(engine: Engine) -> None:
    for seq in range(N_SEQS):
        try:
            engine.close(seq)
        except KeyError:
            continue


def started(engine: Engine, tokens: Sequence[int]) -> int:
    seq = engine.open()
    engine.extend(seq, tokens)
    return seq


def words(length: int, seed: int = 0) -> list[int]:
    """Random tokens behind a control token."""
    draw = random.Random(seed)
    return [1, *(draw.randrange(3, 512) for _ in range(length - 1))]


def go_on(
    engine: Engine,
    seqs: Sequence[int],
    n: int | Sequence[int] = 8,
    sampling: Sampling = GREEDY,
    stop: Sequence[int] = (),
) -> list[list[int]]:
    """What each sequence says."""
    said: list[list[int]] = [[] for _ in seqs]
    for step in engine.generate(seqs, sampling, stop, n):
        assert len(step) == len(seqs)
        assert any(token is not None for token in step)
        for held, token in zip(said, step, strict=True):
            if token is not None:
                held.append(token)
    return said


def row(engine: Engine, seq: int) -> list[float]:
    """Log-probabilities of every next token."""
    return engine.score(seq, [[t] for t in range(engine.n_vocab)])


def fresh(engine: Engine, tokens: Sequence[int], n: int = 8) -> list[int]:
    """What a sequence says that was opened only now."""
    seq = started(engine, tokens)
    (said,) = go_on(engine, [seq], n)
    engine.close(seq)
    return said


# --- the same words as transformers ---


@pytest.mark.parametrize("case", EXPECTED["plain"])
def test_as_recorded(engine: Engine, case: dict[str, list[Any]]) -> None:
    seq = started(engine, case["prompt"])
    scores = engine.score(seq, EXPECTED["continuations"])
    assert scores == pytest.approx(case["scores"], abs=NEAR, rel=1e-3)
    assert go_on(engine, [seq], len(case["greedy"])) == [case["greedy"]]
    assert engine.tokens(seq) == (*case["prompt"], *case["greedy"])


@pytest.mark.parametrize("length", [1, 2, 17, 80])
def test_as_transformers(engine: Engine, judge: Judge, length: int) -> None:
    tokens = words(length, seed=length)
    seq = started(engine, tokens)
    assert row(engine, seq) == pytest.approx(list(judge(tokens)[-1]), abs=NEAR)
    continuations = [words(n, seed=n)[1:] for n in (2, 3, 9)]
    for c, score in zip(continuations, engine.score(seq, continuations), strict=True):
        rows = judge(tokens + c)[length - 1 : -1]
        assert score == pytest.approx(float(rows[range(len(c)), c].sum()), abs=NEAR)
    (said,) = go_on(engine, [seq])
    for i, token in enumerate(said):
        best = judge(tokens + said[:i])[-1]
        assert best[token] >= best.max() - NEAR


def test_batches_are_split(make: Callable[..., Engine], judge: Judge) -> None:
    """More than any batch holds: a long prompt, and many continuations at once."""
    engine = make(n_ctx=1400, n_seqs=2)
    tokens = words(1300)
    seq, other = started(engine, tokens), started(engine, tokens[:700])
    engine.prefill([seq, other])
    assert row(engine, seq) == pytest.approx(list(judge(tokens)[-1]), abs=0.05)
    continuations = [words(25, seed=n)[1:] for n in range(40)]
    scores = engine.score(other, continuations)
    for c, score in list(zip(continuations, scores, strict=True))[::13]:
        rows = judge(tokens[:700] + c)[699:-1]
        assert score == pytest.approx(float(rows[range(len(c)), c].sum()), abs=0.2)
    engine.close(seq)
    (long,) = engine.score(other, [tokens[700:]])
    rows = judge(tokens)[699:-1]
    wanted = float(rows[range(600), tokens[700:]].sum())
    assert long == pytest.approx(wanted, rel=1e-3)


# --- sequences ---


def test_forks_are_independent(engine: Engine) -> None:
    base = words(20)
    parent = started(engine, base)
    a, b, c = engine.fork(parent, 3)
    engine.extend(a, [5, 6])
    engine.truncate(b, 4)
    assert [engine.tokens(s) for s in (parent, a, b, c)] == [
        tuple(base), (*base, 5, 6), tuple(base[:4]), tuple(base),
    ]  # fmt: skip
    said = go_on(engine, [a, b, c, parent])
    assert said == [fresh(engine, t) for t in ([*base, 5, 6], base[:4], base, base)]
    engine.close(parent)
    engine.truncate(a, 20)
    assert go_on(engine, [a]) == [said[2]]


def test_a_fork_of_a_queue(engine: Engine) -> None:
    (fork,) = engine.fork(started(engine, words(9)), 1)
    (empty,) = engine.fork(engine.open(), 1)
    assert engine.tokens(empty) == ()
    engine.extend(empty, words(9))
    assert go_on(engine, [fork]) == go_on(engine, [empty])


@pytest.mark.parametrize("length", [0, 1, 12, 29, 30])
def test_truncated_then_extended_is_as_fresh(engine: Engine, length: int) -> None:
    tokens = words(30)
    seq = started(engine, tokens)
    go_on(engine, [seq])
    engine.truncate(seq, length)
    assert engine.tokens(seq) == tuple(tokens[:length])
    engine.extend(seq, [7, 8, 9])
    assert go_on(engine, [seq]) == [fresh(engine, [*tokens[:length], 7, 8, 9])]


def test_pieces_are_as_the_whole(engine: Engine) -> None:
    tokens = words(40)
    seq = engine.open()
    for start in range(0, 40, 7):
        engine.extend(seq, tokens[start : start + 7])
        engine.prefill([seq, seq])
    assert go_on(engine, [seq]) == [fresh(engine, tokens)]


def test_together_is_as_one_by_one(engine: Engine) -> None:
    prompts = [words(n, seed=n) for n in (3, 40, 17, 1)]
    alone = [fresh(engine, p, n) for p, n in zip(prompts, (5, 9, 0, 20), strict=True)]
    seqs = [started(engine, p) for p in prompts]
    assert go_on(engine, seqs, [5, 9, 0, 20]) == alone
    for seq, prompt, said in zip(seqs, prompts, alone, strict=True):
        assert engine.tokens(seq) == (*prompt, *said)
    assert go_on(engine, seqs) == [
        fresh(engine, p + a) for p, a in zip(prompts, alone, strict=True)
    ]


def test_scoring_changes_nothing(engine: Engine) -> None:
    tokens = words(25)
    seq = started(engine, tokens)
    while True:
        try:
            engine.open()
        except RuntimeError:
            break
    scores = engine.score(seq, [[4], [4, 5, 6], [4, 5, 7], [8, 9]])
    assert engine.score(seq, [[8, 9]]) == pytest.approx(scores[3:], abs=1e-3)
    assert engine.score(seq, [[4, 5, 7], [4, 5, 7]]) == pytest.approx([scores[2]] * 2, abs=1e-3)
    assert engine.score(seq, []) == []
    assert engine.tokens(seq) == tuple(tokens)
    engine.close(next(s for s in range(N_SEQS) if s != seq))
    assert go_on(engine, [seq]) == [fresh(engine, tokens)]
    assert sum(map(math.exp, row(engine, seq))) == pytest.approx(1)


# --- ends ---


def test_stop_tokens_are_neither_said_nor_kept(engine: Engine) -> None:
    tokens = words(12)
    said = fresh(engine, tokens, 8)
    cut = said.index(said[4])
    seq, other = started(engine, tokens), started(engine, words(5, seed=5))
    assert go_on(engine, [seq, other], 8, stop=[said[4]])[0] == said[:cut]
    assert engine.tokens(seq) == (*tokens, *said[:cut])
    assert go_on(engine, [seq], 8 - cut) == [said[cut:]]
    assert go_on(engine, [seq], 8, stop=range(512)) == [[]]


def test_the_context_ends(engine: Engine) -> None:
    seq = started(engine, words(N_CTX - 3))
    other = started(engine, words(5))
    assert [len(s) for s in go_on(engine, [seq, other], 6)] == [3, 6]
    assert go_on(engine, [seq], 6) == [[]]
    with pytest.raises(ValueError, match=f"{N_CTX + 1} tokens"):
        engine.extend(seq, [5])
    assert len(engine.tokens(seq)) == N_CTX
    engine.truncate(seq, N_CTX - 1)
    assert len(go_on(engine, [seq], 6)[0]) == 1


def test_an_iterator_closed_early(engine: Engine) -> None:
    tokens = words(10)
    said = fresh(engine, tokens)
    seq, other = started(engine, tokens), started(engine, words(4))
    steps = engine.generate([seq, other], GREEDY, (), 8)
    for _ in range(3):
        next(steps)
    steps.close()
    assert engine.tokens(seq) == (*tokens, *said[:3])
    assert go_on(engine, [seq], 5) == [said[3:]]


def test_other_work_between_steps(engine: Engine) -> None:
    tokens = words(10)
    seq, other = started(engine, tokens), started(engine, words(30, seed=3))
    said = []
    for step in engine.generate([seq], GREEDY, (), 8):
        said.append(step[0])
        go_on(engine, [other], 1)
        engine.score(seq, [[5, 6]])
    assert said == fresh(engine, tokens)
    steps = engine.generate([seq, other], GREEDY, (), 20)
    next(steps)
    engine.truncate(seq, 10)
    engine.extend(seq, [9, 9])
    assert [step[0] for step in steps][:8] == fresh(engine, [*tokens, 9, 9])


@pytest.mark.parametrize(
    "act",
    [
        lambda e: e.close(7),
        lambda e: e.tokens(7),
        lambda e: e.extend(7, [3]),
        lambda e: e.prefill([7]),
        lambda e: e.fork(7, 1),
        lambda e: e.truncate(7, 0),
        lambda e: e.generate([7], GREEDY, (), 1),
        lambda e: e.score(7, [[3]]),
        lambda e: e.save(7, Path("never")),
    ],
)
def test_a_sequence_that_is_not_open(engine: Engine, act: Callable[[Engine], object]) -> None:
    started(engine, [1, 2, 3])
    with pytest.raises(KeyError):
        act(engine)


@pytest.mark.parametrize(
    "act",
    [
        lambda e, s: e.extend(s, [512]),
        lambda e, s: e.extend(s, [-1]),
        lambda e, s: e.truncate(s, 4),
        lambda e, s: e.truncate(s, -1),
        lambda e, s: e.score(s, [[]]),
        lambda e, s: e.score(s, [[3, 512]]),
        lambda e, s: e.score(s, [[-1]]),
        lambda e, s: e.score(s, [[3] * N_CTX]),
        lambda e, s: e.score(e.open(), [[3]]),
        lambda e, s: e.generate([s, e.open()], GREEDY, (), 1),
        lambda e, s: e.generate([s, s], GREEDY, (), 1),
        lambda e, s: e.generate([s], GREEDY, (), [1, 1]),
    ],
)
def test_values_out_of_range(engine: Engine, act: Callable[[Engine, int], object]) -> None:
    seq = started(engine, [1, 2, 3])
    with pytest.raises(ValueError, match=r"."):
        act(engine, seq)
    assert engine.tokens(seq) == (1, 2, 3)
    assert go_on(engine, [seq]) == [fresh(engine, [1, 2, 3])]


def test_all_sequences_taken(engine: Engine) -> None:
    seq = started(engine, [1, 2])
    with pytest.raises(RuntimeError, match="sequences"):
        engine.fork(seq, N_SEQS)
    assert len(engine.fork(seq, N_SEQS - 1)) == N_SEQS - 1
    with pytest.raises(RuntimeError, match="sequences"):
        engine.open()


# --- sampling ---


def test_seeds(engine: Engine) -> None:
    hot = Sampling(temperature=2.0, top_k=0, top_p=1.0, seed=11)
    base = started(engine, words(6))
    said = go_on(engine, engine.fork(base, 3), 10, hot)
    close_all(engine)
    base = started(engine, words(6))
    assert go_on(engine, engine.fork(base, 3), 10, hot) == said
    assert len({tuple(s) for s in said}) == 3
    (second,) = go_on(engine, engine.fork(base, 1), 10, Sampling(2.0, 0, 1.0, seed=12))
    assert second == said[1]
    (negative,) = go_on(engine, engine.fork(base, 1), 10, Sampling(2.0, 0, 1.0, seed=-1))
    engine.close(4)
    assert go_on(engine, engine.fork(base, 1), 10, Sampling(2.0, 0, 1.0, seed=-1)) == [negative]


@pytest.mark.parametrize("narrow", [Sampling(1.5, top_k=1), Sampling(1.5, top_k=0, top_p=1e-6)])
def test_narrow_sampling_is_greedy(engine: Engine, narrow: Sampling) -> None:
    tokens = words(6)
    assert go_on(engine, [started(engine, tokens)], 10, narrow) == [fresh(engine, tokens, 10)]


def test_sampled_tokens_follow_the_odds(engine: Engine) -> None:
    """600 draws of one token against its probabilities at temperature 0.7 of the best three."""
    seq = started(engine, words(6))
    logs = row(engine, seq)
    best = sorted(range(512), key=logs.__getitem__)[-3:]
    odds = [math.exp(logs[t] / 0.7) for t in best]
    counts = dict.fromkeys(best, 0)
    for seed in range(600):
        ((token,),) = go_on(engine, [seq], 1, Sampling(0.7, top_k=3, top_p=1.0, seed=seed))
        counts[token] += 1
        engine.truncate(seq, 6)
    for token, odd in zip(best, odds, strict=True):
        assert counts[token] / 600 == pytest.approx(odd / sum(odds), abs=0.08)


def test_a_heavy_penalty_forbids_repeats(engine: Engine) -> None:
    seq = started(engine, words(6))
    (said,) = go_on(engine, [seq], 60, Sampling(repeat_penalty=1e4))
    assert len(set(said)) == 60


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
    for content in (whole[:-1], whole[:100], whole + b"\0", b""):
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


# --- the exporters ---


@pytest.mark.parametrize(("kind", "near"), [("f16", 0.05), ("q8_0", 0.5), ("q4_0", 4.0)])
def test_gguf_types(tmp_path: Path, judge: Judge, kind: str, near: float) -> None:
    from export.to_gguf import export_model

    judge.model.save_pretrained(tmp_path)
    shutil.copy(TINY / "tokenizer.json", tmp_path)
    export_model(tmp_path, tmp_path / "tiny.gguf", kind=kind, chat_template="{{ 1 }}")
    with LlamaEngine(tmp_path / "tiny.gguf", n_ctx=64, threads=1) as engine:
        seq = started(engine, words(20))
        assert row(engine, seq) == pytest.approx(list(judge(words(20))[-1]), abs=near)
        assert engine.metadata()["tokenizer.chat_template"] == "{{ 1 }}"


@pytest.mark.parametrize(("kind", "near"), [("int8", 0.5), ("int4", 4.0)])
def test_onnx_types(tmp_path: Path, judge: Judge, kind: str, near: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        proto = pytest.importorskip("onnx")
        pytest.importorskip("onnx_ir")
        from export.to_onnx import quantize

        model = quantize(proto.load(TINY / "model.onnx"), kind)
    proto.save(model, tmp_path / "model.onnx")
    size = (tmp_path / "model.onnx").stat().st_size
    assert size < 0.6 * (TINY / "model.onnx").stat().st_size
    engine = OnnxEngine(tmp_path, n_ctx=64, threads=1)
    seq = started(engine, words(20))
    assert row(engine, seq) == pytest.approx(list(judge(words(20))[-1]), abs=near)


# --- any order of calls ---


class Calls(RuleBasedStateMachine):
    """Random calls against books kept in lists, and a second engine that recomputes everything."""

    make: Callable[[], LlamaEngine | OnnxEngine]
    engines: tuple[LlamaEngine | OnnxEngine, LlamaEngine | OnnxEngine] | None = None

    def __init__(self) -> None:
        super().__init__()
        kind = type(self)
        if kind.engines is None:
            kind.engines = (kind.make(), kind.make())
        self.engine, self.naive = kind.engines
        for engine in kind.engines:
            engine.set_adapter(None)
            close_all(engine)
        self.books: dict[int, list[int]] = {}

    def pick(self, data: st.DataObject, *, filled: bool = False) -> int:
        return data.draw(st.sampled_from([s for s, t in self.books.items() if t or not filled]))

    def filled(self) -> bool:
        return any(self.books.values())

    @precondition(lambda self: len(self.books) < N_SEQS)
    @rule(length=st.integers(0, 20), seed=st.integers(0, 9))
    def open(self, length: int, seed: int) -> None:
        tokens = words(20, seed)[:length]
        self.books[started(self.engine, tokens)] = tokens

    @precondition(lambda self: self.books)
    @rule(data=st.data(), tokens=st.lists(st.integers(0, 511), max_size=12))
    def extend(self, data: st.DataObject, tokens: list[int]) -> None:
        seq = self.pick(data)
        if len(self.books[seq]) + len(tokens) <= N_CTX:
            self.engine.extend(seq, tokens)
            self.books[seq] += tokens

    @precondition(lambda self: self.books)
    @rule(data=st.data())
    def prefill(self, data: st.DataObject) -> None:
        self.engine.prefill(data.draw(st.lists(st.sampled_from(sorted(self.books)))))

    @precondition(lambda self: 0 < len(self.books) < N_SEQS)
    @rule(data=st.data(), n=st.integers(0, 3))
    def fork(self, data: st.DataObject, n: int) -> None:
        seq = self.pick(data)
        for fork in self.engine.fork(seq, min(n, N_SEQS - len(self.books))):
            assert fork not in self.books
            self.books[fork] = list(self.books[seq])

    @precondition(lambda self: self.books)
    @rule(data=st.data(), part=st.floats(0, 1))
    def truncate(self, data: st.DataObject, part: float) -> None:
        seq = self.pick(data)
        length = int(part * len(self.books[seq]))
        self.engine.truncate(seq, length)
        del self.books[seq][length:]

    @precondition(lambda self: self.books)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        seq = self.pick(data)
        self.engine.close(seq)
        del self.books[seq]

    @precondition(filled)
    @rule(data=st.data(), early=st.integers(1, 8))
    def generate(self, data: st.DataObject, early: int) -> None:
        ready = [s for s, tokens in self.books.items() if tokens]
        seqs = data.draw(st.lists(st.sampled_from(ready), unique=True, min_size=1))
        most = data.draw(st.lists(st.integers(0, 4), min_size=len(seqs), max_size=len(seqs)))
        steps = self.engine.generate(seqs, GREEDY, (), most)
        for _, step in zip(range(early), steps, strict=False):
            for seq, token in zip(seqs, step, strict=True):
                if token is not None:
                    self.likeliest(self.books[seq], token)
                    self.books[seq].append(token)
        steps.close()

    def likeliest(self, tokens: list[int], token: int) -> None:
        logs = self.fresh_row(tokens)
        assert logs[token] >= max(logs) - NEAR

    def fresh_row(self, tokens: list[int]) -> list[float]:
        seq = started(self.naive, tokens)
        logs = row(self.naive, seq)
        self.naive.close(seq)
        return logs

    @precondition(filled)
    @rule(data=st.data(), c=st.lists(st.integers(0, 511), min_size=1, max_size=4))
    def score(self, data: st.DataObject, c: list[int]) -> None:
        seq = self.pick(data, filled=True)
        tokens = self.books[seq]
        if len(tokens) + len(c) <= N_CTX:
            both = self.engine.score(seq, [c, c[:1]])
            naive = [self.fresh_row(tokens + c[:i])[t] for i, t in enumerate(c)]
            assert both == pytest.approx([sum(naive), naive[0]], abs=NEAR)

    @precondition(lambda self: 0 < len(self.books) < N_SEQS)
    @rule(data=st.data())
    def save_and_load(self, data: st.DataObject) -> None:
        seq = self.pick(data)
        with tempfile.TemporaryDirectory() as folder:
            self.engine.save(seq, Path(folder) / "thread")
            loaded = self.engine.load(Path(folder) / "thread")
        assert loaded not in self.books
        self.books[loaded] = list(self.books[seq])

    @rule(on=st.booleans())
    def adapt(self, on: bool) -> None:
        if isinstance(self.engine, LlamaEngine):
            self.engine.set_adapter(ADAPTER if on else None)
            self.naive.set_adapter(ADAPTER if on else None)

    @invariant()
    def books_agree(self) -> None:
        for seq, tokens in self.books.items():
            assert self.engine.tokens(seq) == tuple(tokens)


class LlamaCalls(Calls):
    make = staticmethod(llama)


class OnnxCalls(Calls):
    make = staticmethod(onnx)


for calls in (LlamaCalls, OnnxCalls):
    calls.TestCase.settings = settings(
        max_examples=15,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
TestLlamaCalls = LlamaCalls.TestCase
TestOnnxCalls = OnnxCalls.TestCase
