# SPDX-License-Identifier: MIT
"""Functions on graphs. All are deterministic, forward and backward, and none stores anything of an edge's width that is
not its result. Rows may be float16, bfloat16, float32 or float64; what is computed in is float32 beside 16 bits."""

from __future__ import annotations

from typing import Any, Optional, Union

import torch
import torch.nn.functional as F
from torch import Tensor

from . import ops
from .graph import Graph, register_tensors
from .ops import _attention, _messages, _pool, _relation

_REDUCTIONS = {"sum": _messages.SUM, "add": _messages.SUM, "mean": _messages.MEAN, "max": _messages.MAX,
               "min": _messages.MIN}
_MESSAGES = {"add": _messages.ADD, "multiply": _messages.MULTIPLY, "relu_add": _messages.RELU_ADD,
             "edge": _messages.EDGE}
_SCORES = {"gatv2": _attention.GATV2, "additive": _attention.ADDITIVE, "dot": _attention.DOT}
_POOLS = {"sum": _pool.SUM, "add": _pool.SUM, "mean": _pool.MEAN, "max": _pool.MAX}
_GATES = {None: _pool.NONE, "softmax": _pool.SOFTMAX, "sigmoid": _pool.SIGMOID, "raw": _pool.RAW}
_NORMS = {None: _relation.NONE, "per_relation": _relation.PER_RELATION, "all_edges": _relation.ALL_EDGES}


def _option(name: str, value: Any, options: dict) -> int:
    if value not in options:
        raise ValueError(f"{name}: expected one of {', '.join(map(repr, options))}, got {value!r}")
    return options[value]


def _parts(graph: Graph) -> list[Tensor]:
    if not isinstance(graph, Graph):
        raise TypeError(f"graph: expected a warpgnn.torch.Graph, got {type(graph).__name__}")
    return graph.parts


def _checked(name: str, tensor: Any) -> Tensor:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{name}: expected a tensor, got {type(tensor).__name__}")
    return tensor


def _rows(**tensors: Optional[Tensor]) -> list[Optional[Tensor]]:
    """Rows of one call, by their names, in one dtype: under autocast its own, else the widest of those given."""
    given = [_checked(name, tensor) for name, tensor in tensors.items() if tensor is not None]
    dtype = given[0].dtype
    device = given[0].device.type
    if dtype != torch.float64 and device != "meta" and torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
    else:
        for t in given[1:]:
            if t.dtype != dtype:
                dtype = torch.promote_types(dtype, t.dtype)
    return [t if t is None or t.dtype == dtype else t.to(dtype) for t in tensors.values()]


def _real(name: str, tensor: Optional[Tensor], rows: Tensor) -> Optional[Tensor]:
    """What belongs to the computation, in the dtype that these rows are computed in."""
    if tensor is None:
        return None
    _checked(name, tensor)
    dtype = ops.accumulator(rows.dtype)
    return tensor if tensor.dtype == dtype else tensor.to(dtype)


def _needs_gradient(*tensors: Optional[Tensor]) -> bool:
    return torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)


def _seed(dropout: float, like: Tensor) -> Optional[Tensor]:
    """Drawn from PyTorch's generator of the device: torch.manual_seed fixes the masks."""
    if dropout == 0:
        return None
    return torch.randint(0, 2**63 - 1, (1,), dtype=torch.int64, device=like.device)


def _checked_dropout(dropout: float) -> float:
    if not 0 <= dropout <= 1:
        raise ValueError(f"dropout: expected a probability in [0, 1], got {dropout}")
    return float(dropout)


# --- Sums -------------------------------------------------------------------------------------------------------------


