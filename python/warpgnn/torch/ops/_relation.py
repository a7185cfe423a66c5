# SPDX-License-Identifier: MIT
"""Sums over edges that have types."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ._operator import (Parts, accumulator, below_autograd, constant, differentiable, fake, final, needed,
                        num_destinations, num_edges, num_sources, operator, wanted)

NONE, PER_RELATION, ALL_EDGES = range(3)

_relation_aggregate = operator("relation_aggregate")
_relation_aggregate_backward = final("relation_aggregate_backward")
relation_weights = constant("relation_weights")


@fake("relation_weights")
def _(graph: Parts, relation: Tensor, x: Tensor, relations: int, norm: int) -> Tensor:
    return x.new_empty(num_edges(graph), dtype=accumulator(x.dtype))


@fake("relation_aggregate")
def _(graph: Parts, x: Tensor, relation: Tensor, coefficient: Tensor, weight: Tensor | None) -> Tensor:
    return x.new_empty(num_destinations(graph), coefficient.shape[1], x.shape[1])


@fake("relation_aggregate_backward")
def _(graph: Parts, dy: Tensor, x: Tensor, relation: Tensor, coefficient: Tensor, weight: Tensor | None,
      needs: int) -> tuple[Tensor, ...]:
    real = accumulator(x.dtype)
    return (x.new_empty((num_sources(graph), x.shape[1]) if needs & 1 else 0),
            x.new_empty(coefficient.shape if needs & 2 else 0, dtype=real),
            x.new_empty(num_edges(graph) if needs & 4 else 0, dtype=real))


class _RelationAggregate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, graph: Parts, x: Tensor, relation: Tensor, coefficient: Tensor,
                weight: Tensor | None) -> Tensor:
        ctx.graph = graph
        ctx.save_for_backward(x, relation, coefficient, weight)
        return below_autograd(_relation_aggregate, graph, x, relation, coefficient, weight)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple:
        needs = needed(ctx, 1, 3, 4)
        dx, dcoefficient, dweight = _relation_aggregate_backward(ctx.graph, dy, *ctx.saved_tensors, needs)
        return None, wanted(needs, 0, dx), None, wanted(needs, 1, dcoefficient), wanted(needs, 2, dweight)


relation_aggregate = differentiable("relation_aggregate", _RelationAggregate)
