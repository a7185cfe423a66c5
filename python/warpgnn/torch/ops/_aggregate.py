# SPDX-License-Identifier: MIT
"""Sums, means and extrema of neighbours. The three operators of weighted sums are each other's gradients, so that they
have derivatives of any order."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ._operator import (Parts, accumulator, below_autograd, differentiable, fake, num_destinations, num_edges,
                        num_sources, only_first_differentiable, operator)

_aggregate = operator("aggregate")
_aggregate_backward_x = operator("aggregate_backward_x")
_aggregate_backward_weight = operator("aggregate_backward_weight")
_aggregate_extremum = operator("aggregate_extremum")
_aggregate_extremum_backward = operator("aggregate_extremum_backward")


@fake("aggregate")
def _(graph: Parts, x: Tensor, weight: Tensor | None, source_scale: Tensor | None, destination_scale: Tensor | None,
      mean: bool) -> Tensor:
    return x.new_empty(num_destinations(graph), x.shape[1])


@fake("aggregate_backward_x")
def _(graph: Parts, dy: Tensor, weight: Tensor | None, source_scale: Tensor | None, destination_scale: Tensor | None,
      mean: bool) -> Tensor:
    return dy.new_empty(num_sources(graph), dy.shape[1])


@fake("aggregate_backward_weight")
def _(graph: Parts, dy: Tensor, x: Tensor, source_scale: Tensor | None, destination_scale: Tensor | None,
      mean: bool) -> Tensor:
    return x.new_empty(num_edges(graph), dtype=accumulator(x.dtype))


@fake("aggregate_extremum")
def _(graph: Parts, x: Tensor, minimum: bool) -> tuple[Tensor, Tensor]:
    shape = num_destinations(graph), x.shape[1]
    return x.new_empty(shape), x.new_empty(shape, dtype=torch.int32)


@fake("aggregate_extremum_backward")
def _(graph: Parts, dy: Tensor, arg: Tensor, minimum: bool) -> Tensor:
    return dy.new_empty(num_sources(graph), dy.shape[1])


class _Aggregate(torch.autograd.Function):
    """y_i = t_i sum_e w_e s_j x_j, which is linear in x and in w."""

    @staticmethod
    def forward(ctx: Any, graph: Parts, x: Tensor, weight: Tensor | None, *options: Any) -> Tensor:
        ctx.graph, ctx.options = graph, options
        ctx.save_for_backward(x if ctx.needs_input_grad[2] else None, weight)
        return below_autograd(_aggregate, graph, x, weight, *options)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple:
        x, weight = ctx.saved_tensors
        dx = aggregate_backward_x(ctx.graph, dy, weight, *ctx.options) if ctx.needs_input_grad[1] else None
        dweight = aggregate_backward_weight(ctx.graph, dy, x, *ctx.options) if ctx.needs_input_grad[2] else None
        return None, dx, dweight, None, None, None


class _AggregateBackwardX(torch.autograd.Function):
    """dx_j = s_j sum_e w_e t_i dy_i, which is linear in dy and in w."""

    @staticmethod
    def forward(ctx: Any, graph: Parts, dy: Tensor, weight: Tensor | None, *options: Any) -> Tensor:
        ctx.graph, ctx.options = graph, options
        ctx.save_for_backward(dy if ctx.needs_input_grad[2] else None, weight)
        return below_autograd(_aggregate_backward_x, graph, dy, weight, *options)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple:
        dy, weight = ctx.saved_tensors
        ddy = aggregate(ctx.graph, g, weight, *ctx.options) if ctx.needs_input_grad[1] else None
        dweight = aggregate_backward_weight(ctx.graph, dy, g, *ctx.options) if ctx.needs_input_grad[2] else None
        return None, ddy, dweight, None, None, None


class _AggregateBackwardWeight(torch.autograd.Function):
    """dw_e = s_j t_i <dy_i, x_j>, which is linear in dy and in x."""

    @staticmethod
    def forward(ctx: Any, graph: Parts, dy: Tensor, x: Tensor, *options: Any) -> Tensor:
        ctx.graph, ctx.options = graph, options
        ctx.save_for_backward(dy if ctx.needs_input_grad[2] else None, x if ctx.needs_input_grad[1] else None)
        return below_autograd(_aggregate_backward_weight, graph, dy, x, *options)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple:
        dy, x = ctx.saved_tensors
        ddy = aggregate(ctx.graph, x, g, *ctx.options) if ctx.needs_input_grad[1] else None
        dx = aggregate_backward_x(ctx.graph, dy, g, *ctx.options) if ctx.needs_input_grad[2] else None
        return None, ddy, dx, None, None, None


class _AggregateExtremum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, graph: Parts, x: Tensor, minimum: bool) -> tuple[Tensor, Tensor]:
        y, arg = below_autograd(_aggregate_extremum, graph, x, minimum)
        ctx.graph, ctx.minimum = graph, minimum
        ctx.save_for_backward(arg)
        only_first_differentiable(ctx, (y, arg))
        return y, arg

    @staticmethod
    def backward(ctx: Any, dy: Tensor | None, _: None) -> tuple:
        if dy is None:
            return None, None, None
        return None, aggregate_extremum_backward(ctx.graph, dy, *ctx.saved_tensors, ctx.minimum), None


class _AggregateExtremumBackward(torch.autograd.Function):
    """dx_j = sum of dy_i where arg_i is an edge that leaves j: linear in dy."""

    @staticmethod
    def forward(ctx: Any, graph: Parts, dy: Tensor, arg: Tensor, minimum: bool) -> Tensor:
        ctx.graph = graph
        ctx.save_for_backward(arg)
        return below_autograd(_aggregate_extremum_backward, graph, dy, arg, minimum)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple:
        (arg,) = ctx.saved_tensors
        source_of_edge = torch.empty_like(ctx.graph[1])
        source_of_edge[ctx.graph[2].long()] = ctx.graph[1]
        if source_of_edge.shape[0] == 0:
            return None, g.new_zeros(arg.shape), None, None
        source = source_of_edge[arg.clamp(min=0).long()].long()
        return None, torch.where(arg >= 0, g.gather(0, source), 0), None, None


aggregate = differentiable("aggregate", _Aggregate)
aggregate_backward_x = differentiable("aggregate_backward_x", _AggregateBackwardX)
aggregate_backward_weight = differentiable("aggregate_backward_weight", _AggregateBackwardWeight)
aggregate_extremum = differentiable("aggregate_extremum", _AggregateExtremum)
aggregate_extremum_backward = differentiable("aggregate_extremum_backward", _AggregateExtremumBackward)