def aggregate(graph: Graph, x: Tensor, weight: Optional[Tensor] = None, *, reduce: str = "sum",
              source_scale: Optional[Tensor] = None, destination_scale: Optional[Tensor] = None) -> Tensor:
    """y_i = t_i * reduce over the in-edges e = (j -> i) of w_e s_j x_j.

    Has derivatives of any order in `x` and `weight`; the scales are constants. Of values that tie for a maximum or
    minimum the first edge's source gets the whole gradient. A node without in-edges gets 0.

    Args:
        graph: the graph.
        x: [N_src, ...], whose trailing dimensions count as one.
        weight: [E], or [E, H] for x [N_src, H, ...], head by head, or none; for sums and means.
        reduce: "sum" ("add"), "mean", "max" or "min".
        source_scale, destination_scale: s [N_src] and t [N_dst], or none; for sums and means.
    Returns:
        [N_dst, ...].
    """
    parts, kind = _parts(graph), _option("reduce", reduce, _REDUCTIONS)
    (x,) = _rows(x=_checked("x", x))
    if x.dim() == 0:
        raise ValueError("x: expected [N_src, ...], got a single number")
    for name, scale in (("source_scale", source_scale), ("destination_scale", destination_scale)):
        if scale is not None and _needs_gradient(scale):
            raise ValueError(f"{name}: expected a constant, got a tensor that needs a gradient; multiply rows by it")
    if weight is not None and _checked("weight", weight).dim() == 2 and x.dim() > 2:
        return torch.stack([aggregate(graph, x[:, head], weight[:, head], reduce=reduce, source_scale=source_scale,
                                      destination_scale=destination_scale) for head in range(x.shape[1])], dim=1)
    flat = x if x.dim() == 2 else x.flatten(1) if x.dim() > 2 else x.unsqueeze(1)
    if kind in (_messages.SUM, _messages.MEAN):
        y = ops.aggregate(parts, flat, _real("weight", weight, x), _real("source_scale", source_scale, x),
                          _real("destination_scale", destination_scale, x), kind == _messages.MEAN)
    else:
        for name, tensor in (("weight", weight), ("source_scale", source_scale),
                             ("destination_scale", destination_scale)):
            if tensor is not None:
                raise ValueError(f"{name}: expected none with reduce={reduce!r}")
        y = ops.aggregate_extremum(parts, flat, kind == _messages.MIN)[0]
    return y if x.dim() == 2 else y.view(graph.num_destinations, *x.shape[1:])


def edge_dot(graph: Graph, query: Tensor, key: Tensor) -> Tensor:
    """<query_i, key_j> for every edge e = (j -> i): query [N_dst, F], key [N_src, F], result [E]; or [N_dst, H, F],
    [N_src, H, F] and [E, H], head by head. Differentiable any number of times."""
    parts = _parts(graph)
    query, key = _rows(query=_checked("query", query), key=_checked("key", key))
    for name, rows, count in (("query", query, graph.num_destinations), ("key", key, graph.num_sources)):
        if rows.dim() not in (2, 3) or (not torch.compiler.is_compiling() and rows.shape[0] != count):
            raise ValueError(f"{name}: expected [{count}, F] or [{count}, H, F], got {list(rows.shape)}")
    if query.dim() == 3:
        return torch.stack([edge_dot(graph, query[:, head], key[:, head]) for head in range(query.shape[1])], dim=1)
    return ops.aggregate_backward_weight(parts, query, key, None, None, False)


def message_aggregate(graph: Graph, x: Optional[Tensor], edge: Tensor, *, message: str = "add",
                      reduce: str = "sum") -> Tensor:
    """y_i = reduce over the in-edges e = (j -> i) of message(x_j, edge_e), no message being stored. Has second
    derivatives.

    Args:
        graph: the graph.
        x: [N_src, F]; None with message "edge".
        edge: [E, F], in the order of the graph's edge_index.
        message: "add" x_j + e, "multiply" x_j * e, "relu_add" max(x_j + e, 0), or "edge" e alone.
        reduce: "sum" ("add"), "mean", "max" or "min".
    Returns:
        [N_dst, F].
    """
    x, edge = _rows(x=x, edge=_checked("edge", edge))
    return ops.message_aggregate(_parts(graph), x, edge, _option("message", message, _MESSAGES),
                                 _option("reduce", reduce, _REDUCTIONS))[0]


def gcn_norm(graph: Graph, weight: Tensor) -> Tensor:
    """r_j w_e r_i for every edge, with r_k = d_k^(-1/2), d_k the sum of the weights of k's in-edges; r_k = 0 where d_k
    is not above 0. weight and result [E]."""
    return ops.gcn_norm(_parts(graph), weight)[0]


def gcn_scale(graph: Graph, x: Tensor, weight: Optional[Tensor] = None) -> Tensor:
    """r [N] of gcn_norm, for `aggregate`'s two scales: without weights, GCN's norm needs no array over edges. In the
    dtype that rows like `x` are computed in; without a gradient."""
    with torch.no_grad():
        return ops.gcn_scale(_parts(graph), _checked("x", x), _real("weight", weight, x))


# --- Attention --------------------------------------------------------------------------------------------------------


def edge_softmax(graph: Graph, score: Tensor) -> Tensor:
    """Softmax of score [E, H] or [E] over the in-edges of every node. Has derivatives of any order."""
    score = _real("score", score, _checked("score", score))
    if score.dim() == 1:
        return ops.edge_softmax(_parts(graph), score.unsqueeze(1)).squeeze(1)
    return ops.edge_softmax(_parts(graph), score)


