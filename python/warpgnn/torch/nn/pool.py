# SPDX-License-Identifier: MIT
"""Pools from nodes to graphs."""

from __future__ import annotations

from typing import Optional, Union

import torch
from torch import Tensor
from torch.nn import Parameter

from .. import functional as WF
from ..functional import Batch
from ._linear import Linear, reset

BatchLike = Union[Tensor, Batch, None]


def _pooled(x: Tensor, batch: BatchLike, size: Optional[int], reduce: str, score: Optional[Tensor] = None,
            gate: Optional[str] = None, temperature: float = 1.0) -> Tensor:
    """A pool of x [N, ...], whose nodes need not lie graph by graph."""
    batch, order = _graph_by_graph(batch)
    if order is not None:
        x, score = x[order], None if score is None else score[order]
    return WF.pool(as_batch(batch, x, size), x, score, reduce=reduce, gate=gate, temperature=temperature)


def _graph_by_graph(batch: BatchLike) -> tuple[BatchLike, Optional[Tensor]]:
    """The batch of nodes in an order in which those of a graph lie side by side, and that order; None: as they are.
    Under torch.compile, which cannot ask whether they do, they are always ordered."""
    if isinstance(batch, Tensor) and (torch.compiler.is_compiling() or bool((batch[1:] < batch[:-1]).any())):
        order = torch.argsort(batch, stable=True)
        return batch[order], order
    return batch, None


def _index_or_offsets(index: BatchLike, ptr: Optional[Tensor], dim: int) -> BatchLike:
    """The batch of what PyG's aggregations are given."""
    if dim not in (0, -2):
        raise ValueError(f"dim: expected 0 or -2, the nodes of x [N, F], got {dim}")
    return Batch.from_offsets(ptr) if index is None and ptr is not None else index


def as_batch(batch: BatchLike, x: Tensor, size: Optional[int] = None) -> Batch:
    """The batch of what a pool is given in its place; None: all nodes are one graph."""
    if isinstance(batch, Batch):
        return batch
    if batch is None:
        return Batch.from_offsets(torch.tensor([0, x.shape[0]], device=x.device))
    return Batch(batch, size)


def _global_pool(x: Tensor, batch: BatchLike, size: Optional[int], reduce: str) -> Tensor:
    dim = max(x.dim() - 2, 0)
    rows = x.movedim(dim, 0)
    y = _pooled(rows.flatten(1) if x.dim() > 1 else rows.unsqueeze(1), batch, size, reduce)
    y = y.view(y.shape[0], *rows.shape[1:]).movedim(0, dim)
    return y.squeeze(dim) if batch is None and x.dim() > 2 else y


def global_add_pool(x: Tensor, batch: BatchLike, size: Optional[int] = None) -> Tensor:
    """The sum of the nodes of every graph: x [..., N, F] or [N], batch [N] (the graph of each node), a Batch, or None
    for one graph; [..., G, F] or [G]. `size` is G, one more than the last graph if left out. A graph without nodes gets
    0."""
    return _global_pool(x, batch, size, "sum")


def global_mean_pool(x: Tensor, batch: BatchLike, size: Optional[int] = None) -> Tensor:
    """The mean of the nodes of every graph; arguments as global_add_pool's."""
    return _global_pool(x, batch, size, "mean")


def global_max_pool(x: Tensor, batch: BatchLike, size: Optional[int] = None) -> Tensor:
    """The maximum of the nodes of every graph; arguments as global_add_pool's. Of nodes that tie the first gets the
    gradient."""
    return _global_pool(x, batch, size, "max")


class AttentionalAggregation(torch.nn.Module):
    """Attention pool (Li et al. 2016, Li et al. 2019): y_g = sum over the nodes of a graph of
    softmax(gate_nn(x))_n nn(x_n).

    Args:
        gate_nn: a network to [N, 1], one score for a node, or to the width of the values, one for each feature.
        nn: a network for the values; None: x itself.
    """

    def __init__(self, gate_nn: torch.nn.Module, nn: Optional[torch.nn.Module] = None) -> None:
        super().__init__()
        self.gate_nn, self.nn = gate_nn, nn

    def __repr__(self) -> str:
        return f"{type(self).__name__}(gate_nn={self.gate_nn}, nn={self.nn})"

    def reset_parameters(self) -> None:
        """Starts both networks anew."""
        reset(self.gate_nn)
        reset(self.nn)

    def forward(self, x: Tensor, index: BatchLike = None, ptr: Optional[Tensor] = None,
                dim_size: Optional[int] = None, dim: int = -2) -> Tensor:
        """x [N, F], index [N] (the graph of each node), or ptr [G + 1]: [G, F']."""
        batch = _index_or_offsets(index, ptr, dim)
        score, value = self.gate_nn(x), x if self.nn is None else self.nn(x)
        if score.shape[1] == 1:
            return _pooled(value, batch, dim_size, "sum", score.squeeze(1), "softmax")
        return _pooled(value.unsqueeze(2), batch, dim_size, "sum", score.contiguous(), "softmax").squeeze(2)


