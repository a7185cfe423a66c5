# SPDX-License-Identifier: MIT
"""GCN and GraphConv."""

from __future__ import annotations

from typing import Any, Optional

import torch
from torch import Tensor
from torch.nn import Parameter

from .. import functional as WF
from ..graph import Graph, for_training_too
from ._conv import Adjacency, Channels, Conv, Features, channels_pair, looped_weight, nodes_first, pair_of
from ._linear import Linear, zeros


class GCNConv(Conv):
    """GCN (Kipf and Welling 2017): y = D^(-1/2) (A + I) D^(-1/2) x W^T + b.

    Without edge weights no array of the edges' size is made or read: the norm is a scale of nodes. The product comes
    before the sums or after them, whichever is narrower.

    Args:
        in_channels: width of x; -1: found at the first call.
        out_channels: width of the result.
        improved: self-loops weigh 2, where edges have weights: without them PyG 2.8's weigh 1, and so do ours.
        cached: keep the first graph with its norm, for a model that sees no other.
        add_self_loops: give each node one self-loop, of the weight of its last one or 1; None: if `normalize`.
        normalize: by the degrees; else weights are used as they are.
        bias: whether there is a b.

    Parameters: ``lin.weight`` [out, in] (Glorot), ``bias`` [out] (zeros).
    """

    _many = True

    def __init__(self, in_channels: int, out_channels: int, improved: bool = False, cached: bool = False,
                 add_self_loops: Optional[bool] = None, normalize: bool = True, bias: bool = True,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if add_self_loops is None:
            add_self_loops = normalize
        if add_self_loops and not normalize:
            raise ValueError("GCNConv: add_self_loops: expected False without normalize")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.improved, self.cached = improved, cached
        self.add_self_loops, self.normalize = add_self_loops, normalize
        self.lin = Linear(in_channels, out_channels, bias=False, weight_initializer="glorot")
        if bias:
            self.bias = Parameter(torch.empty(out_channels))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Starts the parameters anew and forgets the cached graph."""
        self.lin.reset_parameters()
        zeros(self.bias)
        self._cached: Optional[tuple] = None

    def forward(self, x: Tensor, edge_index: Adjacency, edge_weight: Optional[Tensor] = None) -> Tensor:
        """x [N, in] or [B, N, in], edge_weight [E] or none: [N, out] or [B, N, out]."""
        if not isinstance(x, Tensor):
            raise ValueError("GCNConv: x: expected one tensor, got two sets of nodes; see SAGEConv and GraphConv")
        x, back = nodes_first(x)
        prepared = self._cached
        if prepared is None and self.cached:
            prepared = self._cached = for_training_too(lambda: self._prepare(x, edge_index, edge_weight))
        elif prepared is None:
            prepared = self._prepare(x, edge_index, edge_weight)
        graph, weight, scale = prepared
        narrow = 0 < self.in_channels < self.out_channels
        if not narrow:
            x = self.lin(x)
        y = WF.aggregate(graph, x, weight, source_scale=scale, destination_scale=scale)
        if narrow:
            return back(torch.nn.functional.linear(y, self.lin.weight, self.bias))
        return back(y if self.bias is None else y.add_(self.bias))  # a sum's result is nobody's but ours

    def _prepare(self, x: Tensor, edge_index: Adjacency,
                 edge_weight: Optional[Tensor]) -> tuple[Graph, Optional[Tensor], Optional[Tensor]]:
        """The graph, its weights, and its nodes' scale."""
        graph, value = self._make_graph(edge_index, x, None)
        weight = value if edge_weight is None else edge_weight
        if weight is not None and weight.dim() != 1:
            weight = weight.reshape(-1)
        if not self.normalize:
            return graph, weight, None
        fill = 2.0 if self.improved else 1.0
        if self.add_self_loops:
            loops = graph.with_self_loops()
            weight = None if weight is None else looped_weight(loops, weight, fill)
            graph = loops.graph
        if weight is None:
            real = WF.ops.accumulator(x.dtype)
            return graph, None, graph.derived(("gcn_scale", real), lambda: WF.gcn_scale(graph, x))
        weight = weight.to(WF.ops.accumulator(x.dtype))
        if weight.requires_grad:
            return graph, WF.gcn_norm(graph, weight), None
        return graph, weight, WF.gcn_scale(graph, x, weight)


class GraphConv(Conv):
    """GraphConv (Morris et al. 2019): y_i = W_1 (reduce of w_e x_j over the in-edges) + W_2 x_i + b.

    Args:
        in_channels: width of x, or of (x of sources, x of destinations).
        out_channels: width of the result.
        aggr: "add", "mean" or "max".
        bias: whether there is a b.

    Parameters: ``lin_rel.weight``, ``lin_rel.bias``, ``lin_root.weight``, as torch.nn.Linear's.
    """

    _many = True

    def __init__(self, in_channels: Channels, out_channels: int, aggr: str = "add", bias: bool = True,
                 **kwargs: Any) -> None:
        super().__init__(("add", "sum", "mean", "max"), aggr=aggr, **kwargs)
        self.in_channels, self.out_channels = in_channels, out_channels
        sources, destinations = channels_pair(in_channels)
        self.lin_rel = Linear(sources, out_channels, bias=bias)
        self.lin_root = Linear(destinations, out_channels, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Starts the parameters anew."""
        self.lin_rel.reset_parameters()
        self.lin_root.reset_parameters()

    def forward(self, x: Features, edge_index: Adjacency, edge_weight: Optional[Tensor] = None,
                size: Optional[tuple[int, int]] = None) -> Tensor:
        """x [N, in], [B, N, in] or a pair of these, edge_weight [E] or none: [N_dst, out] or [B, N_dst, out]."""
        x, back = nodes_first(x)
        sources, destinations = pair_of(x)
        graph, value = self._make_graph(edge_index, sources, destinations, size)
        weight = value if edge_weight is None else edge_weight
        if weight is not None and self.aggr == "max":
            flat = sources.flatten(1)
            edges = weight.view(-1, 1).expand(-1, flat.shape[1])
            y = WF.message_aggregate(graph, flat, edges, message="multiply", reduce="max")
            y = self.lin_rel(y.view(-1, *sources.shape[1:]))
        else:
            y = self.lin_rel(WF.aggregate(graph, sources, weight, reduce=self.aggr))
        return back(y if destinations is None else y + self.lin_root(destinations))
