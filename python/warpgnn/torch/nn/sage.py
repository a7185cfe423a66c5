# SPDX-License-Identifier: MIT
"""GraphSAGE."""

from __future__ import annotations

from typing import Any, Optional, Union

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import functional as WF
from ._conv import Adjacency, Channels, Conv, Features, channels_pair, nodes_first, pair_of
from ._linear import Linear

_REDUCTIONS = ("mean", "add", "sum", "max", "min")


class SAGEConv(Conv):
    """GraphSAGE (Hamilton et al. 2017): y_i = W_l (reduce of x_j over the in-edges) + W_r x_i + b.

    Args:
        in_channels: width of x, or of (x of sources, x of destinations).
        out_channels: width of the result.
        aggr: "mean", "add", "max" or "min", or a list of them, whose results stand side by side.
        normalize: divide each y_i by its length, at least 1e-12.
        root_weight: whether W_r x_i takes part.
        project: max(W x_j + b, 0) is aggregated in place of x_j.
        bias: whether there is a b.

    Parameters: ``lin_l``, ``lin_r``, and ``lin`` with `project`, as torch.nn.Linear's.
    """

    _many = True

    def __init__(self, in_channels: Channels, out_channels: int, aggr: Union[str, list[str]] = "mean",
                 normalize: bool = False, root_weight: bool = True, project: bool = False, bias: bool = True,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reductions = [aggr] if isinstance(aggr, str) else list(aggr) if isinstance(aggr, (list, tuple)) else []
        if not self.reductions or any(reduce not in _REDUCTIONS for reduce in self.reductions):
            raise ValueError(f"SAGEConv: aggr: expected {', '.join(map(repr, _REDUCTIONS))} or a list of them, got "
                             f"{aggr!r}")
        self.aggr = aggr
        self.in_channels, self.out_channels = in_channels, out_channels
        self.normalize, self.root_weight, self.project = normalize, root_weight, project
        sources, destinations = channels_pair(in_channels)
        if project:
            if sources <= 0:
                raise ValueError("SAGEConv: in_channels: expected a width with project, got -1")
            self.lin = Linear(sources, sources)
        self.lin_l = Linear(sources * len(self.reductions) if sources > 0 else -1, out_channels, bias=bias)
        if root_weight:
            self.lin_r = Linear(destinations, out_channels, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Starts the parameters anew."""
        for layer in self.children():
            layer.reset_parameters()

    def forward(self, x: Features, edge_index: Adjacency, size: Optional[tuple[int, int]] = None) -> Tensor:
        """x [N, in], [B, N, in] or a pair of these: [N_dst, out] or [B, N_dst, out]."""
        x, back = nodes_first(x)
        sources, destinations = pair_of(x)
        graph, _ = self._make_graph(edge_index, sources, destinations, size)
        messages = self.lin(sources).relu() if self.project else sources
        reduced = [WF.aggregate(graph, messages, reduce=reduce) for reduce in self.reductions]
        y = self.lin_l(reduced[0] if len(reduced) == 1 else torch.cat(reduced, dim=-1))
        if self.root_weight and destinations is not None:
            y = y + self.lin_r(destinations)
        return back(F.normalize(y, p=2.0, dim=-1) if self.normalize else y)

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, aggr={self.aggr}"
