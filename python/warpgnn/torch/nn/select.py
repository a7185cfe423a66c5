# SPDX-License-Identifier: MIT
"""Pools that leave a smaller graph."""

from __future__ import annotations

import math
from typing import Any, Callable, Optional, Union

import torch
from torch import Tensor
from torch.nn import Parameter

from ..graph import Graph
from ._conv import Adjacency
from ._linear import uniform
from .gcn import GraphConv

Ratio = Union[float, int, None]


def top_k(score: Tensor, ratio: Ratio, batch: Tensor, min_score: Optional[float] = None) -> Tensor:
    """The nodes of every graph that are kept, of the highest score first: ceil(ratio n) of n, computed in the score's
    dtype, or `ratio` itself where it is 1 or more; with `min_score` those that are above it, and always the best.
    Of nodes that tie the first is kept."""
    graphs = int(batch.max()) + 1 if batch.numel() > 0 else 0
    if min_score is not None:
        best = score.new_full((graphs,), -math.inf).scatter_reduce(0, batch, score, "amax")[batch] - 1e-7
        return (score > best.clamp(max=min_score)).nonzero().view(-1)
    counts = torch.bincount(batch, minlength=graphs)
    if ratio >= 1:
        keep = counts.new_full((graphs,), int(ratio))
    else:
        keep = (float(ratio) * counts.to(score.dtype)).ceil().long()
    by_score = torch.argsort(score, descending=True, stable=True)
    order = by_score[torch.argsort(batch[by_score], stable=True)]
    owner = batch[order]
    first = counts.cumsum(0) - counts
    rank = torch.arange(order.shape[0], device=order.device) - first[owner]
    return order[rank < keep[owner]]


def induced_edges(edge_index: Tensor, kept: Tensor, num_nodes: int,
                  edge_attr: Optional[Tensor] = None) -> tuple[Tensor, Optional[Tensor]]:
    """The edges between nodes that are kept, renumbered by their place in `kept`, and their features."""
    position = kept.new_full((num_nodes,), -1)
    position[kept] = torch.arange(kept.shape[0], device=kept.device)
    source, destination = position[edge_index[0]], position[edge_index[1]]
    inside = (source >= 0) & (destination >= 0)
    edges = torch.stack([source[inside], destination[inside]])
    return edges, None if edge_attr is None else edge_attr[inside]


