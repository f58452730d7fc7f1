"""Q4_0's grid: 32 neighbours in a row share a scale in fp16, and each is one of 16 levels, -8..7.

The format is ggml's `block_q4_0` (ggml-common.h): the scale, then 16 bytes; byte j holds the level
of value j in its lower half and that of value j + 16 in its upper one, both plus 8.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

BLOCK = 32
"""Values that share a scale; every row's length is a multiple of it."""
FACTORS = torch.linspace(0.7, 1.1, 17)
"""Of the scale that takes a block's largest value to -8: what `best_scales` tries."""

Array = np.ndarray[Any, Any]


def fake_q4_0(weights: torch.Tensor) -> torch.Tensor:
    """`weights` as ggml's quantize_row_q4_0 rounds them: a block's largest value becomes -8."""
    blocks = weights.reshape(-1, BLOCK)
    largest = blocks.gather(1, blocks.abs().argmax(1, keepdim=True))
    scale = largest / -8
    inverse = torch.where(scale == 0, 0, 1 / scale)
    levels = (blocks * inverse + 8.5).floor().clamp(0, 15) - 8
    return (levels * scale.half().float()).reshape(weights.shape)


def on_grid(values: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """`values` at the nearest level of `scale`, which is broadcast; a scale of 0 leaves nothing."""
    inverse = torch.where(scale == 0, 0, 1 / scale)
    return (values * inverse).round().clamp(-8, 7) * scale


def best_scales(block: torch.Tensor, importance: torch.Tensor) -> torch.Tensor:
    """(rows,) the scale, in fp16's precision, that rounds each row of a block best.

    `block` is (rows, 32), `importance` (32,): what the squared error of a column counts. Levels go
    from -8 to 7, so a scale has a sign.
    """
    largest = block.gather(1, block.abs().argmax(1, keepdim=True))
    best = torch.zeros(len(block))
    least = torch.full((len(block),), torch.inf)
    for factor in torch.cat([FACTORS, -FACTORS]):
        scale = (largest * factor / -8).half().float()
        error = ((on_grid(block, scale) - block).square() * importance).sum(1)
        better = error < least
        best[better], least[better] = scale[better, 0], error[better]
    return best


def packed(values: Array) -> Array | None:
    """(rows, bytes) uint8: `values` as they are, or None where they don't lie on a grid.

    `values` is (rows, columns) float32. ggml's own rounding moves values that lie on a grid whose
    level -8 no value of the block has.
    """
    if values.shape[-1] % BLOCK or (len(values) > 1 and packed(values[:1]) is None):
        return None
    blocks = values.reshape(-1, BLOCK)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(1)[:, None], 1)
    scales = np.zeros((len(blocks), 1), np.float32)
    open_ = np.flatnonzero(largest[:, 0])
    for level in (-8, -7, 7, -6, 6, -5, 5, -4, 4, -3, 3, -2, 2, -1, 1):
        scale = (largest[open_] / level).astype(np.float16).astype(np.float32)
        with np.errstate(divide="ignore", invalid="ignore"):
            levels = np.rint(blocks[open_] / scale)
        fits = ((levels * scale == blocks[open_]) & (levels >= -8) & (levels <= 7)).all(1)
        scales[open_[fits]] = scale[fits]
        open_ = open_[~fits]
    if len(open_):
        return None
    inverse = np.divide(1, scales, out=np.zeros_like(scales), where=scales != 0)
    levels = (np.rint(blocks * inverse) + 8).astype(np.uint8)
    halves = levels[:, : BLOCK // 2] | levels[:, BLOCK // 2 :] << 4
    rows = np.concatenate([scales.astype(np.float16).view(np.uint8), halves], axis=1)
    return rows.reshape(len(values), -1)
