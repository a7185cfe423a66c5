# SPDX-License-Identifier: MIT
"""Graphs as tensors, and GCN's norm."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ._operator import (Parts, accumulator, below_autograd, constant, differentiable, fake, final, num_destinations,
                        num_edges, only_first_differentiable, operator)

graph_from_coo = constant("graph_from_coo")
_gcn_norm = operator("gcn_norm")
_gcn_norm_backward = final("gcn_norm_backward")


@fake("graph_from_coo")
def _(source: Tensor, destination: Tensor, num_sources: int, num_destinations: int) -> list[Tensor]:
    edges = source.shape[0]

    def direction(rows: int) -> list[Tensor]:
        return [source.new_empty(rows + 1, dtype=torch.int64), *(source.new_empty(edges, dtype=torch.int32)
                                                                 for _ in range(2))]

    def tables() -> list[Tensor]:
        context = torch.library.get_ctx()
        return [source.new_empty(context.new_dynamic_size(), dtype=torch.int32) for _ in range(4)]

    return [*direction(num_destinations), *direction(num_sources), source.new_empty(2, dtype=torch.int64),
            *tables(), *tables()]


@fake("gcn_scale")
def _(graph: Parts, x: Tensor, weight: Tensor | None) -> Tensor:
    return x.new_empty(num_destinations(graph), dtype=accumulator(x.dtype))


gcn_scale = constant("gcn_scale")


@fake("gcn_norm")
def _(graph: Parts, weight: Tensor) -> tuple[Tensor, Tensor]:
    return weight.new_empty(num_edges(graph)), weight.new_empty(num_destinations(graph))


@fake("gcn_norm_backward")
def _(graph: Parts, dnorm: Tensor, weight: Tensor, inv_sqrt_degree: Tensor) -> Tensor:
    return weight.new_empty(num_edges(graph))


class _GcnNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, graph: Parts, weight: Tensor) -> tuple[Tensor, Tensor]:
        norm, inv_sqrt_degree = below_autograd(_gcn_norm, graph, weight)
        ctx.graph = graph
        ctx.save_for_backward(weight, inv_sqrt_degree)
        only_first_differentiable(ctx, (norm, inv_sqrt_degree))
        return norm, inv_sqrt_degree

    @staticmethod
    def backward(ctx: Any, dnorm: Tensor | None, _: None) -> tuple:
        if dnorm is None:
            return None, None
        return None, _gcn_norm_backward(ctx.graph, dnorm, *ctx.saved_tensors)


gcn_norm = differentiable("gcn_norm", _GcnNorm)
