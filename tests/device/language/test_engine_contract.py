"""One contract, two engines, the same tiny weights; transformers says what is right.

`expected.json` holds its answers for machines without it; where it is installed it is asked live.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.errors import ModelError
from device.language.engine import Engine, Sampling
from device.language.llama_engine import LlamaEngine
from device.language.onnx_engine import OnnxEngine

TINY = Path(__file__).parents[2] / "tiny"
GGUF, ONNX, ADAPTER = TINY / "tiny.gguf", TINY, TINY / "tiny-adapter.gguf"
EXPECTED = json.loads((TINY / "expected.json").read_text())
CASES = EXPECTED["plain"]
N_CTX, N_SEQS = 128, 8
GREEDY = Sampling()
CLOSE = 0.05
"""Nats and logits: llama.cpp keeps keys and values as float16."""


def make(kind: str, n_ctx: int = N_CTX, n_seqs: int = N_SEQS) -> Any:
    if kind == "onnx":
        return OnnxEngine(ONNX, n_ctx=n_ctx, n_seqs=n_seqs, threads=1)
    return LlamaEngine(GGUF, n_ctx=n_ctx, n_seqs=n_seqs, threads=1, n_cells=n_ctx * n_seqs)


@pytest.fixture(scope="module", params=["llama", "onnx"])
def shared_engine(request: pytest.FixtureRequest) -> Any:
    return make(request.param)


@pytest.fixture
def engine(shared_engine: Any) -> Iterator[Any]:
    yield shared_engine
    close_all(shared_engine)


@pytest.fixture(scope="module")
def reference() -> Any:
    """transformers on the same weights: (n_tokens, n_vocab) logits of a list of tokens."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.set_num_threads(1)
    model = transformers.LlamaForCausalLM.from_pretrained(TINY, gguf_file=GGUF.name).eval()

    def logits(tokens: Sequence[int]) -> Any:
        with torch.no_grad():
            return model(torch.tensor([list(tokens)])).logits[0].double()

    return logits


def close_all(engine: Engine) -> None:
    for seq in range(N_SEQS):
        with suppress(KeyError):
            engine.close(seq)


def opened(engine: Engine, tokens: Sequence[int]) -> int:
    seq = engine.open()
    engine.extend(seq, tokens)
    return seq


def go_on(
    engine: Engine,
    seqs: Sequence[int],
    sampling: Sampling = GREEDY,
    stop: Sequence[int] = (),
    most: int | Sequence[int] = 12,
) -> list[list[int]]:
    """What each sequence generates."""
    steps = list(engine.generate(seqs, sampling, stop, most))
    return [[s[i] for s in steps if s[i] is not None] for i in range(len(seqs))]


def fresh(engine: Engine, tokens: Sequence[int], **how: Any) -> list[int]:
    seq = opened(engine, tokens)
    (answer,) = go_on(engine, [seq], **how)
    engine.close(seq)
    return answer


PROMPT, OTHER, THIRD = (case["prompt"] for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=["a", "b", "c"])
def test_greedy_and_scores_as_committed(engine: Engine, case: dict[str, Any]) -> None:
    seq = opened(engine, case["prompt"])
    scores = engine.score(seq, EXPECTED["continuations"])
    assert scores == pytest.approx(case["scores"], abs=CLOSE)
    assert engine.tokens(seq) == tuple(case["prompt"])
    assert go_on(engine, [seq], most=len(case["greedy"])) == [case["greedy"]]
    assert engine.tokens(seq) == (*case["prompt"], *case["greedy"])


def test_greedy_and_scores_as_transformers_says(engine: Engine, reference: Any) -> None:
    for prompt in (PROMPT, OTHER, THIRD):
        seq = opened(engine, prompt)
        held = list(prompt)
        for _ in range(12):
            held.append(int(reference(held)[-1].argmax()))
        continuation = held[len(prompt) : len(prompt) + 5]
        (score,) = engine.score(seq, [continuation])
        assert score == pytest.approx(log_p(reference, prompt, continuation), abs=CLOSE)
        assert go_on(engine, [seq]) == [held[len(prompt) :]]


