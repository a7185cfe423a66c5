# SPDX-License-Identifier: MIT
"""What the graph layers share: their inputs, the graphs they make of them, and self-loops."""

from __future__ import annotations

import math
from typing import Any, Callable, Optional, Union

import torch
from torch import Tensor

from .. import functional as WF
from ..graph import Graph, SelfLoops, as_graph

Channels = Union[int, tuple[int, int]]
Features = Union[Tensor, tuple[Tensor, Optional[Tensor]]]
Adjacency = Union[Tensor, Graph, Any]


class Conv(torch.nn.Module):
    """A layer over edges.

    `edge_index` is [2, E], a Graph, or a sparse matrix whose rows are destinations, as PyG's layers take it. Graphs of
    the last edge indices are kept (see `Graph`); whoever has one graph for many steps makes it himself, once.
    """

    _many = False  # whether x may be [B, N, F], the features of many batches on one graph

    def __init__(self, aggregations: tuple[str, ...] = ("add", "sum"), aggr: Any = "add",
                 flow: str = "source_to_target", node_dim: int = 0, **others: Any) -> None:
        super().__init__()
        name = type(self).__name__
        if others:
            raise TypeError(f"{name}: unexpected argument {next(iter(others))!r}")
        if aggr not in aggregations:
            raise ValueError(f"{name}: aggr: expected one of {', '.join(map(repr, aggregations))}, got {aggr!r}")
        if flow not in ("source_to_target", "target_to_source"):
            raise ValueError(f"{name}: flow: expected 'source_to_target' or 'target_to_source', got {flow!r}")
        if node_dim not in (0, -2):
            raise ValueError(f"{name}: node_dim: expected 0 or -2, got {node_dim}")
        self.aggr, self.flow = aggr, flow

    def _edges_of(self, graph: Graph) -> Tensor:
        """The edge_index of a graph of `_make_graph`, as the layer was given it."""
        return graph.edge_index if self.flow == "source_to_target" else graph.edge_index.flip(0)

    def _make_graph(self, edge_index: Adjacency, sources: Tensor, destinations: Optional[Tensor],
                    size: Optional[tuple[int, int]] = None) -> tuple[Graph, Optional[Tensor]]:
        """The graph, and the values of a sparse matrix. `destinations` that are none are as many as `size` says."""
        for x in (sources, destinations):
            if x is not None and x.layout != torch.strided:
                raise ValueError(f"{type(self).__name__}: x: expected a dense tensor, got one of layout {x.layout}")
            if x is not None and x.dim() > 2 and not self._many:
                raise ValueError(f"{type(self).__name__}: x: expected [N, F], got {list(x.shape)}")
        if size is None and destinations is None:
            size = _stated_size(edge_index)
        rows = sources.shape[0] if destinations is None else destinations.shape[0]
        given = None if size is None else size[1 if self.flow == "source_to_target" else 0]
        if destinations is None and given is not None:
            rows = given
        graph, value = as_graph(edge_index, (sources.shape[0], rows), self.flow)
        if isinstance(edge_index, Graph) and not torch.compiler.is_compiling():
            for name, count, expected in (("sources", sources.shape[0], graph.num_sources),
                                          ("destinations", rows, graph.num_destinations)):
                if count != expected:
                    raise ValueError(f"{type(self).__name__}: x: expected {expected} rows for the graph's {name}, got "
                                     f"{count}")
        return graph, value

    def __repr__(self) -> str:
        """One line, as PyG's layers have it."""
        return f"{type(self).__name__}({self.extra_repr()})"

    def extra_repr(self) -> str:
        return ", ".join(str(value) for value in (getattr(self, "in_channels", None),
                                                  getattr(self, "out_channels", None)) if value is not None)


def _stated_size(edge_index: Adjacency) -> Optional[tuple[int, int]]:
    """How many nodes PyG's EdgeIndex says to be between, sources first."""
    sizes = edge_index.sparse_size() if hasattr(edge_index, "sparse_size") else (None, None)
    return None if None in sizes else tuple(sizes)


def pair_of(x: Features) -> tuple[Tensor, Optional[Tensor]]:
    """Features of sources and destinations, which are the same tensor for one set of nodes."""
    if isinstance(x, Tensor):
        return x, x
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise TypeError(f"x: expected a tensor or a pair of them, got {type(x).__name__}")
    return x[0], x[1]


def nodes_first(x: Any) -> tuple[Any, Callable[[Tensor], Tensor]]:
    """Features [B, N, F] as [N, B, F], each or both of a pair, and the way back; [N, F] as they are."""
    if isinstance(x, (tuple, list)):
        turned = [None if part is None else nodes_first(part) for part in x]
        return tuple(None if pair is None else pair[0] for pair in turned), next(pair[1] for pair in turned if pair)
    if isinstance(x, Tensor) and x.dim() == 3:
        return x.transpose(0, 1), lambda y: y.transpose(0, 1)
    return x, lambda y: y


def channels_pair(in_channels: Channels) -> tuple[int, int]:
    return (in_channels, in_channels) if isinstance(in_channels, int) else tuple(in_channels)


def as_matrix(edge_attr: Tensor) -> Tensor:
    """[E, D] of [E, D] or [E]."""
    return edge_attr.view(-1, 1) if edge_attr.dim() == 1 else edge_attr


def looped_edge_attr(loops: SelfLoops, edge_attr: Tensor, fill_value: Union[float, Tensor, str],
                     flow: str = "source_to_target") -> Tensor:
    """Features of the edges of a graph that was given self-loops: those of the old edges that stay, then of each loop
    `fill_value`: a number, a tensor of one edge's features, or the "add", "mean", "max" or "min" of what other edges
    have whose node in row 1 of the layer's edge_index is the loop's, whichever way the flow is."""
    kept = edge_attr if loops.kept is None else edge_attr[loops.kept]
    count = loops.graph.num_edges - kept.shape[0]
    if isinstance(fill_value, str):
        graph = loops.graph if flow == "source_to_target" else loops.graph.reversed()
        filled = _reduced(graph, kept, fill_value)[:count]
    elif isinstance(fill_value, Tensor):
        filled = fill_value.to(kept).expand(count, *kept.shape[1:])
    else:
        filled = kept.new_full((count, *kept.shape[1:]), fill_value)
    return torch.cat([kept, filled.to(kept.dtype)])


def _reduced(graph: Graph, kept: Tensor, reduce: str) -> Tensor:
    """Of the features of a graph's edges without its loops, which come last, at their destinations: the loops take part
    with what changes nothing."""
    neutral = {"max": -math.inf, "min": math.inf}.get(reduce, 0.0)
    padded = torch.cat([kept, kept.new_full((graph.num_edges - kept.shape[0], kept.shape[1]), neutral)])
    y = WF.message_aggregate(graph, None, padded, message="edge", reduce="sum" if reduce == "mean" else reduce)
    if reduce == "mean":
        others = graph.parts[0].diff() - 1
        y = y / others.clamp(min=1).to(y.dtype).unsqueeze(1)
    elif neutral != 0:
        y = torch.where(y == neutral, 0.0, y)
    return y


def looped_weight(loops: SelfLoops, weight: Tensor, fill: float) -> Tensor:
    """Weights of the edges of a graph that was given self-loops: a node's loop weighs what the last of its loops did,
    or `fill` where it had none."""
    kept = weight if loops.kept is None else weight[loops.kept]
    filled = kept.new_full((loops.graph.num_edges - kept.shape[0],), fill)
    if loops.last_loop is not None:
        nodes, ids = loops.last_loop
        filled = filled.index_put((nodes,), weight[ids])
    return torch.cat([kept, filled])