def gat_attention(graph: Graph, value: Tensor, source_score: Tensor, destination_score: Tensor,
                  edge_score: Optional[Tensor] = None, *, negative_slope: float = 0.2, dropout: float = 0.0,
                  return_weights: bool = False) -> Any:
    """GAT's attention: y_i = sum over the in-edges of alpha_e value_j, alpha the softmax over them of
    LeakyReLU(source_score_j + destination_score_i + edge_score_e).

    Args:
        graph: the graph.
        value: [N_src, H, C].
        source_score, destination_score, edge_score: [N_src, H], [N_dst, H], [E, H] or none.
        dropout: of the weights alpha.
        return_weights: also return alpha [E, H], after dropout.
    Returns:
        [N_dst, H, C], or that and alpha.
    """
    (value,) = _rows(value=_checked("value", value))
    source_score = _real("source_score", source_score, value)
    destination_score = _real("destination_score", destination_score, value)
    edge_score = _real("edge_score", edge_score, value)
    if _checked_dropout(dropout) == 1:
        return _all_dropped(graph, value, return_weights)
    seed = _seed(dropout, value)
    training = _needs_gradient(value, source_score, destination_score, edge_score)
    y, maximum, total, _, _ = ops.gat_attention(_parts(graph), value, source_score, destination_score, edge_score, seed,
                                                float(negative_slope), float(dropout), training)
    if not return_weights:
        return y
    if training:
        score = source_score[graph.source] + destination_score[graph.destination]
        score = score if edge_score is None else score + edge_score
        alpha = edge_softmax(graph, F.leaky_relu(score, negative_slope))
    else:
        alpha = ops.gat_attention_weights(_parts(graph), source_score, destination_score, edge_score, maximum, total,
                                          float(negative_slope))
    return y, _dropped(graph, alpha, seed, dropout)


def gat_layer(graph: Graph, value: Tensor, source_vector: Tensor, destination_vector: Tensor,
              edge_score: Optional[Tensor] = None, *, negative_slope: float = 0.2, dropout: float = 0.0) -> Tensor:
    """gat_attention over one set of nodes with the scores that GAT makes of the values: <value_j, source_vector> and
    <value_i, destination_vector>, head by head, both vectors [H, C]. In one pass over the values, and one back."""
    (value,) = _rows(value=_checked("value", value))
    seed = _seed(_checked_dropout(dropout), value)
    if dropout == 1:
        return _all_dropped(graph, value, False)
    source_vector = _real("source_vector", source_vector, value)
    destination_vector = _real("destination_vector", destination_vector, value)
    edge_score = _real("edge_score", edge_score, value)
    training = _needs_gradient(value, source_vector, destination_vector, edge_score)
    return ops.gat_layer(_parts(graph), value, source_vector, destination_vector, edge_score, seed,
                         float(negative_slope), float(dropout), training)[0]


def attention(graph: Graph, query: Tensor, key: Tensor, value: Optional[Tensor] = None, *, score: str = "dot",
              vector: Optional[Tensor] = None, edge_key: Optional[Tensor] = None, edge_value: Optional[Tensor] = None,
              edge_bias: Optional[Tensor] = None, negative_slope: float = 0.2, scale: float = 1.0,
              dropout: float = 0.0, return_weights: bool = False) -> Any:
    """Attention along edges: y_i = sum over the in-edges of alpha_e (value_j + edge_value_e), alpha the softmax over
    them of the scores, with k_e = key_j + edge_key_e:

    - "gatv2": <vector, LeakyReLU(query_i + k_e)> + edge_bias_e
    - "additive": <vector, tanh(query_i + k_e)> + edge_bias_e
    - "dot": scale <query_i, k_e> + edge_bias_e

    Args:
        graph: the graph.
        query, key: [N_dst, H, D], [N_src, H, D].
        value: [N_src, H, C]; None: the keys.
        vector: [H, D], for "gatv2" and "additive".
        edge_key, edge_value: [E, H, D], [E, H, C] or none; one tensor given as both is read once.
        edge_bias: [E, H] or none. -inf masks an edge.
        dropout: of the weights alpha.
        return_weights: also return alpha [E, H], after dropout. Where a gradient may be asked of it, it is computed
            edge by edge, with [E, H, D] elements in memory; without gradients it is not.
    Returns:
        [N_dst, H, C], or that and alpha.
    """
    kind = _option("score", score, _SCORES)
    shared = edge_key is not None and edge_value is edge_key
    query, key, value, edge_key, edge_value = _rows(
        query=_checked("query", query), key=_checked("key", key), value=value, edge_key=edge_key,
        edge_value=None if shared else edge_value)
    vector, edge_bias = _real("vector", vector, query), _real("edge_bias", edge_bias, query)
    vector = None if vector is None else vector.contiguous()
    if _checked_dropout(dropout) == 1:
        return _all_dropped(graph, key if value is None else value, return_weights)
    seed = _seed(dropout, query)
    options = kind, float(negative_slope), float(scale), float(dropout)
    y, maximum, total = ops.attention(_parts(graph), query, key, value, edge_key, edge_value, edge_bias, vector, seed,
                                      *options, shared)
    if not return_weights:
        return y
    if _needs_gradient(query, key, edge_key, edge_bias, vector):
        scores = _edge_scores(graph, kind, query, key, edge_key, edge_bias, vector, negative_slope, scale)
        return y, _dropped(graph, edge_softmax(graph, scores), seed, dropout)
    return y, ops.attention_weights(_parts(graph), query, key, edge_key, edge_bias, vector, seed, maximum, total,
                                    *options, dropout > 0)


