# SPDX-License-Identifier: MIT
"""Pools from nodes to graphs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ._operator import (accumulator, below_autograd, constant, differentiable, fake, needed, only_first_differentiable,
                        operator, wanted)

SUM, MEAN, MAX = range(3)
NONE, SOFTMAX, SIGMOID, RAW = range(4)

_pool = operator("pool")
_pool_backward = operator("pool_backward")
pool_weights = constant("pool_weights")


@fake("pool")
def _(offsets: Tensor, host_offsets: Tensor, x: Tensor, score: Tensor | None, reduce: int, gate: int,
      temperature: float) -> tuple[Tensor, ...]:
    graphs, real = offsets.shape[0] - 1, accumulator(x.dtype)
    rows = (graphs, *x.shape[1:])
    scores = rows[:-1] if gate == SOFTMAX else (0,)
    return (x.new_empty(rows), x.new_empty(scores, dtype=real), x.new_empty(scores, dtype=real),
            x.new_empty(rows if reduce == MAX else 0, dtype=torch.int32))


@fake("pool_backward")
def _(offsets: Tensor, host_offsets: Tensor, dy: Tensor, x: Tensor | None, score: Tensor | None, y: Tensor | None,
      maximum: Tensor | None, sum: Tensor | None, arg: Tensor | None, reduce: int, gate: int, temperature: float,
      needs: int) -> tuple[Tensor, ...]:
    rows = ((x if x is not None else score).shape[0], *dy.shape[1:])
    return (dy.new_empty(rows if needs & 1 else 0),
            dy.new_empty(rows[:-1] if needs & 2 else 0, dtype=accumulator(dy.dtype)))


@fake("pool_weights")
def _(offsets: Tensor, host_offsets: Tensor, score: Tensor, maximum: Tensor | None, sum: Tensor | None, gate: int,
      temperature: float) -> Tensor:
    return score.new_empty(score.shape)


class _Pool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, offsets: Tensor, host_offsets: Tensor, x: Tensor, score: Tensor | None, reduce: int,
                gate: int, temperature: float) -> tuple[Tensor, ...]:
        results = y, maximum, sum_, arg = below_autograd(_pool, offsets, host_offsets, x, score, reduce, gate,
                                                         temperature)
        ctx.options = reduce, gate, temperature
        softmax, extremum = gate == SOFTMAX, reduce == MAX
        ctx.save_for_backward(offsets, host_offsets, x, score, y if softmax else None, maximum if softmax else None,
                              sum_ if softmax else None, arg if extremum else None)
        only_first_differentiable(ctx, results)
        return results

    @staticmethod
    def backward(ctx: Any, dy: Tensor | None, *_: None) -> tuple:
        if dy is None:
            return (None,) * 7
        offsets, host_offsets, *saved = ctx.saved_tensors
        needs = needed(ctx, 2, 3)
        dx, dscore = pool_backward(offsets, host_offsets, dy, *saved, *ctx.options, needs)
        return None, None, wanted(needs, 0, dx), wanted(needs, 1, dscore), None, None, None


class _PoolBackward(torch.autograd.Function):
    """Of a sum or mean without a gate it is linear in dy: dx_n = dy_g, or dy_g / n_g."""

    @staticmethod
    def forward(ctx: Any, offsets: Tensor, host_offsets: Tensor, dy: Tensor, *others: Any) -> tuple[Tensor, Tensor]:
        *_, reduce, gate, temperature, _ = others
        ctx.options, ctx.count = (reduce, gate, temperature), 3 + len(others)
        ctx.save_for_backward(offsets, host_offsets)
        ctx.set_materialize_grads(False)
        return below_autograd(_pool_backward, offsets, host_offsets, dy, *others)

    @staticmethod
    def backward(ctx: Any, g: Tensor | None, dscore_g: Tensor | None) -> tuple:
        reduce, gate, _ = ctx.options
        if gate != NONE or reduce == MAX:
            raise RuntimeError("warpgnn::pool: a pool with a gate, or of maxima, has no second derivative")
        ddy = None if g is None else pool(*ctx.saved_tensors, g, None, *ctx.options)[0]
        return None, None, ddy, *(None for _ in range(ctx.count - 3))


pool_backward = differentiable("pool_backward", _PoolBackward)
pool = differentiable("pool", _Pool)