class SelectTopK(torch.nn.Module):
    """Scores of nodes by a learnt direction p, and which are kept: act(<x, p> / |p|), or softmax(<x, p>) over the nodes
    of a graph with `min_score`. ``weight`` [1, in] starts uniform in +-1 / sqrt(in)."""

    def __init__(self, in_channels: int, ratio: Ratio = 0.5, min_score: Optional[float] = None,
                 act: Union[str, Callable] = "tanh") -> None:
        super().__init__()
        if ratio is None and min_score is None:
            raise ValueError("SelectTopK: ratio: expected a number without min_score, got none")
        self.in_channels, self.ratio, self.min_score = in_channels, ratio, min_score
        self.act = _activation(act)
        self.weight = Parameter(torch.empty(1, in_channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Starts p anew."""
        uniform(self.in_channels, self.weight)

    def forward(self, x: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        """x [N, in], batch [N]: the nodes that are kept, and the scores of all."""
        x = x.view(-1, 1) if x.dim() == 1 else x
        score = (x * self.weight).sum(-1)
        if self.min_score is None:
            score = self.act(score / self.weight.norm(p=2))  # one number: PyTorch 2.10 compiles no [1] of a dimension
        else:
            score = _softmax(score, batch)
        return top_k(score.detach(), self.ratio, batch, self.min_score), score


class _SelectionPool(torch.nn.Module):
    """What TopKPooling and SAGPooling share: what is left of the graph."""

    def __init__(self, in_channels: int, ratio: Ratio, min_score: Optional[float], multiplier: float,
                 **parts: torch.nn.Module) -> None:
        super().__init__()
        self.in_channels, self.ratio, self.min_score, self.multiplier = in_channels, ratio, min_score, multiplier
        for name, part in parts.items():
            self.add_module(name, part)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Starts the parameters anew."""
        for part in self.children():
            part.reset_parameters()

    def _leave(self, x: Tensor, edge_index: Adjacency, edge_attr: Optional[Tensor], batch: Tensor,
               scored: Tensor) -> tuple[Tensor, Tensor, Optional[Tensor], Tensor, Tensor, Tensor]:
        kept, score = self.select(scored, batch)
        score = score[kept]
        y = x[kept] * score.view(-1, 1)
        y = y if self.multiplier == 1 else self.multiplier * y
        edges = edge_index.edge_index if isinstance(edge_index, Graph) else edge_index
        edges, edge_attr = induced_edges(edges, kept, x.shape[0], edge_attr)
        return y, edges, edge_attr, batch[kept], kept, score

    def __repr__(self) -> str:
        kept = f"ratio={self.ratio}" if self.min_score is None else f"min_score={self.min_score}"
        return f"{type(self).__name__}({self._scored_by()}{self.in_channels}, {kept}, multiplier={self.multiplier})"

    def _scored_by(self) -> str:
        return ""


class TopKPooling(_SelectionPool):
    """Top-k pooling (Gao and Ji 2019): of every graph the nodes of highest score act(<x, p> / |p|), in the order of
    their scores, times these. Makes new edges, whose number hangs on the data.

    Args:
        in_channels: width of x.
        ratio: the part of a graph's nodes that is kept, rounded up, or their number where it is 1 or more.
        min_score: keep by this score in place of `ratio`.
        multiplier: of the result.
        nonlinearity: act, of torch by name, or a function.

    Parameters: ``select.weight`` [1, in].
    """

    def __init__(self, in_channels: int, ratio: Ratio = 0.5, min_score: Optional[float] = None,
                 multiplier: float = 1.0, nonlinearity: Union[str, Callable] = "tanh") -> None:
        super().__init__(in_channels, ratio, min_score, multiplier,
                         select=SelectTopK(in_channels, ratio, min_score, nonlinearity))

    def forward(self, x: Tensor, edge_index: Adjacency, edge_attr: Optional[Tensor] = None,
                batch: Optional[Tensor] = None, attn: Optional[Tensor] = None) -> tuple:
        """(x, edge_index, edge_attr, batch, the nodes that were kept, their scores) of what is left."""
        batch = _all_one(x) if batch is None else batch
        return self._leave(x, edge_index, edge_attr, batch, x if attn is None else attn)


class SAGPooling(_SelectionPool):
    """SAG pooling (Lee et al. 2019): as TopKPooling, with scores of a graph layer.

    Args:
        GNN: the layer's class, called with (in_channels, 1, **kwargs). The others are TopKPooling's.

    Parameters: ``gnn``'s, and ``select.weight`` [1, 1].
    """

    def __init__(self, in_channels: int, ratio: Ratio = 0.5, GNN: Any = GraphConv, min_score: Optional[float] = None,
                 multiplier: float = 1.0, nonlinearity: Union[str, Callable] = "tanh", **kwargs: Any) -> None:
        super().__init__(in_channels, ratio, min_score, multiplier, gnn=GNN(in_channels, 1, **kwargs),
                         select=SelectTopK(1, ratio, min_score, nonlinearity))

    def forward(self, x: Tensor, edge_index: Adjacency, edge_attr: Optional[Tensor] = None,
                batch: Optional[Tensor] = None, attn: Optional[Tensor] = None) -> tuple:
        """(x, edge_index, edge_attr, batch, the nodes that were kept, their scores) of what is left."""
        batch = _all_one(x) if batch is None else batch
        attn = x if attn is None else attn
        scored = self.gnn(attn.view(-1, 1) if attn.dim() == 1 else attn, edge_index)
        return self._leave(x, edge_index, edge_attr, batch, scored)

    def _scored_by(self) -> str:
        return f"{type(self.gnn).__name__}, "


def _all_one(x: Tensor) -> Tensor:
    return torch.zeros(x.shape[0], dtype=torch.int64, device=x.device)


def _activation(act: Union[str, Callable]) -> Callable:
    """A function, or what PyTorch has of a name: "tanh", "leaky_relu", "LeakyReLU"."""
    if callable(act):
        return act
    for module in (torch, torch.nn.functional):
        if callable(getattr(module, act, None)):
            return getattr(module, act)
    for name in dir(torch.nn):
        if name.lower() == act.lower():
            return getattr(torch.nn, name)()
    raise ValueError(f"nonlinearity: expected a function or the name of one of PyTorch's, got {act!r}")


def _softmax(score: Tensor, batch: Tensor) -> Tensor:
    """Over the nodes of each graph."""
    graphs = int(batch.max()) + 1 if batch.numel() > 0 else 0
    highest = score.new_full((graphs,), -math.inf).scatter_reduce(0, batch, score.detach(), "amax")
    weight = (score - highest[batch]).exp()
    return weight / score.new_zeros(graphs).index_add(0, batch, weight)[batch]
