# SPDX-License-Identifier: MIT
"""Messages made of a source's row and an edge's row, and the softmax of edges' scores. Both have second derivatives."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ._aggregate import aggregate
from ._operator import (Parts, below_autograd, differentiable, fake, needed, num_destinations, num_edges, num_sources,
                        only_first_differentiable, operator, wanted)

ADD, MULTIPLY, RELU_ADD, EDGE = range(4)
SUM, MEAN, MAX, MIN = range(4)

_message_aggregate = operator("message_aggregate")
_message_aggregate_backward = operator("message_aggregate_backward")
_edge_softmax = operator("edge_softmax")
_edge_softmax_backward = operator("edge_softmax_backward")


@fake("message_aggregate")
def _(graph: Parts, x: Tensor | None, edge: Tensor, message: int, reduce: int) -> tuple[Tensor, Tensor]:
    shape = num_destinations(graph), edge.shape[1]
    return edge.new_empty(shape), edge.new_empty(shape if reduce >= MAX else 0, dtype=torch.int32)


@fake("message_aggregate_backward")
def _(graph: Parts, dy: Tensor, x: Tensor | None, edge: Tensor | None, arg: Tensor | None, message: int, reduce: int,
      needs: int) -> tuple[Tensor, Tensor]:
    width = dy.shape[1]
    return (dy.new_empty((num_sources(graph), width) if needs & 1 else 0),
            dy.new_empty((num_edges(graph), width) if needs & 2 else 0))


@fake("edge_softmax")
def _(graph: Parts, score: Tensor) -> Tensor:
    return score.new_empty(num_edges(graph), score.shape[1])


@fake("edge_softmax_backward")
def _(graph: Parts, weight: Tensor, dweight: Tensor) -> Tensor:
    return weight.new_empty(weight.shape)


def destination_of_edge(graph: Parts) -> Tensor:
    """[E] int64, in the caller's order of edges."""
    destination = torch.empty_like(graph[4])
    destination[graph[5].long()] = graph[4]
    return destination.long()


def source_of_edge(graph: Parts) -> Tensor:
    """[E] int64, in the caller's order of edges."""
    source = torch.empty_like(graph[1])
    source[graph[2].long()] = graph[1]
    return source.long()


class _MessageAggregate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, graph: Parts, x: Tensor | None, edge: Tensor, message: int,
                reduce: int) -> tuple[Tensor, Tensor]:
        y, arg = below_autograd(_message_aggregate, graph, x, edge, message, reduce)
        ctx.graph, ctx.message, ctx.reduce = graph, message, reduce
        reads = message in (MULTIPLY, RELU_ADD)
        ctx.save_for_backward(x if reads else None, edge if reads else None, arg if reduce >= MAX else None)
        only_first_differentiable(ctx, (y, arg))
        return y, arg

    @staticmethod
    def backward(ctx: Any, dy: Tensor | None, _: None) -> tuple:
        if dy is None:
            return (None,) * 5
        needs = needed(ctx, 1, 2)
        dx, dedge = message_aggregate_backward(ctx.graph, dy, *ctx.saved_tensors, ctx.message, ctx.reduce, needs)
        return None, wanted(needs, 0, dx), wanted(needs, 1, dedge), None, None


class _MessageAggregateBackward(torch.autograd.Function):
    """With m_e = dy_i, or dy_i / n_i for a mean: (dx, dedge) is linear in dy, and of `multiply` in edge and x too.
    The kink of `relu_add` has no derivative of its own."""

    @staticmethod
    def forward(ctx: Any, graph: Parts, dy: Tensor, x: Tensor | None, edge: Tensor | None, arg: Tensor | None,
                message: int, reduce: int, needs: int) -> tuple[Tensor, Tensor]:
        ctx.graph, ctx.message, ctx.reduce, ctx.needs = graph, message, reduce, needs
        ctx.save_for_backward(dy if message == MULTIPLY else None, x, edge, arg)
        return below_autograd(_message_aggregate_backward, graph, dy, x, edge, arg, message, reduce, needs)

    @staticmethod
    def backward(ctx: Any, gx: Tensor, gedge: Tensor) -> tuple:
        dy, x, edge, arg = ctx.saved_tensors
        graph, message, reduce = ctx.graph, ctx.message, ctx.reduce
        gx = gx if ctx.needs & 1 else None
        gedge = gedge if ctx.needs & 2 else None
        ddy = ddx = ddedge = None
        if ctx.needs_input_grad[1]:
            if reduce >= MAX:
                ddy = _dy_of_extremum(graph, message, x, edge, arg, gx, gedge)
            else:
                ddy = _sum(_dy_terms(graph, message, reduce, x, edge, gx, gedge))
        if message == MULTIPLY and gedge is not None and ctx.needs_input_grad[2]:  # dedge_e = m_e x_j
            ddx = message_aggregate_backward(graph, dy, x, gedge, arg, MULTIPLY, reduce, 1)[0]
        if message == MULTIPLY and gx is not None and ctx.needs_input_grad[3]:  # dx_j = sum of m_e edge_e
            ddedge = message_aggregate_backward(graph, dy, gx, edge, arg, MULTIPLY, reduce, 2)[1]
        return None, ddy, ddx, ddedge, None, None, None, None


