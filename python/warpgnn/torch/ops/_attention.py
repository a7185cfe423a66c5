# SPDX-License-Identifier: MIT
"""Attention whose scores look at both ends' features."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ._operator import (Parts, accumulator, below_autograd, constant, differentiable, fake, final, needed,
                        num_destinations, num_edges, num_sources, only_first_differentiable, operator, wanted)

GATV2, ADDITIVE, DOT = range(3)

_attention = operator("attention")
_attention_backward = final("attention_backward")
attention_weights = constant("attention_weights")


@fake("attention")
def _(graph: Parts, query: Tensor, key: Tensor, value: Tensor | None, edge_key: Tensor | None,
      edge_value: Tensor | None, edge_bias: Tensor | None, vector: Tensor | None, seed: Tensor | None, score: int,
      negative_slope: float, scale: float, dropout: float, edge_key_is_value: bool) -> tuple[Tensor, ...]:
    rows, heads = num_destinations(graph), query.shape[1]
    channels = (key if value is None else value).shape[2]
    real = accumulator(query.dtype)
    return (query.new_empty(rows, heads, channels), query.new_empty(rows, heads, dtype=real),
            query.new_empty(rows, heads, dtype=real))


@fake("attention_backward")
def _(graph: Parts, dy: Tensor, query: Tensor, key: Tensor, value: Tensor | None, edge_key: Tensor | None,
      edge_value: Tensor | None, edge_bias: Tensor | None, vector: Tensor | None, seed: Tensor | None, y: Tensor,
      maximum: Tensor, sum: Tensor, score: int, negative_slope: float, scale: float, dropout: float,
      edge_key_is_value: bool, needs: int) -> tuple[Tensor, ...]:
    rows, sources, edges = num_destinations(graph), num_sources(graph), num_edges(graph)
    heads, channels = query.shape[1], query.shape[2]
    values = (key if value is None else value).shape[2]
    real = accumulator(query.dtype)
    shapes = [(rows, heads, channels), (sources, heads, channels), (sources, heads, values), (edges, heads, channels),
              (edges, heads, values), (edges, heads), (heads, channels)]
    return tuple(
        query.new_empty(shape if needs >> k & 1 else 0, dtype=real if k >= 5 else query.dtype)
        for k, shape in enumerate(shapes))


@fake("attention_weights")
def _(graph: Parts, query: Tensor, key: Tensor, edge_key: Tensor | None, edge_bias: Tensor | None,
      vector: Tensor | None, seed: Tensor | None, maximum: Tensor, sum: Tensor, score: int, negative_slope: float,
      scale: float, dropout: float, dropped: bool) -> Tensor:
    return query.new_empty(num_edges(graph), query.shape[1], dtype=accumulator(query.dtype))


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, graph: Parts, query: Tensor, key: Tensor, value: Tensor | None, edge_key: Tensor | None,
                edge_value: Tensor | None, edge_bias: Tensor | None, vector: Tensor | None, seed: Tensor | None,
                *options: Any) -> tuple[Tensor, ...]:
        inputs = query, key, value, edge_key, edge_value, edge_bias, vector, seed
        results = below_autograd(_attention, graph, *inputs, *options)
        ctx.graph, ctx.options = graph, options
        ctx.save_for_backward(*inputs, *results)
        only_first_differentiable(ctx, results)
        return results

    @staticmethod
    def backward(ctx: Any, dy: Tensor | None, *_: None) -> tuple:
        if dy is None:
            return (None,) * 14
        needs = needed(ctx, 1, 2, 3, 4, 5, 6, 7)
        gradients = _attention_backward(ctx.graph, dy, *ctx.saved_tensors, *ctx.options, needs)
        return None, *(wanted(needs, k, g) for k, g in enumerate(gradients)), None, *(None for _ in ctx.options)


attention = differentiable("attention", _Attention)