def log_p(reference: Any, tokens: Sequence[int], continuation: Sequence[int]) -> float:
    rows = reference([*tokens, *continuation]).log_softmax(-1)[len(tokens) - 1 : -1]
    return float(sum(row[t] for row, t in zip(rows, continuation, strict=True)))


def test_a_fork_goes_its_own_way(engine: Engine) -> None:
    seq = opened(engine, PROMPT)
    a, b = engine.fork(seq, 2)
    engine.extend(a, OTHER)
    assert engine.tokens(b) == engine.tokens(seq) == tuple(PROMPT)
    from_a, from_b = go_on(engine, [a, b])
    assert from_a == fresh(engine, PROMPT + OTHER)
    assert from_b == fresh(engine, PROMPT)
    engine.close(a)
    engine.truncate(b, 2)
    assert go_on(engine, [seq]) == [fresh(engine, PROMPT)]


def test_a_fork_outlives_its_parent(engine: Engine) -> None:
    seq = opened(engine, OTHER)
    (fork,) = engine.fork(seq, 1)
    engine.close(seq)
    assert go_on(engine, [fork]) == [fresh(engine, OTHER)]


@pytest.mark.parametrize("length", [0, 1, 4, len(OTHER) - 1, len(OTHER)])
def test_truncated_then_extended_is_like_fresh(engine: Engine, length: int) -> None:
    seq = opened(engine, OTHER)
    go_on(engine, [seq], most=3)
    engine.truncate(seq, length)
    engine.extend(seq, PROMPT)
    assert go_on(engine, [seq]) == [fresh(engine, OTHER[:length] + PROMPT)]


def test_together_is_like_one_by_one(engine: Engine) -> None:
    prompts = [PROMPT, OTHER, THIRD, OTHER[:1]]
    seqs = [opened(engine, prompt) for prompt in prompts]
    engine.prefill(seqs[1:2])
    most = [12, 5, 0, 9]
    together = go_on(engine, seqs, most=most)
    assert [len(answer) for answer in together] == most
    assert together == [fresh(engine, p, most=n) for p, n in zip(prompts, most, strict=True)]
    again = go_on(engine, seqs, most=3)
    for prompt, before, after in zip(prompts, together, again, strict=True):
        assert before + after == fresh(engine, prompt, most=len(before) + 3)


def test_in_pieces_is_like_at_once(engine: Engine) -> None:
    tokens = PROMPT + OTHER
    seq = engine.open()
    for start in range(0, len(tokens), 7):
        engine.extend(seq, tokens[start : start + 7])
        engine.prefill([seq, seq])
    assert go_on(engine, [seq]) == [fresh(engine, tokens)]


def test_many_long_continuations(engine: Engine) -> None:
    """More tokens than one batch takes."""
    seq = opened(engine, PROMPT)
    long = [(OTHER * 4)[i : i + 90] for i in range(9)]
    together = engine.score(seq, long)
    assert together == pytest.approx([engine.score(seq, [c])[0] for c in long], abs=CLOSE)
    assert len(engine.fork(seq, N_SEQS - 1)) == N_SEQS - 1, "score has left something open"


def test_a_thread_longer_than_a_batch() -> None:
    tokens = (PROMPT + OTHER + THIRD) * 14
    long = tokens[:700]
    llama, onnx = (make(kind, n_ctx=1500, n_seqs=2) for kind in ("llama", "onnx"))
    assert fresh(llama, long, most=4) == fresh(onnx, long, most=4)
    one, other = (e.score(opened(e, long), [tokens[40:660]])[0] for e in (llama, onnx))
    assert one == pytest.approx(other, rel=1e-3)


