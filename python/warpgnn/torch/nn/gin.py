# SPDX-License-Identifier: MIT
"""GIN and GINE."""

from __future__ import annotations

from typing import Any, Callable, Optional

import torch
from torch import Tensor

from .. import functional as WF
from ._conv import Adjacency, Conv, Features, as_matrix, nodes_first, pair_of
from ._linear import Linear, reset


_REDUCTIONS = ("add", "sum", "mean", "max", "min")


class GINConv(Conv):
    """GIN (Xu et al. 2019): y_i = nn((1 + eps) x_i + sum of x_j over the in-edges).

    Args:
        nn: a network from the width of x to that of the result.
        eps: its starting value.
        train_eps: learn it.
        aggr: "add", "mean", "max" or "min" in the sum's place.
    """

    _many = True

    def __init__(self, nn: Callable, eps: float = 0.0, train_eps: bool = False, **kwargs: Any) -> None:
        super().__init__(_REDUCTIONS, **kwargs)
        self._make(nn, eps, train_eps)
        self.reset_parameters()

    def _make(self, nn: Callable, eps: float, train_eps: bool) -> None:
        self.nn = nn
        self.initial_eps = eps
        if train_eps:
            self.eps = torch.nn.Parameter(torch.empty(1))
        else:
            self.register_buffer("eps", torch.empty(1))

    def reset_parameters(self) -> None:
        """Starts the network and eps anew."""
        reset(self.nn)
        self.eps.data.fill_(self.initial_eps)

    def forward(self, x: Features, edge_index: Adjacency, size: Optional[tuple[int, int]] = None) -> Tensor:
        """x [N, in], [B, N, in] or a pair of these: the network's result for the destinations."""
        x, back = nodes_first(x)
        sources, destinations = pair_of(x)
        graph, _ = self._make_graph(edge_index, sources, destinations, size)
        y = WF.aggregate(graph, sources, reduce=self.aggr)
        return self.nn(back(y if destinations is None else y + (1 + self.eps) * destinations))

    def extra_repr(self) -> str:
        return f"nn={self.nn}"


class GINEConv(GINConv):
    """GINE (Hu et al. 2020): y_i = nn((1 + eps) x_i + sum of max(x_j + e, 0) over the in-edges), e the edge's features,
    or W_e of them where `edge_dim` is given.

    Args:
        edge_dim: width of edge features; None: they are as wide as x. The others are GINConv's.
    """

    _many = False

    def __init__(self, nn: torch.nn.Module, eps: float = 0.0, train_eps: bool = False,
                 edge_dim: Optional[int] = None, **kwargs: Any) -> None:
        Conv.__init__(self, _REDUCTIONS, **kwargs)
        self._make(nn, eps, train_eps)
        self.lin = None if edge_dim is None else Linear(edge_dim, _width_of(nn))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Starts the network, eps and W_e anew."""
        super().reset_parameters()
        if self.lin is not None:
            self.lin.reset_parameters()

    def forward(self, x: Features, edge_index: Adjacency, edge_attr: Optional[Tensor] = None,
                size: Optional[tuple[int, int]] = None) -> Tensor:
        """x [N, in] or a pair, edge_attr [E, edge_dim] or [E, in]: the network's result for the destinations."""
        sources, destinations = pair_of(x)
        graph, value = self._make_graph(edge_index, sources, destinations, size)
        edge_attr = value if edge_attr is None else edge_attr
        if edge_attr is None:
            raise ValueError("GINEConv: edge_attr: expected the edges' features, got none")
        edge_attr = as_matrix(edge_attr)
        if self.lin is not None:
            edge_attr = self.lin(edge_attr)
        elif edge_attr.shape[-1] != sources.shape[-1]:
            raise ValueError(f"GINEConv: edge_attr: expected width {sources.shape[-1]}, as x has, got "
                             f"{edge_attr.shape[-1]}; edge_dim projects them")
        y = WF.message_aggregate(graph, sources, edge_attr, message="relu_add", reduce=self.aggr)
        return self.nn(y if destinations is None else y + (1 + self.eps) * destinations)


def _width_of(network: torch.nn.Module) -> int:
    """What a network's first layer takes."""
    first = network[0] if isinstance(network, torch.nn.Sequential) else network
    for name in ("in_features", "in_channels"):
        if hasattr(first, name):
            return getattr(first, name)
    raise ValueError("GINEConv: nn: expected a first layer with in_features or in_channels, for edge_dim")