def _edge_scores(graph: Graph, kind: int, query: Tensor, key: Tensor, edge_key: Optional[Tensor],
                 edge_bias: Optional[Tensor], vector: Optional[Tensor], negative_slope: float, scale: float) -> Tensor:
    """[E, H], edge by edge."""
    query, key, edge_key = _real("query", query, query), _real("key", key, key), _real("edge_key", edge_key, key)
    keys = key[graph.source] if edge_key is None else key[graph.source] + edge_key
    queries = query[graph.destination]
    if kind == _attention.DOT:
        score = (queries * keys).sum(-1) * scale
    elif kind == _attention.GATV2:
        score = (F.leaky_relu(queries + keys, negative_slope) * vector).sum(-1)
    else:
        score = (torch.tanh(queries + keys) * vector).sum(-1)
    return score if edge_bias is None else score + edge_bias


def _dropped(graph: Graph, alpha: Tensor, seed: Optional[Tensor], dropout: float) -> Tensor:
    """alpha times what dropout multiplied it with: the weights after dropout of an attention of weights of 1."""
    if seed is None:
        return alpha
    nothing = alpha.new_zeros(graph.num_destinations, alpha.shape[1], 1)
    source_nothing = alpha.new_zeros(graph.num_sources, alpha.shape[1], 1)
    zeros, ones = nothing.squeeze(-1), torch.ones_like(nothing).squeeze(-1)
    factor = ops.attention_weights(graph.parts, nothing, source_nothing, None, None, None, seed, zeros, ones,
                                   _attention.DOT, 0.0, 1.0, float(dropout), True)
    return alpha * factor


def _all_dropped(graph: Graph, value: Tensor, return_weights: bool) -> Any:
    """Dropout of 1: every weight is 0, and so is every gradient."""
    y = ops.aggregate(_parts(graph), (value * 0).flatten(1), None, None, None, False)
    y = y.view(-1, *value.shape[1:])
    return (y, value.new_zeros(graph.num_edges, value.shape[1])) if return_weights else y


# --- Relations --------------------------------------------------------------------------------------------------------


def relation_weights(graph: Graph, relation: Tensor, num_relations: int, x: Tensor,
                     norm: Optional[str] = "per_relation") -> Tensor:
    """What divides the messages of typed edges, as weights [E]: 1 over the number of in-edges of the same relation
    ("per_relation"), of all ("all_edges"), or 1 (None). In the dtype that rows like `x` are computed in."""
    return ops.relation_weights(_parts(graph), relation, x, int(num_relations), _option("norm", norm, _NORMS))


def relation_aggregate(graph: Graph, x: Tensor, relation: Tensor, coefficient: Tensor,
                       weight: Optional[Tensor] = None) -> Tensor:
    """y_ib = sum over the in-edges e = (j -> i) of coefficient[relation_e, b] w_e x_j.

    Args:
        graph: the graph.
        x: [N_src, F].
        relation: [E] int64 or int32; an edge whose relation is not in [0, R) is left out.
        coefficient: [R, B].
        weight: [E] or none.
    Returns:
        [N_dst, B, F].
    """
    (x,) = _rows(x=_checked("x", x))
    return ops.relation_aggregate(_parts(graph), x, _checked("relation", relation),
                                  _real("coefficient", _checked("coefficient", coefficient), x),
                                  _real("weight", weight, x))


