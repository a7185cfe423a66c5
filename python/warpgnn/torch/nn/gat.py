# SPDX-License-Identifier: MIT
"""GAT, GATv2 and additive attention."""

from __future__ import annotations

from typing import Any, Optional, Union

import torch
from torch import Tensor
from torch.nn import Parameter

from .. import functional as WF
from ..graph import Graph
from ._conv import Adjacency, Channels, Conv, Features, as_matrix, channels_pair, looped_edge_attr
from ._linear import Linear, glorot, zeros

Fill = Union[float, Tensor, str]
_FILLS = ("add", "sum", "mean", "max", "min")


class _AttentionConv(Conv):
    """What the layers of this file share: heads, self-loops, what becomes of the heads, residual and bias."""

    def __init__(self, in_channels: Channels, out_channels: int, heads: int, concat: bool, dropout: float,
                 add_self_loops: bool, edge_dim: Optional[int], fill_value: Fill, residual: bool,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.in_channels, self.out_channels, self.heads, self.concat = in_channels, out_channels, heads, concat
        self.dropout, self.add_self_loops = dropout, add_self_loops
        if isinstance(fill_value, str) and fill_value not in _FILLS:
            raise ValueError(f"{type(self).__name__}: fill_value: expected a number, a tensor or one of "
                             f"{', '.join(map(repr, _FILLS))}, got {fill_value!r}")
        self.edge_dim, self.fill_value, self.residual = edge_dim, fill_value, residual

    def _projection(self, in_channels: int, bias: bool = False) -> Linear:
        return Linear(in_channels, self.heads * self.out_channels, bias=bias, weight_initializer="glorot")

    def _make_shared(self, bias: bool) -> None:
        """Called last: parameters come in PyG's order, so that an optimiser's state and a seed mean the same."""
        width = self.out_channels * (self.heads if self.concat else 1)
        if self.residual:
            self.res = Linear(channels_pair(self.in_channels)[1], width, bias=False, weight_initializer="glorot")
        else:
            self.register_parameter("res", None)
        if bias:
            self.bias = Parameter(torch.empty(width))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _make_edge_projection(self) -> None:
        self.lin_edge = None if self.edge_dim is None else self._projection(self.edge_dim)

    def _reset_shared(self) -> None:
        for layer in (self.lin_edge, self.res):
            if layer is not None:
                layer.reset_parameters()
        zeros(self.bias)

    def _heads(self, rows: Tensor) -> Tensor:
        return rows.view(-1, self.heads, self.out_channels)

    def _prepare(self, edge_index: Adjacency, sources: Tensor, destinations: Optional[Tensor],
                 edge_attr: Optional[Tensor], size: Optional[tuple[int, int]] = None) -> tuple[Graph, Optional[Tensor]]:
        """The graph with its self-loops, and its edges' features."""
        graph, value = self._make_graph(edge_index, sources, destinations, size)
        if edge_attr is None and value is not None and value.dim() > 1:  # single values are not features
            edge_attr = value
        if not self.add_self_loops:
            return graph, edge_attr
        loops = graph.with_self_loops(None if size is None else min(size))
        if edge_attr is not None and self.lin_edge is not None:
            edge_attr = looped_edge_attr(loops, as_matrix(edge_attr), self.fill_value, self.flow)
        return loops.graph, edge_attr

    def _finish(self, y: Tensor, residual: Optional[Tensor]) -> Tensor:
        y = y.flatten(1) if self.concat else y.mean(dim=1)
        if residual is not None:
            y = y + residual
        return y if self.bias is None else y + self.bias

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, heads={self.heads}"


class GATConv(_AttentionConv):
    """GAT (Velickovic et al. 2018): y_i = sum over the in-edges of alpha_e W x_j, alpha the softmax over them of
    LeakyReLU(<a_src, W x_j> + <a_dst, W x_i> + <a_edge, W_e f_e>), head by head.

    Args:
        in_channels: width of x, or of (x of sources, x of destinations), which then have matrices of their own.
        out_channels: width of a head.
        heads: their number.
        concat: heads side by side; else their mean.
        negative_slope: of LeakyReLU.
        dropout: of alpha, in training.
        add_self_loops: one at each node, in place of those it has.
        edge_dim: width of edge features, or none.
        fill_value: what features loops get (see PyG): a number, a tensor, or "add", "mean", "max", "min".
        bias, residual: a vector, or W_r x_i, that adds to the result.

    Parameters: ``lin.weight`` or ``lin_src.weight`` and ``lin_dst.weight``, ``att_src`` and ``att_dst`` [1, H, C],
    ``lin_edge.weight`` and ``att_edge`` with edge features, ``res.weight``: Glorot; ``bias``: zeros.
    """

    def __init__(self, in_channels: Channels, out_channels: int, heads: int = 1, concat: bool = True,
                 negative_slope: float = 0.2, dropout: float = 0.0, add_self_loops: bool = True,
                 edge_dim: Optional[int] = None, fill_value: Fill = "mean", bias: bool = True, residual: bool = False,
                 **kwargs: Any) -> None:
        super().__init__(in_channels, out_channels, heads, concat, dropout, add_self_loops, edge_dim, fill_value,
                         residual, **kwargs)
        self.negative_slope = negative_slope
        self.lin = self.lin_src = self.lin_dst = None
        if isinstance(in_channels, int):
            self.lin = self._projection(in_channels)
        else:
            self.lin_src, self.lin_dst = (self._projection(width) for width in in_channels)
        self.att_src = Parameter(torch.empty(1, heads, out_channels))
        self.att_dst = Parameter(torch.empty(1, heads, out_channels))
        self._make_edge_projection()
        if edge_dim is None:
            self.register_parameter("att_edge", None)
        else:
            self.att_edge = Parameter(torch.empty(1, heads, out_channels))
        self._make_shared(bias)

    def reset_parameters(self) -> None:
        """Starts the parameters anew."""
        for layer in (self.lin, self.lin_src, self.lin_dst):
            if layer is not None:
                layer.reset_parameters()
        self._reset_shared()
        for vector in (self.att_src, self.att_dst, self.att_edge):
            glorot(vector)

    def forward(self, x: Features, edge_index: Adjacency, edge_attr: Optional[Tensor] = None,
                size: Optional[tuple[int, int]] = None, return_attention_weights: Optional[bool] = None) -> Any:
        """x [N, in] or a pair, edge_attr [E, edge_dim] or [E]: [N_dst, H C] (or C), and if asked for also (edge_index,
        alpha): the edges, self-loops included, and their weights [E', H] after dropout."""
        one_set = isinstance(x, Tensor)
        sources, destinations = (x, x) if one_set else (x[0], x[1])
        residual = None if self.res is None or destinations is None else self.res(destinations)
        value = self._heads((self.lin_src if self.lin is None else self.lin)(sources))
        if one_set and self.lin is not None:
            of_destinations = value
        else:
            of_destinations = None if destinations is None else self._heads(
                (self.lin_dst if self.lin is None else self.lin)(destinations))
        graph, edge_attr = self._prepare(edge_index, sources, destinations, edge_attr, size)
        edge_score = self._edge_score(edge_attr)
        dropout = self.dropout if self.training else 0.0
        options = {"negative_slope": self.negative_slope, "dropout": dropout}
        if of_destinations is value and not return_attention_weights:
            y = WF.gat_layer(graph, value, self.att_src[0], self.att_dst[0], edge_score, **options)
            return self._finish(y, residual)
        source_score = (value * self.att_src).sum(-1)
        if of_destinations is None:
            destination_score = source_score.new_zeros(graph.num_destinations, self.heads)
        else:
            destination_score = (of_destinations * self.att_dst).sum(-1)
        result = WF.gat_attention(graph, value, source_score, destination_score, edge_score,
                                  return_weights=bool(return_attention_weights), **options)
        if not return_attention_weights:
            return self._finish(result, residual)
        return self._finish(result[0], residual), (self._edges_of(graph), result[1])

    def _edge_score(self, edge_attr: Optional[Tensor]) -> Optional[Tensor]:
        """<a_edge, W_e f_e>: W_e and a_edge make one [edge_dim, H] matrix, so that nothing of an edge is H C wide."""
        if edge_attr is None or self.lin_edge is None:
            return None
        edge_attr = as_matrix(edge_attr)
        if self.lin_edge.in_channels <= 0:
            self.lin_edge(edge_attr[:0])  # finds the width that was left open
        matrix = (self._heads(self.lin_edge.weight.t().reshape(-1, self.heads * self.out_channels)) *
                  self.att_edge).sum(-1)
        return edge_attr.to(matrix.dtype) @ matrix


class GATv2Conv(_AttentionConv):
    """GATv2 (Brody et al. 2022): y_i = sum over the in-edges of alpha_e W_l x_j, alpha the softmax over them of
    <a, LeakyReLU(W_r x_i + W_l x_j + W_e f_e)>, head by head.

    Args:
        share_weights: W_r is W_l. The others are GATConv's; `bias` is one of both projections too.

    Parameters: ``lin_l.weight``, ``lin_r.weight`` (Glorot), ``lin_l.bias``, ``lin_r.bias`` (uniform in
    +-1 / sqrt(in)), ``att`` [1, H, C], ``lin_edge.weight``, ``res.weight`` (Glorot), ``bias`` (zeros).
    """

    _score = "gatv2"

    def __init__(self, in_channels: Channels, out_channels: int, heads: int = 1, concat: bool = True,
                 negative_slope: float = 0.2, dropout: float = 0.0, add_self_loops: bool = True,
                 edge_dim: Optional[int] = None, fill_value: Fill = "mean", bias: bool = True,
                 share_weights: bool = False, residual: bool = False, **kwargs: Any) -> None:
        super().__init__(in_channels, out_channels, heads, concat, dropout, add_self_loops, edge_dim, fill_value,
                         residual, **kwargs)
        self.negative_slope, self.share_weights = negative_slope, share_weights
        of_sources, of_destinations = channels_pair(in_channels)
        self.lin_l = self._projection(of_sources, bias)
        self.lin_r = self.lin_l if share_weights else self._projection(of_destinations, bias)
        self.att = Parameter(torch.empty(1, heads, out_channels))
        self._make_edge_projection()
        self._make_shared(bias)

    def reset_parameters(self) -> None:
        """Starts the parameters anew."""
        self.lin_l.reset_parameters()
        self.lin_r.reset_parameters()
        self._reset_shared()
        glorot(self.att)

    def forward(self, x: Features, edge_index: Adjacency, edge_attr: Optional[Tensor] = None,
                return_attention_weights: Optional[bool] = None) -> Any:
        """As GATConv's; a pair needs both its tensors."""
        sources, destinations = (x, x) if isinstance(x, Tensor) else (x[0], x[1])
        if destinations is None:
            raise ValueError(f"{type(self).__name__}: x: expected features of destinations, got none")
        residual = None if self.res is None else self.res(destinations)
        key = self._heads(self.lin_l(sources))
        query = key if self.share_weights and isinstance(x, Tensor) else self._heads(self.lin_r(destinations))
        graph, edge_attr = self._prepare(edge_index, sources, destinations, edge_attr)
        edge_key = None
        if edge_attr is not None:
            if self.lin_edge is None:
                raise ValueError(f"{type(self).__name__}: edge_attr: expected none without edge_dim")
            edge_key = self._heads(self.lin_edge(as_matrix(edge_attr)))
        result = WF.attention(graph, query, key, score=self._score, vector=self.att[0], edge_key=edge_key,
                              negative_slope=self.negative_slope, dropout=self.dropout if self.training else 0.0,
                              return_weights=bool(return_attention_weights))
        if not return_attention_weights:
            return self._finish(result, residual)
        return self._finish(result[0], residual), (self._edges_of(graph), result[1])


class AdditiveAttentionConv(GATv2Conv):
    """Additive attention (Bahdanau et al. 2015) along edges: GATv2Conv with the score
    <a, tanh(W_r x_i + W_l x_j + W_e f_e)>. It has no counterpart in PyG."""

    _score = "additive"
