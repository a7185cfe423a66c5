# SPDX-License-Identifier: MIT
"""Graph Transformer."""

from __future__ import annotations

import math
from typing import Any, Optional

import torch
from torch import Tensor

from .. import functional as WF
from ._conv import Adjacency, Channels, Conv, Features, as_matrix, channels_pair, pair_of
from ._linear import Linear


class TransformerConv(Conv):
    """Graph Transformer (Shi et al. 2021): m_i = sum over the in-edges of alpha_e (W_v x_j + W_e f_e), alpha the
    softmax over them of <W_q x_i, W_k x_j + W_e f_e> / sqrt(C), head by head; y_i = m_i + W_s x_i, or with `beta` a
    learnt mean of the two.

    Args:
        in_channels: width of x, or of (x of sources, x of destinations).
        out_channels: width of a head, C.
        heads: their number.
        concat: heads side by side; else their mean.
        beta: y = b W_s x_i + (1 - b) m_i with b = sigmoid(<w, [m, W_s x, m - W_s x]>).
        dropout: of alpha, in training.
        edge_dim: width of edge features, or none.
        bias: of W_q, W_k, W_v and W_s.
        root_weight: whether W_s x_i takes part.

    Parameters: ``lin_query``, ``lin_key``, ``lin_value``, ``lin_skip``, ``lin_edge``, ``lin_beta``, as
    torch.nn.Linear's.
    """

    def __init__(self, in_channels: Channels, out_channels: int, heads: int = 1, concat: bool = True,
                 beta: bool = False, dropout: float = 0.0, edge_dim: Optional[int] = None, bias: bool = True,
                 root_weight: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.in_channels, self.out_channels, self.heads, self.concat = in_channels, out_channels, heads, concat
        self.beta, self.root_weight = beta and root_weight, root_weight
        self.dropout, self.edge_dim = dropout, edge_dim
        sources, destinations = channels_pair(in_channels)
        width = heads * out_channels
        self.lin_key = Linear(sources, width, bias=bias)
        self.lin_query = Linear(destinations, width, bias=bias)
        self.lin_value = Linear(sources, width, bias=bias)
        if edge_dim is None:
            self.register_parameter("lin_edge", None)
        else:
            self.lin_edge = Linear(edge_dim, width, bias=False)
        result = width if concat else out_channels
        self.lin_skip = Linear(destinations, result, bias=bias)
        if self.beta:
            self.lin_beta = Linear(3 * result, 1, bias=False)
        else:
            self.register_parameter("lin_beta", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Starts the parameters anew."""
        for layer in (self.lin_key, self.lin_query, self.lin_value, self.lin_edge, self.lin_skip, self.lin_beta):
            if layer is not None:
                layer.reset_parameters()

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, heads={self.heads}"

    def forward(self, x: Features, edge_index: Adjacency, edge_attr: Optional[Tensor] = None,
                return_attention_weights: Optional[bool] = None) -> Any:
        """x [N, in] or a pair, edge_attr [E, edge_dim] or [E]: [N_dst, H C] (or C), and if asked for also (edge_index,
        alpha) with alpha [E, H] before dropout."""
        sources, destinations = pair_of(x)
        if destinations is None:
            raise ValueError("TransformerConv: x: expected features of destinations, got none")
        query, key, value = (layer(rows).view(-1, self.heads, self.out_channels)
                             for layer, rows in ((self.lin_query, destinations), (self.lin_key, sources),
                                                 (self.lin_value, sources)))
        graph, values = self._make_graph(edge_index, sources, destinations)
        edge = None
        if self.lin_edge is not None:
            edge_attr = values if edge_attr is None else edge_attr
            if edge_attr is None:
                raise ValueError("TransformerConv: edge_attr: expected [E, edge_dim], got none")
            edge = self.lin_edge(as_matrix(edge_attr)).view(-1, self.heads, self.out_channels)
        elif edge_attr is not None:
            raise ValueError("TransformerConv: edge_attr: expected none without edge_dim")
        options = {"score": "dot", "edge_key": edge, "edge_value": edge, "scale": 1 / math.sqrt(self.out_channels)}
        y = WF.attention(graph, query, key, value, dropout=self.dropout if self.training else 0.0, **options)
        y = y.flatten(1) if self.concat else y.mean(dim=1)
        if self.root_weight:
            skip = self.lin_skip(destinations)
            if self.lin_beta is None:
                y = y + skip
            else:
                gate = self.lin_beta(torch.cat([y, skip, y - skip], dim=-1)).sigmoid()
                y = gate * skip + (1 - gate) * y
        if not isinstance(return_attention_weights, bool):
            return y
        return y, (self._edges_of(graph), WF.attention(graph, query, key, value, return_weights=True, **options)[1])
