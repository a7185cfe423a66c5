# SPDX-License-Identifier: MIT
"""Functions on small graphs, and the shapes of what they are differentiated by: any number of times, or once."""

from typing import Callable, Optional

import torch
from torch import Tensor
from warpgnn.torch import Batch, Graph
from warpgnn.torch import functional as WF

N, M, E = 9, 7, 25
generator = torch.Generator().manual_seed(0)
COLUMNS = torch.stack([torch.randint(0, N, (E,), generator=generator), torch.randint(0, M, (E,), generator=generator)])
GRAPH = Graph(COLUMNS, (N, M))
SQUARE = Graph(torch.randint(0, N, (2, E), generator=generator), N)
SCALES = {"source_scale": torch.rand(N, dtype=torch.float64), "destination_scale": torch.rand(M, dtype=torch.float64)}
BATCH = Batch(torch.tensor([0, 0, 0, 2, 2, 3, 3, 3, 3]), 5)
RELATION = torch.arange(E) % 4


def leaf(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def leaves(name: str) -> tuple[Callable, list[Tensor]]:
    """A function of TWICE or ONCE, and its arguments."""
    function, *shapes = {**TWICE, **ONCE}[name]
    return function, [leaf(*shape) for shape in shapes]


TWICE = {
    **{f"aggregate {reduce}": (lambda x, reduce=reduce: WF.aggregate(GRAPH, x, reduce=reduce), (N, 3))
       for reduce in ("sum", "mean", "max", "min")},
    **{f"weighted {reduce}": (lambda x, w, reduce=reduce: WF.aggregate(GRAPH, x, w, reduce=reduce, **SCALES),
                              (N, 3), (E,)) for reduce in ("sum", "mean")},
    "aggregate many dimensions": (lambda x: WF.aggregate(GRAPH, x), (N, 2, 2)),
    "aggregate numbers": (lambda x, w: WF.aggregate(GRAPH, x, w), (N,), (E,)),
    "weighted heads": (lambda x, w: WF.aggregate(GRAPH, x, w, reduce="mean"), (N, 2, 3), (E, 2)),
    "edge_dot heads": (lambda q, k: WF.edge_dot(GRAPH, q, k), (M, 2, 3), (N, 2, 3)),
    "edge_dot": (lambda q, k: WF.edge_dot(GRAPH, q, k), (M, 3), (N, 3)),
    **{f"message {message} {reduce}": (
        lambda x, e, message=message, reduce=reduce: WF.message_aggregate(GRAPH, x, e, message=message, reduce=reduce),
        (N, 3), (E, 3)) for message in ("add", "multiply", "relu_add") for reduce in ("sum", "mean", "max", "min")},
    **{f"message {message} of x": (
        lambda x, message=message: WF.message_aggregate(GRAPH, x, torch.ones(E, 3, dtype=x.dtype), message=message),
        (N, 3)) for message in ("add", "multiply", "relu_add")},
    **{f"message {message} of edges": (
        lambda e, message=message: WF.message_aggregate(GRAPH, torch.ones(N, 3, dtype=e.dtype), e, message=message),
        (E, 3)) for message in ("add", "multiply", "relu_add")},
    "message edge": (lambda e: WF.message_aggregate(GRAPH, None, e, message="edge", reduce="mean"), (E, 3)),
    "message edge max": (lambda e: WF.message_aggregate(GRAPH, None, e, message="edge", reduce="max"), (E, 3)),
    "edge_softmax": (lambda s: WF.edge_softmax(GRAPH, s), (E, 2)),
    "edge_softmax one head": (lambda s: WF.edge_softmax(GRAPH, s), (E,)),
    **{f"pool {reduce}": (lambda x, reduce=reduce: WF.pool(BATCH, x, reduce=reduce), (N, 3))
       for reduce in ("sum", "mean")},
}


def _attention(score: str, **options: bool) -> tuple:
    def run(query, key, value, edge_key, edge_value, edge_bias, vector):
        return WF.attention(GRAPH, query, key, value, score=score, edge_key=edge_key, edge_value=edge_value,
                            edge_bias=edge_bias, vector=None if score == "dot" else vector, scale=0.7, **options)

    return run, (M, 2, 3), (N, 2, 3), (N, 2, 4), (E, 2, 3), (E, 2, 4), (E, 2), (2, 3)


def _shared_attention(score: str) -> tuple:
    def run(query, key, edge_key, vector):
        return WF.attention(GRAPH, query, key, score=score, edge_key=edge_key, edge_value=edge_key,
                            vector=None if score == "dot" else vector)

    return run, (M, 2, 3), (N, 2, 3), (E, 2, 3), (2, 3)


def _pool(gate: Optional[str], reduce: str, shape: tuple) -> tuple:
    temperature = 0.7 if gate == "softmax" else 1.0
    return (lambda x, *score: WF.pool(BATCH, x, *score, gate=gate, reduce=reduce, temperature=temperature), shape,
            *([shape[:-1]] if gate else []))


ONCE = {
    "gat_attention": (lambda v, s, d, e: WF.gat_attention(GRAPH, v, s, d, e), (N, 2, 3), (N, 2), (M, 2), (E, 2)),
    "gat_attention weights": (lambda v, s, d, e: WF.gat_attention(GRAPH, v, s, d, e, return_weights=True),
                              (N, 2, 3), (N, 2), (M, 2), (E, 2)),
    "gat_layer": (lambda v, s, d, e: WF.gat_layer(SQUARE, v, s, d, e), (N, 2, 3), (2, 3), (2, 3), (E, 2)),
    **{f"attention {score}": _attention(score) for score in ("gatv2", "additive", "dot")},
    **{f"attention {score} weights": _attention(score, return_weights=True) for score in ("gatv2", "additive", "dot")},
    **{f"attention {score} shared": _shared_attention(score) for score in ("gatv2", "additive", "dot")},
    **{f"pool {gate} {reduce} {len(shape)}": _pool(gate, reduce, shape)
       for gate, reduce in ((None, "max"), ("softmax", "sum"), ("softmax", "mean"),
                            ("sigmoid", "sum"), ("sigmoid", "mean"), ("raw", "sum"), ("raw", "mean"))
       for shape in ((N, 3), (N, 2, 3)) if gate or len(shape) == 2},
    "relation_aggregate": (lambda x, c, w: WF.relation_aggregate(GRAPH, x, RELATION, c, w), (N, 3), (4, 2), (E,)),
    "gcn_norm": (lambda w: WF.gcn_norm(SQUARE, w.exp()), (E,)),
}
