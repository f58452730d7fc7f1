"""An ONNX decoder with past key values, and sequences decoded through it in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from device.errors import ModelError
from device.language.engine import Token

Array = np.ndarray[Any, Any]


@dataclass(slots=True)
class Cached:
    """A sequence's tokens, and the keys and values of those that are decoded."""

    tokens: list[Token]
    cache: Array
    """(2 * layers, KV heads, decoded tokens, head width), key and value in turn; never written to,
    so that forks can share it."""

    @property
    def decoded(self) -> int:
        return int(self.cache.shape[2])


class OnnxGraph:
    """ONNX Runtime's session over a model.onnx as `export.to_onnx` writes it."""

    def __init__(self, path: Path, threads: int | None):
        """Raises `ModelError` for a file that can't be loaded or lacks past key values."""
        if not path.is_file():
            raise ModelError(f"{path.parent}: no model.onnx in it; `make onnx` writes one")
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 4
        # Every step has shapes of its own, so that a remembered pattern would never fit.
        options.enable_mem_pattern = False
        try:
            self._session: Any = ort.InferenceSession(
                path, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's errors have no root of their own
            raise ModelError(f"{path}: ONNX Runtime can't load it; export it again") from error
        inputs = {i.name: i for i in self._session.get_inputs()}
        self._pasts = [name for name in inputs if name.startswith("past_key_values.")]
        presents = [name.replace("past_key_values", "present") for name in self._pasts]
        self._outputs = ["logits", *presents]
        outputs = {o.name: o for o in self._session.get_outputs()}
        try:
            given = {"input_ids", "attention_mask", "position_ids", *self._pasts}
            if set(inputs) != given or not set(self._outputs) <= set(outputs):
                raise ValueError(f"its inputs are {', '.join(inputs)}")
            if {inputs[past].type for past in self._pasts} != {"tensor(float)"}:
                raise ValueError("its past key values are not of float32")
            _, heads, _, width = inputs[self._pasts[0]].shape
            self.empty = np.zeros((len(self._pasts), heads, 0, width), np.float32)
            self.n_vocab = int(outputs["logits"].shape[-1])
        except (ValueError, TypeError) as error:
            raise ModelError(
                f"{path}: not a decoder with past key values ({error}); use `export.to_onnx`"
            ) from error

    def run(self, feeds: dict[str, Array], past: Sequence[Any]) -> tuple[Array, list[Any]]:
        """(logits (batch, tokens, n_vocab), the caches as ONNX Runtime's own values)."""
        values = {name: ort.OrtValue.ortvalue_from_numpy(feed) for name, feed in feeds.items()}
        values |= dict(zip(self._pasts, past, strict=True))
        logits, *present = self._session.run_with_ort_values(self._outputs, values)
        return logits.numpy(), present


class Batch:
    """Sequences decoded together, their caches padded to one length.

    Keys are already rotated, so that a cached token may stand at any place: a mask tells the
    padding, and new tokens stand behind the longest cache. As long as the batch lives its caches
    stay with ONNX Runtime and are not copied from step to step.
    """

    def __init__(self, graph: OnnxGraph, sequences: Sequence[Cached]):
        self._graph = graph
        self._sequences = list(sequences)
        self._caches = [s.cache for s in sequences]
        self._decoded = [s.decoded for s in sequences]
        layers, heads, _, width = graph.empty.shape
        longest = max(self._decoded)
        stacked = np.zeros((layers, len(self._sequences), heads, longest, width), np.float32)
        self._mask = np.zeros((len(self._sequences), longest), np.int64)
        for i, s in enumerate(sequences):
            stacked[:, i, :, : s.decoded] = s.cache
            self._mask[i, : s.decoded] = 1
        self._past: list[Any] = [ort.OrtValue.ortvalue_from_numpy(layer) for layer in stacked]

    def decode(self, ends: Sequence[int]) -> list[Array]:
        """Decode each sequence's queue up to its end; returns (tokens decoded, n_vocab) logits."""
        parts = zip(self._sequences, self._decoded, ends, strict=True)
        queues = [s.tokens[decoded:end] for s, decoded, end in parts]
        ids = np.zeros((len(queues), max(map(len, queues))), np.int64)
        mask = np.zeros_like(ids)
        for i, queue in enumerate(queues):
            ids[i, : len(queue)] = queue
            mask[i, : len(queue)] = 1
        self._mask = np.concatenate([self._mask, mask], axis=1)
        positions = np.array(self._decoded)[:, None] + np.arange(ids.shape[1])
        feeds = {"input_ids": ids, "attention_mask": self._mask, "position_ids": positions}
        logits, self._past = self._graph.run(feeds, self._past)
        self._decoded = [d + len(q) for d, q in zip(self._decoded, queues, strict=True)]
        return [row[: len(queue)] for row, queue in zip(logits, queues, strict=True)]

    @property
    def stale(self) -> bool:
        """Whether a sequence was truncated behind the batch's back."""
        return any(s.cache is not c for s, c in zip(self._sequences, self._caches, strict=True))

    def hand_back(self, *, keep_last: bool = False) -> None:
        """Give each sequence its cache, up to its last token, which stays out unless asked for."""
        stacked = np.stack([value.numpy() for value in self._past])
        for i, s in enumerate(self._sequences):
            if s.cache is self._caches[i]:
                length = len(s.tokens) - (0 if keep_last else 1)
                s.cache = stacked[:, i][:, :, self._mask[i] == 1][:, :, :length]