def _dy_terms(graph: Parts, message: int, reduce: int, x: Tensor | None, edge: Tensor | None, gx: Tensor | None,
              gedge: Tensor | None) -> list[Tensor]:
    """What dy's own gradient is the sum of: the linear map from dy to (dx, dedge), transposed."""
    if message == RELU_ADD:
        passes = x[source_of_edge(graph)] + edge > 0
        g = _sum([t for t in (None if gx is None else gx[source_of_edge(graph)], gedge) if t is not None])
        return [message_aggregate(graph, None, torch.where(passes, g, 0), EDGE, reduce)[0]]
    terms = []
    if gx is not None and message == ADD:
        terms.append(aggregate(graph, gx, None, None, None, reduce == MEAN))
    if gx is not None and message == MULTIPLY:
        terms.append(message_aggregate(graph, gx, edge, MULTIPLY, reduce)[0])
    if gedge is not None and message == MULTIPLY:
        terms.append(message_aggregate(graph, x, gedge, MULTIPLY, reduce)[0])
    if gedge is not None and message in (ADD, EDGE):
        terms.append(message_aggregate(graph, None, gedge, EDGE, reduce)[0])
    return terms


def _dy_of_extremum(graph: Parts, message: int, x: Tensor | None, edge: Tensor | None, arg: Tensor, gx: Tensor | None,
                    gedge: Tensor | None) -> Tensor:
    """The same for maxima and minima: each dy_if has gone to one edge, and its own gradient comes from there."""
    source = source_of_edge(graph)
    of_source = None if gx is None else gx[source]
    if message == MULTIPLY:
        of_source = None if of_source is None else of_source * edge
        gedge = None if gedge is None else gedge * x[source]
    terms = _sum([term for term in (of_source, gedge) if term is not None])
    if message == RELU_ADD:
        terms = torch.where(x[source] + edge > 0, terms, 0)
    if terms.shape[0] == 0:
        return terms.new_zeros(arg.shape)
    return torch.where(arg >= 0, terms.gather(0, arg.clamp(min=0).long()), 0)


def _sum(terms: list[Tensor]) -> Tensor:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


class _EdgeSoftmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, graph: Parts, score: Tensor) -> Tensor:
        weight = below_autograd(_edge_softmax, graph, score)
        ctx.graph = graph
        ctx.save_for_backward(weight)
        return weight

    @staticmethod
    def backward(ctx: Any, dweight: Tensor) -> tuple:
        return None, edge_softmax_backward(ctx.graph, *ctx.saved_tensors, dweight)


class _EdgeSoftmaxBackward(torch.autograd.Function):
    """dscore_e = w_e (dw_e - S_i), S_i = the row's sum of w dw."""

    @staticmethod
    def forward(ctx: Any, graph: Parts, weight: Tensor, dweight: Tensor) -> Tensor:
        ctx.graph = graph
        ctx.save_for_backward(weight, dweight)
        return below_autograd(_edge_softmax_backward, graph, weight, dweight)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple:
        weight, dweight = ctx.saved_tensors
        graph = ctx.graph
        destination = destination_of_edge(graph)

        def row_sum(terms: Tensor) -> Tensor:
            return message_aggregate(graph, None, terms, EDGE, SUM)[0][destination]

        gw = row_sum(weight * g)
        return None, g * (dweight - row_sum(weight * dweight)) - gw * dweight, weight * (g - gw)


message_aggregate = differentiable("message_aggregate", _MessageAggregate)
message_aggregate_backward = differentiable("message_aggregate_backward", _MessageAggregateBackward)
edge_softmax = differentiable("edge_softmax", _EdgeSoftmax)
edge_softmax_backward = differentiable("edge_softmax_backward", _EdgeSoftmaxBackward)
