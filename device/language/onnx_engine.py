"""The engine contract on ONNX Runtime: a decoder with past key values, as `export.to_onnx` writes.

Slower than `llama_engine`, for machines whose accelerator speaks ONNX. ONNX Runtime has no sampler
chain of its own, so that tokens are chosen in numpy here. A sequence's cache is an array that is
never written to: forks share it, and whoever goes on gets a new one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import onnxruntime as ort

from device.errors import ModelError
from device.language import saved
from device.language.engine import Sampling, Seq, Token

CHUNK = 256
"""Tokens of one sequence decoded in one call at most; bounds the logits that come back."""

Array = np.ndarray[Any, Any]


@dataclass(slots=True)
class _Sequence:
    tokens: list[Token]
    cache: Array
    """(2 * layers, KV heads, decoded tokens, head width): key, value, key, value and so on.

    Between calls the last token is never in it.
    """

    @property
    def decoded(self) -> int:
        return int(self.cache.shape[2])


class OnnxEngine:
    """The engine contract on an ONNX folder; see `engine.Engine` for what each method promises."""

    def __init__(
        self,
        folder: Path,
        *,
        n_ctx: int = 2048,
        n_seqs: int = 16,
        threads: int | None = None,
        sha256: str | None = None,
    ):
        """`folder` holds model.onnx. `sha256` is that file's, where it is known already.

        Raises `ModelError` for a file that can't be loaded or lacks past key values.
        """
        path = folder / "model.onnx"
        if not path.is_file():
            raise ModelError(f"{folder}: no model.onnx in it; `make onnx` writes one")
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 4
        # Every step has shapes of its own, so that a remembered pattern never fits.
        options.enable_mem_pattern = False
        try:
            session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's errors have no common root of their own
            raise ModelError(f"{path}: ONNX Runtime can't load it; export it again") from error
        shapes = {i.name: i.shape for i in session.get_inputs()}
        pasts = [name for name in shapes if name.startswith("past_key_values.")]
        if not pasts or not {"input_ids", "attention_mask", "position_ids"} <= set(shapes):
            raise ModelError(f"{path}: not a decoder with past key values; use `export.to_onnx`")
        if sha256 is None:
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        self._sha256, self._n_ctx, self._n_seqs = sha256, n_ctx, n_seqs
        self._session: Any = session
        self._pasts = pasts
        self._outputs = ["logits", *(p.replace("past_key_values", "present") for p in pasts)]
        _, heads, _, width = shapes[pasts[0]]
        self._empty = np.zeros((len(pasts), heads, 0, width), np.float32)
        self._n_vocab = int(session.get_outputs()[0].shape[-1])
        self._sequences: dict[Seq, _Sequence] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shut()

    def shut(self) -> None:
        """Free model and caches; the engine is unusable afterwards. Twice is fine."""
        self._session = None
        self._sequences.clear()
        self._n_seqs = 0

    @property
    def n_ctx(self) -> int:
        return self._n_ctx

    @property
    def n_vocab(self) -> int:
        return self._n_vocab

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self._sha256} onnxruntime".encode()).hexdigest()

    def open(self) -> Seq:
        return self._add(_Sequence([], self._empty))

    def close(self, seq: Seq) -> None:
        del self._sequences[seq]

    def tokens(self, seq: Seq) -> tuple[Token, ...]:
        return tuple(self._sequences[seq].tokens)

    def extend(self, seq: Seq, tokens: Sequence[Token]) -> None:
        held = self._sequences[seq].tokens
        if bad := [t for t in tokens if not 0 <= t < self._n_vocab]:
            raise ValueError(f"token {bad[0]} is not below {self._n_vocab}")
        if (total := len(held) + len(tokens)) > self._n_ctx:
            raise ValueError(f"{total} tokens do not fit a context of {self._n_ctx}")
        held.extend(tokens)

    def prefill(self, seqs: Sequence[Seq]) -> None:
        self._prefill([self._sequences[seq] for seq in dict.fromkeys(seqs)])

    def fork(self, seq: Seq, n: int) -> list[Seq]:
        self.prefill([seq])
        if len(self._sequences) + n > self._n_seqs:
            raise RuntimeError(f"{n} more than the {self._n_seqs} sequences of this engine")
        parent = self._sequences[seq]
        return [self._add(_Sequence(list(parent.tokens), parent.cache)) for _ in range(n)]

    def truncate(self, seq: Seq, length: int) -> None:
        sequence = self._sequences[seq]
        if not 0 <= length <= len(sequence.tokens):
            raise ValueError(f"length {length} is not within 0..{len(sequence.tokens)}")
        del sequence.tokens[length:]
        sequence.cache = sequence.cache[:, :, : max(0, length - 1)]

    def generate(
        self,
        seqs: Sequence[Seq],
        sampling: Sampling,
        stop: Collection[Token],
        max_tokens: int | Sequence[int],
    ) -> Iterator[list[Token | None]]:
        most = [max_tokens] * len(seqs) if isinstance(max_tokens, int) else list(max_tokens)
        sequences = [self._sequences[seq] for seq in seqs]
        if not all(sequence.tokens for sequence in sequences):
            raise ValueError("an empty sequence has nothing to go on from")
        if len(most) != len(seqs) or len(set(seqs)) != len(seqs):
            raise ValueError(f"{len(seqs)} sequences, {len(set(seqs))} different, {len(most)} ends")
        return self._generate(sequences, sampling, frozenset(stop), most)

    def _generate(
        self,
        sequences: list[_Sequence],
        sampling: Sampling,
        stop: frozenset[Token],
        most: list[int],
    ) -> Iterator[list[Token | None]]:
        self._prefill(sequences)
        samplers = [_Sampler(sampling, sampling.seed + i) for i in range(len(sequences))]
        left = {i: n for i, n in enumerate(most) if n > 0}
        batch: _Batch | None = None
        try:
            while left:
                if batch is None:
                    live = list(left)
                    batch = _Batch(self, [sequences[i] for i in live])
                logits = batch.decode()
                step: list[Token | None] = [None] * len(sequences)
                for i, row in zip(live, logits, strict=True):
                    token = samplers[i].choose(row[-1])
                    held = sequences[i].tokens
                    if token in stop or len(held) >= self._n_ctx:
                        del left[i]
                        continue
                    held.append(token)
                    step[i] = token
                    left[i] -= 1
                    if not left[i]:
                        del left[i]
                if len(left) < len(live):
                    batch.hand_back()
                    batch = None
                if any(token is not None for token in step):
                    yield step
        finally:
            if batch is not None:
                batch.hand_back()

    def score(self, seq: Seq, continuations: Sequence[Sequence[Token]]) -> list[float]:
        sequence = self._sequences[seq]
        if not sequence.tokens or not all(continuations):
            raise ValueError("nothing to score")
        longest = max(map(len, continuations), default=0)
        if bad := [t for c in continuations for t in c if not 0 <= t < self._n_vocab]:
            raise ValueError(f"token {bad[0]} is not below {self._n_vocab}")
        if len(sequence.tokens) + longest > self._n_ctx:
            raise ValueError(f"no room for {longest} tokens behind {len(sequence.tokens)}")
        self._prefill([sequence])
        whole = _Sequence(list(sequence.tokens), sequence.cache)
        batch = _Batch(self, [whole])
        first = _log_softmax(batch.decode()[0][-1])
        batch.hand_back(keep_last=True)
        totals = [float(first[c[0]]) for c in continuations]
        behind = sorted({tuple(c[:-1]) for c in continuations if len(c) > 1})
        size = max(1, CHUNK // max(1, longest))
        for start in range(0, len(behind), size):
            group = behind[start : start + size]
            branches = [_Sequence([*whole.tokens, *c], whole.cache) for c in group]
            for beginning, rows in zip(group, _Batch(self, branches).decode(), strict=True):
                for i, c in enumerate(continuations):
                    if tuple(c[:-1]) == beginning:
                        totals[i] += float(_log_softmax(rows)[range(len(c) - 1), c[1:]].sum())
        return totals

    def save(self, seq: Seq, path: Path) -> None:
        self.prefill([seq])
        sequence = self._sequences[seq]
        saved.write(path, self.fingerprint, sequence.tokens, sequence.cache.tobytes())

    def load(self, path: Path) -> Seq:
        tokens, body = saved.read(path, self.fingerprint)
        if len(tokens) > self._n_ctx:
            raise ModelError(f"{path}: {len(tokens)} tokens, but the context is {self._n_ctx}")
        layers, heads, _, width = self._empty.shape
        shape = (layers, heads, max(0, len(tokens) - 1), width)
        if len(body) != 4 * np.prod(shape):
            raise ModelError(f"{path}: the saved thread does not fit this engine; it is read anew")
        return self._add(_Sequence(tokens, np.frombuffer(body, np.float32).reshape(shape)))

    def set_adapter(self, path: Path | None, scale: float = 1.0) -> None:
        if path is not None:
            raise ModelError(f"{path}: adapters need the llama engine and a GGUF model")

    def _add(self, sequence: _Sequence) -> Seq:
        free = next((s for s in range(self._n_seqs) if s not in self._sequences), None)
        if free is None:
            raise RuntimeError(f"all {self._n_seqs} sequences are open")
        self._sequences[free] = sequence
        return free

    def _prefill(self, sequences: Sequence[_Sequence]) -> None:
        while queued := [s for s in sequences if s.decoded < len(s.tokens) - 1]:
            batch = _Batch(self, queued)
            batch.decode(all_but_last=True)
            batch.hand_back()

    def run(self, feeds: dict[str, Any]) -> list[Any]:
        """One run of the graph: logits, then the caches, as ONNX Runtime's own values."""
        if self._session is None:
            raise RuntimeError("the engine is shut")
        values: list[Any] = self._session.run_with_ort_values(self._outputs, feeds)
        return values

    @property
    def pasts(self) -> list[str]:
        """Names of the graph's cache inputs, in the order of a cache's first axis."""
        return self._pasts


