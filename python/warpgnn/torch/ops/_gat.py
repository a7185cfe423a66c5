# SPDX-License-Identifier: MIT
"""GAT's attention, by scores of nodes and by the vectors that make them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ._operator import (Parts, accumulator, below_autograd, constant, differentiable, fake, final, needed,
                        num_destinations, num_edges, num_sources, only_first_differentiable, operator, wanted)

_gat_attention = operator("gat_attention")
_gat_attention_backward = final("gat_attention_backward")
_gat_layer = operator("gat_layer")
_gat_layer_backward = final("gat_layer_backward")
gat_attention_weights = constant("gat_attention_weights")


def _results(graph: Parts, value: Tensor, training: bool) -> tuple[Tensor, ...]:
    """y, maximum, sum, positive_y, positive_weight."""
    rows, heads, channels = num_destinations(graph), value.shape[1], value.shape[2]
    real = accumulator(value.dtype)
    return (value.new_empty(rows, heads, channels), value.new_empty(rows, heads, dtype=real),
            value.new_empty(rows, heads, dtype=real), value.new_empty((rows, heads, channels) if training else 0),
            value.new_empty((rows, heads) if training else 0, dtype=real))


@fake("gat_attention")
def _(graph: Parts, value: Tensor, source_score: Tensor, destination_score: Tensor, edge_score: Tensor | None,
      seed: Tensor | None, negative_slope: float, dropout: float, training: bool) -> tuple[Tensor, ...]:
    return _results(graph, value, training)


@fake("gat_attention_backward")
def _(graph: Parts, dy: Tensor, value: Tensor, source_score: Tensor, destination_score: Tensor,
      edge_score: Tensor | None, seed: Tensor | None, y: Tensor, maximum: Tensor, sum: Tensor,
      positive_y: Tensor | None, positive_weight: Tensor | None, negative_slope: float, dropout: float,
      needs: int) -> tuple[Tensor, ...]:
    sources, heads, channels = num_sources(graph), value.shape[1], value.shape[2]
    real = accumulator(value.dtype)
    return (value.new_empty((sources, heads, channels) if needs & 1 else 0),
            value.new_empty((sources, heads) if needs & 2 else 0, dtype=real),
            value.new_empty((num_destinations(graph), heads) if needs & 4 else 0, dtype=real),
            value.new_empty((num_edges(graph), heads) if needs & 8 else 0, dtype=real))


@fake("gat_attention_weights")
def _(graph: Parts, source_score: Tensor, destination_score: Tensor, edge_score: Tensor | None, maximum: Tensor,
      sum: Tensor, negative_slope: float) -> Tensor:
    return source_score.new_empty(num_edges(graph), source_score.shape[1])


@fake("gat_layer")
def _(graph: Parts, value: Tensor, source_vector: Tensor, destination_vector: Tensor, edge_score: Tensor | None,
      seed: Tensor | None, negative_slope: float, dropout: float, training: bool) -> tuple[Tensor, ...]:
    y, *saved = _results(graph, value, training)
    scores = (value.new_empty(value.shape[0], value.shape[1], dtype=accumulator(value.dtype)) for _ in range(2))
    return y, *scores, *saved


@fake("gat_layer_backward")
def _(graph: Parts, dy: Tensor, value: Tensor, source_vector: Tensor, destination_vector: Tensor,
      edge_score: Tensor | None, seed: Tensor | None, y: Tensor, source_score: Tensor, destination_score: Tensor,
      maximum: Tensor, sum: Tensor, positive_y: Tensor, positive_weight: Tensor, negative_slope: float,
      dropout: float, needs: int) -> tuple[Tensor, ...]:
    nodes, heads, channels = value.shape
    real = accumulator(value.dtype)
    vector = (heads, channels) if needs & 2 else 0
    return (value.new_empty((nodes, heads, channels) if needs & 1 else 0), value.new_empty(vector, dtype=real),
            value.new_empty(vector, dtype=real),
            value.new_empty((num_edges(graph), heads) if needs & 4 else 0, dtype=real))


class _GatAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, graph: Parts, value: Tensor, source_score: Tensor, destination_score: Tensor,
                edge_score: Tensor | None, seed: Tensor | None, negative_slope: float, dropout: float,
                training: bool) -> tuple[Tensor, ...]:
        results = below_autograd(_gat_attention, graph, value, source_score, destination_score, edge_score, seed,
                                 negative_slope, dropout, training)
        ctx.graph, ctx.options = graph, (negative_slope, dropout)
        ctx.save_for_backward(value, source_score, destination_score, edge_score, seed, *results)
        only_first_differentiable(ctx, results)
        return results

    @staticmethod
    def backward(ctx: Any, dy: Tensor | None, *_: None) -> tuple:
        if dy is None:
            return (None,) * 9
        needs = needed(ctx, 1, 2, 3, 4)
        gradients = _gat_attention_backward(ctx.graph, dy, *ctx.saved_tensors, *ctx.options, needs)
        return None, *(wanted(needs, k, g) for k, g in enumerate(gradients)), None, None, None, None


class _GatLayer(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, graph: Parts, value: Tensor, source_vector: Tensor, destination_vector: Tensor,
                edge_score: Tensor | None, seed: Tensor | None, negative_slope: float, dropout: float,
                training: bool) -> tuple[Tensor, ...]:
        results = below_autograd(_gat_layer, graph, value, source_vector, destination_vector, edge_score, seed,
                                 negative_slope, dropout, training)
        ctx.graph, ctx.options = graph, (negative_slope, dropout)
        ctx.save_for_backward(value, source_vector, destination_vector, edge_score, seed, *results)
        only_first_differentiable(ctx, results)
        return results

    @staticmethod
    def backward(ctx: Any, dy: Tensor | None, *_: None) -> tuple:
        if dy is None:
            return (None,) * 9
        vectors = ctx.needs_input_grad[2] or ctx.needs_input_grad[3]
        needs = needed(ctx, 1) | 2 * vectors | 4 * ctx.needs_input_grad[4]
        dvalue, dsource, ddestination, dedge = _gat_layer_backward(ctx.graph, dy, *ctx.saved_tensors, *ctx.options,
                                                                   needs)
        return (None, wanted(needs, 0, dvalue), wanted(needs, 1, dsource), wanted(needs, 1, ddestination),
                wanted(needs, 2, dedge), None, None, None, None)


gat_attention = differentiable("gat_attention", _GatAttention)
gat_layer = differentiable("gat_layer", _GatLayer)