# --- Pools ------------------------------------------------------------------------------------------------------------


class Batch:
    """Which graph of a batch each node belongs to: where each graph's nodes begin, on the device and on the host.

    Args:
        batch: [N] int64, increasing: the graph of each node.
        num_graphs: how many there are; None: one more than the last, which waits for the device.
    """

    def __init__(self, batch: Tensor, num_graphs: Optional[int] = None) -> None:
        if _checked("batch", batch).dim() != 1 or batch.dtype not in (torch.int64, torch.int32):
            raise ValueError(f"batch: expected [N] of int64 or int32, got {list(batch.shape)} of {batch.dtype}")
        if not torch.compiler.is_compiling() and bool((batch[1:] < batch[:-1]).any()):
            raise ValueError("batch: expected the nodes of a graph side by side, in the order of the graphs")
        if num_graphs is None:
            num_graphs = int(batch[-1]) + 1 if batch.shape[0] > 0 else 0
        if torch.compiler.is_compiling():
            torch._assert_async((batch[1:] >= batch[:-1]).all(), "batch: expected the nodes of a graph side by side")
        graphs = torch.arange(num_graphs + 1, dtype=batch.dtype, device=batch.device)
        self.offsets = torch.searchsorted(batch, graphs)
        if not torch.compiler.is_compiling() and batch.shape[0] > 0 and not 0 <= int(batch[0]) <= int(
                batch[-1]) < num_graphs:
            raise IndexError(f"batch: expected graphs in [0, {num_graphs}), got {int(batch[0])} to {int(batch[-1])}")
        self.host_offsets = self.offsets.cpu()

    @classmethod
    def from_offsets(cls, offsets: Tensor) -> Batch:
        """Of [G + 1] int64 or int32: graph g has nodes offsets[g] to offsets[g + 1]. PyG's `ptr` is that."""
        offsets = offsets.long()
        return cls._of(offsets, offsets.cpu())

    @classmethod
    def _of(cls, offsets: Tensor, host_offsets: Tensor) -> Batch:
        made = cls.__new__(cls)
        made.offsets, made.host_offsets = offsets, host_offsets
        return made

    @property
    def num_graphs(self) -> int:
        return self.offsets.shape[0] - 1

    def to(self, device: Union[torch.device, str], non_blocking: bool = False) -> Batch:
        """The same batch on another device."""
        return Batch._of(self.offsets.to(device, non_blocking=non_blocking), self.host_offsets)

    def __reduce__(self) -> tuple:
        return _batch_of_offsets, (self.offsets,)

    def __repr__(self) -> str:
        return f"Batch(num_graphs={self.num_graphs}, device={self.offsets.device})"


def _batch_of_offsets(offsets: Tensor) -> Batch:
    return Batch.from_offsets(offsets)


torch.serialization.add_safe_globals([_batch_of_offsets])
register_tensors(Batch, lambda batch: ["offsets", "host_offsets"], lambda tensors: Batch._of(*tensors))


def pool(batch: Batch, x: Tensor, score: Optional[Tensor] = None, *, reduce: str = "sum", gate: Optional[str] = None,
         temperature: float = 1.0, return_weights: bool = False) -> Any:
    """y_g = reduce over the nodes n of graph g of a_n x_n.

    Args:
        batch: which nodes belong to which graph.
        x: [N, F], or [N, H, C] with a score for each head.
        score: [N] or [N, H], with a gate.
        reduce: "sum" ("add"), "mean" or "max" (without a gate).
        gate: None a_n = 1; "softmax" over the nodes of a graph of score / temperature; "sigmoid"; "raw" the score.
        return_weights: also return a, without a gradient.
    Returns:
        [G, F] or [G, H, C], or that and a. A graph without nodes gets 0.
    """
    if not isinstance(batch, Batch):
        raise TypeError(f"batch: expected a warpgnn.torch.Batch, got {type(batch).__name__}")
    (x,) = _rows(x=_checked("x", x))
    score = _real("score", score, x)
    kind, how = _option("reduce", reduce, _POOLS), _option("gate", gate, _GATES)
    y, maximum, total, _ = ops.pool(batch.offsets, batch.host_offsets, x, score, kind, how, float(temperature))
    if not return_weights:
        return y
    if score is None:
        raise ValueError("return_weights: expected a gate")
    softmax = how == _pool.SOFTMAX
    return y, ops.pool_weights(batch.offsets, batch.host_offsets, score.detach(), maximum if softmax else None,
                               total if softmax else None, how, float(temperature))