@dataclass
class _Batch:
    """Sequences decoded together, their caches padded to one length.

    Keys are already rotated, so that a cached token may stand at any place: a mask tells the
    padding, and new tokens stand behind the longest cache. As long as the batch lives its caches
    stay with ONNX Runtime and are not copied from step to step.
    """

    engine: OnnxEngine
    sequences: list[_Sequence]
    _mask: Array = field(init=False)
    """(sequences, places): 1 where a token of the sequence stands."""
    _past: list[Any] = field(init=False)
    _decoded: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._decoded = [s.decoded for s in self.sequences]
        longest = max(self._decoded)
        layers, heads, _, width = self.sequences[0].cache.shape
        stacked = np.zeros((layers, len(self.sequences), heads, longest, width), np.float32)
        self._mask = np.zeros((len(self.sequences), longest), np.int64)
        for i, s in enumerate(self.sequences):
            stacked[:, i, :, : s.decoded] = s.cache
            self._mask[i, : s.decoded] = 1
        self._past = [ort.OrtValue.ortvalue_from_numpy(layer) for layer in stacked]

    def decode(self, *, all_but_last: bool = False) -> list[Array]:
        """Decode what is queued, `CHUNK` tokens a sequence at most.

        Returns (decoded now, n_vocab) logits of each sequence.
        """
        queues = []
        for s, decoded in zip(self.sequences, self._decoded, strict=True):
            end = len(s.tokens) - 1 if all_but_last else len(s.tokens)
            queues.append(s.tokens[decoded : min(end, decoded + CHUNK)])
        longest = max(map(len, queues))
        ids = np.zeros((len(queues), longest), np.int64)
        mask = np.zeros_like(ids)
        for i, queue in enumerate(queues):
            ids[i, : len(queue)] = queue
            mask[i, : len(queue)] = 1
        positions = np.array(self._decoded)[:, None] + np.arange(longest)
        self._mask = np.concatenate([self._mask, mask], axis=1)
        feeds = {"input_ids": ids, "attention_mask": self._mask, "position_ids": positions}
        values = {k: ort.OrtValue.ortvalue_from_numpy(v) for k, v in feeds.items()}
        values |= dict(zip(self.engine.pasts, self._past, strict=True))
        logits, *self._past = self.engine.run(values)
        rows = logits.numpy()
        self._decoded = [d + len(q) for d, q in zip(self._decoded, queues, strict=True)]
        return [row[: len(queue)] for row, queue in zip(rows, queues, strict=True)]

    def hand_back(self, *, keep_last: bool = False) -> None:
        """Give each sequence its cache, up to its last token, which stays out unless asked for."""
        stacked = np.stack([value.numpy() for value in self._past])
        for i, s in enumerate(self.sequences):
            length = len(s.tokens) - (0 if keep_last else 1)
            s.cache = stacked[:, i][:, :, self._mask[i] == 1][:, :, :length]