class AttentionPool(torch.nn.Module):
    """Attention pool whose scores come from Linear, tanh, Linear: AttentionalAggregation with the network made here.

    Args:
        in_channels: width of x.
        hidden_channels: width between the two layers.
        gate: "softmax" over the nodes of a graph, or "sigmoid" for each node by itself.
        reduce: "sum" or "mean".
        temperature: of the softmax.
    """

    def __init__(self, in_channels: int, hidden_channels: int, gate: str = "softmax", reduce: str = "sum",
                 temperature: float = 1.0) -> None:
        super().__init__()
        self.gate, self.reduce, self.temperature = gate, reduce, temperature
        self.lin1, self.lin2 = Linear(in_channels, hidden_channels), Linear(hidden_channels, 1)

    def reset_parameters(self) -> None:
        """Starts both layers anew."""
        self.lin1.reset_parameters()
        self.lin2.reset_parameters()

    def forward(self, x: Tensor, batch: BatchLike = None, size: Optional[int] = None,
                return_attention_weights: bool = False) -> Union[Tensor, tuple[Tensor, Tensor]]:
        """x [N, in], batch as global_add_pool's: [G, in], and if asked for also the weights [N], without a gradient."""
        batch, order = _graph_by_graph(batch)
        x = x if order is None else x[order]
        score = self.lin2(torch.tanh(self.lin1(x))).squeeze(1)
        result = WF.pool(as_batch(batch, x, size), x, score, reduce=self.reduce, gate=self.gate,
                         temperature=self.temperature, return_weights=return_attention_weights)
        if order is None or not return_attention_weights:
            return result
        return result[0], torch.empty_like(result[1]).index_copy_(0, order, result[1])


class SoftmaxAggregation(torch.nn.Module):
    """Softmax pool (Li et al. 2020): every feature weighs its nodes by the softmax of t times itself.

    Args:
        t: the inverse temperature.
        learn: learn it.
        channels: how many of them are learnt, 1 or one for each feature.
    """

    def __init__(self, t: float = 1.0, learn: bool = False, channels: int = 1) -> None:
        super().__init__()
        if not learn and channels != 1:
            raise ValueError(f"SoftmaxAggregation: channels: expected 1 without learn, got {channels}")
        self.learn, self.channels, self._init_t = learn, channels, t
        self.t = Parameter(torch.full((channels,), float(t))) if learn else t

    def __repr__(self) -> str:
        return f"{type(self).__name__}(learn={self.learn})"

    def reset_parameters(self) -> None:
        """Starts t anew."""
        if self.learn:
            torch.nn.init.constant_(self.t, self._init_t)

    def forward(self, x: Tensor, index: BatchLike = None, ptr: Optional[Tensor] = None,
                dim_size: Optional[int] = None, dim: int = -2) -> Tensor:
        """x [N, F], index [N] or ptr [G + 1]: [G, F]."""
        batch = _index_or_offsets(index, ptr, dim)
        return _pooled(x.unsqueeze(2), batch, dim_size, "sum", x * self.t, "softmax").squeeze(2)


class Set2Set(torch.nn.Module):
    """Set2Set (Vinyals et al. 2016): in each of `processing_steps`, an LSTM's state q asks the nodes of its graph,
    r = sum of softmax(<x_n, q>) x_n, and is fed [q, r], which at last is the result.

    Args:
        in_channels: width F of x.
        processing_steps: their number.
        kwargs: for torch.nn.LSTM, whose parameters are ``lstm``'s.
    """

    def __init__(self, in_channels: int, processing_steps: int, **kwargs: object) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, 2 * in_channels
        self.processing_steps = processing_steps
        self.lstm = torch.nn.LSTM(self.out_channels, in_channels, **kwargs)
        self.reset_parameters()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.in_channels}, {self.out_channels})"

    def reset_parameters(self) -> None:
        """Starts the LSTM anew."""
        self.lstm.reset_parameters()

    def forward(self, x: Tensor, index: BatchLike = None, ptr: Optional[Tensor] = None,
                dim_size: Optional[int] = None, dim: int = -2) -> Tensor:
        """x [N, F], index [N] or ptr [G + 1]: [G, 2 F]."""
        batch, order = _graph_by_graph(_index_or_offsets(index, ptr, dim))
        x = x if order is None else x[order]
        batch = as_batch(batch, x, dim_size)
        graphs = batch.num_graphs
        owner = torch.repeat_interleave(torch.arange(graphs, device=x.device), batch.offsets.diff(),
                                        output_size=x.shape[0])
        state = tuple(x.new_zeros(self.lstm.num_layers, graphs, self.in_channels) for _ in range(2))
        read = x.new_zeros(graphs, self.out_channels)
        for _ in range(self.processing_steps):
            query, state = self.lstm(read.unsqueeze(0), state)
            query = query.view(graphs, self.in_channels)
            score = (x * query[owner]).sum(-1)
            read = torch.cat([query, WF.pool(batch, x, score, gate="softmax")], dim=-1)
        return read