@pytest.mark.parametrize("length", [0, 1, 2, len(OTHER)])
def test_saved_and_loaded(engine: Engine, tmp_path: Path, length: int) -> None:
    path = tmp_path / "thread"
    seq = opened(engine, OTHER[:length])
    engine.save(seq, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["thread"]
    loaded = engine.load(path)
    assert engine.tokens(loaded) == tuple(OTHER[:length])
    engine.extend(loaded, PROMPT)
    assert go_on(engine, [loaded]) == [fresh(engine, OTHER[:length] + PROMPT)]
    assert engine.tokens(seq) == tuple(OTHER[:length])


def test_a_damaged_file_is_refused(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "thread"
    seq = opened(engine, OTHER)
    engine.save(seq, path)
    whole = path.read_bytes()
    for place in (0, 20, 50, 106, 120, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(ModelError):
            engine.load(path)
    for length in (0, 7, 45, 110, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError):
            engine.load(path)
    with pytest.raises(ModelError):
        engine.load(tmp_path / "nothing")
    assert len(engine.fork(seq, N_SEQS - 1)) == N_SEQS - 1, "a refused file has left one open"


def test_a_file_of_the_other_engine_is_refused(tmp_path: Path) -> None:
    engines = [make("llama"), make("onnx")]
    assert engines[0].fingerprint != engines[1].fingerprint
    for one, other in (engines, engines[::-1]):
        one.save(opened(one, OTHER), tmp_path / "thread")
        with pytest.raises(ModelError, match="another"):
            other.load(tmp_path / "thread")
    with pytest.raises(ModelError):
        make("onnx", n_ctx=8).load(tmp_path / "thread")


def test_a_stop_token_is_not_kept(engine: Engine) -> None:
    whole = fresh(engine, OTHER)
    stop = whole[4]
    kept = whole[: whole.index(stop)]
    seq = opened(engine, OTHER)
    assert go_on(engine, [seq], stop=[stop]) == [kept]
    assert engine.tokens(seq) == (*OTHER, *kept)
    assert go_on(engine, [seq]) == [fresh(engine, OTHER + kept)]


def test_steps_have_one_entry_a_sequence(engine: Engine) -> None:
    a, b = opened(engine, PROMPT), opened(engine, OTHER)
    steps = list(engine.generate([a, b], GREEDY, [], [2, 4]))
    assert [[t is None for t in step] for step in steps] == [[False, False]] * 2 + [
        [True, False]
    ] * 2
    assert list(engine.generate([a], GREEDY, [], 0)) == []
    assert list(engine.generate([], GREEDY, [], 5)) == []


def test_a_context_that_is_full(engine: Engine) -> None:
    seq = opened(engine, (OTHER * 4)[: N_CTX - 3])
    assert len(go_on(engine, [seq])[0]) == 3
    assert len(engine.tokens(seq)) == N_CTX
    assert go_on(engine, [seq]) == [[]]
    before = engine.tokens(seq)
    with pytest.raises(ValueError, match="context"):
        engine.extend(seq, [5])
    assert engine.tokens(seq) == before


def test_closing_early_keeps_what_was_said(engine: Engine) -> None:
    seq = opened(engine, PROMPT)
    steps = engine.generate([seq], GREEDY, [], 12)
    said = [next(steps)[0] for _ in range(3)]
    steps.close()  # type: ignore[attr-defined]
    assert engine.tokens(seq) == (*PROMPT, *said)
    assert said + go_on(engine, [seq], most=9)[0] == fresh(engine, PROMPT)


def test_leaving_a_generation_hanging(engine: Engine) -> None:
    seq = opened(engine, PROMPT)
    steps = engine.generate([seq], GREEDY, [], 12)
    for _ in range(3):
        next(steps)
    engine.truncate(seq, 2)
    engine.extend(seq, OTHER)
    steps.close()  # type: ignore[attr-defined]
    assert go_on(engine, [seq]) == [fresh(engine, PROMPT[:2] + OTHER)]


def test_unknown_sequences(engine: Engine, tmp_path: Path) -> None:
    gone = engine.open()
    engine.close(gone)
    for call in (
        lambda: engine.close(gone),
        lambda: engine.tokens(gone),
        lambda: engine.extend(gone, [1]),
        lambda: engine.prefill([gone]),
        lambda: engine.fork(gone, 1),
        lambda: engine.truncate(gone, 0),
        lambda: engine.generate([gone], GREEDY, [], 1),
        lambda: engine.score(gone, [[1]]),
        lambda: engine.save(gone, tmp_path / "thread"),
    ):
        with pytest.raises(KeyError):
            call()


def test_what_is_out_of_range(engine: Engine) -> None:
    seq, empty = opened(engine, PROMPT), engine.open()
    for call in (
        lambda: engine.extend(seq, [engine.n_vocab]),
        lambda: engine.extend(seq, [1, -1]),
        lambda: engine.extend(seq, [1] * N_CTX),
        lambda: engine.truncate(seq, len(PROMPT) + 1),
        lambda: engine.truncate(seq, -1),
        lambda: engine.generate([empty], GREEDY, [], 1),
        lambda: engine.generate([seq, seq], GREEDY, [], 1),
        lambda: engine.generate([seq], GREEDY, [], [1, 1]),
        lambda: engine.score(seq, [[1], []]),
        lambda: engine.score(empty, [[1]]),
        lambda: engine.score(seq, [[engine.n_vocab]]),
        lambda: engine.score(seq, [[1, -1]]),
        lambda: engine.score(seq, [[1] * N_CTX]),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            call()
    assert engine.tokens(seq) == tuple(PROMPT)


def test_no_more_sequences_than_agreed(engine: Engine) -> None:
    seq = opened(engine, PROMPT)
    with pytest.raises(RuntimeError):
        engine.fork(seq, N_SEQS)
    assert len(engine.fork(seq, N_SEQS - 1)) == N_SEQS - 1, "the refused fork has kept some"
    with pytest.raises(RuntimeError):
        engine.open()


def test_seeds_repeat_and_differ(engine: Engine) -> None:
    hot = Sampling(temperature=1.5, top_k=0, top_p=1.0, seed=3)
    first = go_on(engine, engine.fork(opened(engine, PROMPT), 3), hot)
    close_all(engine)
    again = go_on(engine, engine.fork(opened(engine, PROMPT), 3), hot)
    assert first == again
    assert len(set(map(tuple, first))) == 3
    assert fresh(engine, PROMPT, sampling=Sampling(1.5, 0, 1.0, seed=4)) == first[1]


def test_narrow_sampling_is_greedy(engine: Engine) -> None:
    greedy = fresh(engine, PROMPT)
    assert fresh(engine, PROMPT, sampling=Sampling(temperature=2.0, top_k=1)) == greedy
    assert fresh(engine, PROMPT, sampling=Sampling(2.0, top_k=0, top_p=0.001)) == greedy


def test_repeat_penalty(engine: Engine) -> None:
    strict = Sampling(repeat_penalty=1e6)
    answer = fresh(engine, [PROMPT[0]] * 20, sampling=strict, most=60)
    assert len(set(answer)) == 60, "a positive logit, divided by a million, has won again"


def test_missing_and_damaged_models(tmp_path: Path) -> None:
    gguf, onnx = tmp_path / "m.gguf", tmp_path / "onnx"
    onnx.mkdir()
    for content in (None, b"", b"GGUF", (ONNX / "model.onnx").read_bytes()[:9000]):
        if content is not None:
            gguf.write_bytes(content)
            (onnx / "model.onnx").write_bytes(content)
        with pytest.raises(ModelError):
            LlamaEngine(gguf)
        with pytest.raises(ModelError):
            OnnxEngine(onnx, n_ctx=8, n_seqs=1)
    gguf.write_bytes(GGUF.read_bytes()[:200_000])
    with pytest.raises(ModelError):
        LlamaEngine(gguf)
    with pytest.raises(ModelError):
        LlamaEngine(ADAPTER)


def test_onnx_has_no_adapters() -> None:
    engine = make("onnx")
    engine.set_adapter(None)
    with pytest.raises(ModelError, match="GGUF"):
        engine.set_adapter(ADAPTER)


def test_adapter_swaps(tmp_path: Path) -> None:
    engine = make("llama")
    seq = opened(engine, PROMPT)
    plain, fingerprint = fresh(engine, PROMPT), engine.fingerprint
    engine.prefill([seq])
    engine.save(seq, tmp_path / "plain")
    engine.set_adapter(ADAPTER)
    assert engine.fingerprint != fingerprint
    with pytest.raises(ModelError, match="adapter"):
        engine.load(tmp_path / "plain")
    for case in EXPECTED["adapter"]:
        other = opened(engine, case["prompt"])
        scores = engine.score(other, EXPECTED["continuations"])
        assert scores == pytest.approx(case["scores"], abs=2 * CLOSE)
        engine.close(other)
    adapted = fresh(engine, PROMPT)
    (fork,) = engine.fork(seq, 1)
    assert go_on(engine, [fork]) == [adapted], "an old cache is used with a new adapter"
    assert adapted != plain
    engine.set_adapter(ADAPTER, 0.5)
    assert engine.fingerprint != fingerprint
    engine.set_adapter(None)
    assert engine.fingerprint == fingerprint
    assert go_on(engine, [seq]) == [plain]
    for bad in (GGUF, tmp_path / "none", Path(__file__)):
        with pytest.raises(ModelError):
            engine.set_adapter(bad)
    assert engine.fingerprint == fingerprint


TOKENS = st.lists(st.integers(3, 511), min_size=1, max_size=9)
OPS = st.tuples(
    st.sampled_from(("extend", "extend", "prefill", "fork", "truncate", "go on", "score", "close")),
    st.integers(0, 99),
    TOKENS,
)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(ops=st.lists(OPS, min_size=3, max_size=25))
def test_any_order_of_calls(engine: Engine, reference: Any, ops: list[Any]) -> None:
    """Whatever was called before, the answers are those of someone who recomputes everything."""
    close_all(engine)
    held = {engine.open(): [] for _ in range(2)}
    for what, number, tokens in ops:
        seq = sorted(held)[number % len(held)]
        if what == "extend" and len(held[seq]) < 60:
            engine.extend(seq, tokens)
            held[seq] += tokens
        elif what == "prefill":
            engine.prefill(sorted(held))
        elif what == "fork" and len(held) < 6:
            held |= {fork: list(held[seq]) for fork in engine.fork(seq, 1 + number % 2)}
        elif what == "truncate":
            del held[seq][number % (len(held[seq]) + 1) :]
            engine.truncate(seq, len(held[seq]))
        elif what == "close" and len(held) > 1:
            engine.close(seq)
            del held[seq]
        elif what == "score" and held[seq]:
            wanted = [log_p(reference, held[seq], c) for c in (tokens, tokens[:1])]
            assert engine.score(seq, [tokens, tokens[:1]]) == pytest.approx(wanted, abs=2 * CLOSE)
        elif what == "go on":
            seqs = [s for s in held if held[s]]
            said = go_on(engine, seqs, most=[(number + i) % 4 for i in range(len(seqs))])
            for i, (s, answer) in enumerate(zip(seqs, said, strict=True)):
                assert len(answer) == (number + i) % 4
                rows = reference(held[s] + answer)[len(held[s]) - 1 :]
                for row, token in zip(rows, answer, strict=False):
                    assert row[token] >= row.max() - 2 * CLOSE
                held[s] += answer
        for s in held:
            assert engine.tokens(s) == tuple(held[s])