class _Sampler:
    """One sequence's choice of tokens, in the order of llama.cpp's chain."""

    def __init__(self, sampling: Sampling, seed: int):
        self._sampling = sampling
        self._random = np.random.default_rng(seed % 2**32)
        self._chosen: set[Token] = set()

    def choose(self, logits: Array) -> Token:
        """The next token, from (n_vocab,) logits."""
        s = self._sampling
        logits = logits.astype(np.float64)
        if s.repeat_penalty != 1.0 and self._chosen:
            seen = list(self._chosen)
            kept = logits[seen]
            logits[seen] = np.where(kept > 0, kept / s.repeat_penalty, kept * s.repeat_penalty)
        if s.temperature <= 0:
            token = int(logits.argmax())
        else:
            order = np.argsort(-logits, kind="stable")[: s.top_k or None]
            reached = np.cumsum(np.exp(_log_softmax(logits[order])))
            order = order[: int(np.searchsorted(reached, s.top_p)) + 1]
            chances = np.exp(_log_softmax(logits[order] / s.temperature))
            token = int(self._random.choice(order, p=chances / chances.sum()))
        self._chosen.add(token)
        return token


def _log_softmax(logits: Array) -> Array:
    """Log-probabilities in nats over the last axis, in float64."""
    shifted: Array = logits.astype(np.float64)
    shifted = shifted - shifted.max(axis=-1, keepdims=True)
    result: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result
