# SPDX-License-Identifier: MIT
"""What functions compute, beside the same written with PyTorch edge by edge."""

import math
from typing import Optional

import pytest
import torch
from torch import Tensor
from warpgnn.torch import Batch, Graph
from warpgnn.torch import functional as WF

from compare import close
from graphs import BIPARTITE, Edges, bipartite, square

H, C, F = 2, 3, 5
REDUCTIONS = {"sum": "sum", "mean": "mean", "max": "amax", "min": "amin"}


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def reduced(edges: Edges, messages: Tensor, reduce: str) -> Tensor:
    """Of [E, ...] at the destinations; 0 where nothing arrives."""
    index = edges.edge_index[1].view(-1, *[1] * (messages.dim() - 1)).expand_as(messages)
    zeros = messages.new_zeros(edges.destinations, *messages.shape[1:])
    return zeros.scatter_reduce(0, index, messages, REDUCTIONS[reduce], include_self=False)


def softmax(edges: Edges, score: Tensor) -> Tensor:
    """Over the in-edges of every node; 0 where all scores are -inf."""
    highest = reduced(edges, score, "max").clamp(min=-1e300)[edges.edge_index[1]]
    weight = (score - highest).exp()
    return weight / reduced(edges, weight, "sum")[edges.edge_index[1]].clamp(min=1e-300)


@pytest.fixture(params=BIPARTITE)
def edges(request) -> Edges:
    return bipartite(request.param)


@pytest.fixture
def graph(edges: Edges) -> Graph:
    return Graph(edges.edge_index, edges.sizes)


@pytest.mark.parametrize("reduce", REDUCTIONS)
@pytest.mark.parametrize("shape", [(), (F,), (2, F)], ids=str)
def test_aggregate(edges: Edges, graph: Graph, reduce: str, shape: tuple) -> None:
    x = random(edges.sources, *shape)
    close(WF.aggregate(graph, x, reduce=reduce), reduced(edges, x[edges.edge_index[0]], reduce), 1e-12, "y")


@pytest.mark.parametrize("reduce", ["sum", "mean"])
@pytest.mark.parametrize("heads", [False, True])
def test_aggregate_with_weights_and_scales(edges: Edges, graph: Graph, reduce: str, heads: bool) -> None:
    x, weight = random(edges.sources, H, F), random(edges.count, *([H] if heads else []))
    s, t = random(edges.sources), random(edges.destinations)
    found = WF.aggregate(graph, x, weight, reduce=reduce, source_scale=s, destination_scale=t)
    messages = weight.view(edges.count, H if heads else 1, 1) * (s.view(-1, 1, 1) * x)[edges.edge_index[0]]
    close(found, t.view(-1, 1, 1) * reduced(edges, messages, reduce), 1e-12, "y")


@pytest.mark.parametrize("heads", [(), (H,)], ids=str)
def test_edge_dot(edges: Edges, graph: Graph, heads: tuple) -> None:
    query, key = random(edges.destinations, *heads, F), random(edges.sources, *heads, F)
    expected = (query[edges.edge_index[1]] * key[edges.edge_index[0]]).sum(-1)
    close(WF.edge_dot(graph, query, key), expected, 1e-12, "scores")


@pytest.mark.parametrize("reduce", REDUCTIONS)
@pytest.mark.parametrize("message", ["add", "multiply", "relu_add", "edge"])
def test_message_aggregate(edges: Edges, graph: Graph, message: str, reduce: str) -> None:
    x, edge = random(edges.sources, F), random(edges.count, F)
    rows = x[edges.edge_index[0]]
    messages = {"add": rows + edge, "multiply": rows * edge, "relu_add": (rows + edge).relu(), "edge": edge}[message]
    found = WF.message_aggregate(graph, None if message == "edge" else x, edge, message=message, reduce=reduce)
    close(found, reduced(edges, messages, reduce), 1e-12, "y")


def test_gcn_norm() -> None:
    edges = square("hubs")
    weight = torch.rand(edges.count, dtype=torch.float64) + 0.1
    scale = reduced(edges, weight, "sum").pow(-0.5)
    scale[scale.isinf()] = 0
    graph, (source, destination) = Graph(edges.edge_index, edges.sizes), edges.edge_index
    close(WF.gcn_norm(graph, weight), scale[source] * weight * scale[destination], 1e-12, "norm")
    close(WF.gcn_scale(graph, weight, weight), scale, 1e-12, "scale")
    counts = torch.bincount(destination, minlength=edges.destinations).double()
    close(WF.gcn_scale(graph, weight), torch.where(counts > 0, counts.clamp(min=1).pow(-0.5), 0), 1e-12, "scale")


def masked(score: Tensor) -> Tensor:
    """Some edges masked, and all of some nodes."""
    return score.masked_fill(torch.arange(score.shape[0]).view(-1, 1) % 3 == 0, -math.inf)


@pytest.mark.parametrize("mask", [False, True])
def test_edge_softmax(edges: Edges, graph: Graph, mask: bool) -> None:
    score = masked(random(edges.count, H)) if mask else 30 * random(edges.count, H)
    close(WF.edge_softmax(graph, score), softmax(edges, score), 1e-12, "weights")
    close(WF.edge_softmax(graph, score[:, 0]), softmax(edges, score)[:, 0], 1e-12, "weights of one head")


@pytest.mark.parametrize("grad", [False, True])
def test_gat_attention(edges: Edges, graph: Graph, grad: bool) -> None:
    """Weights that are asked for come another way where a gradient may be asked of them."""
    source, destination = edges.edge_index
    value, of_edge = random(edges.sources, H, C), random(edges.count, H)
    of_source, of_destination = random(edges.sources, H).requires_grad_(grad), random(edges.destinations, H)
    score = torch.nn.functional.leaky_relu(of_source[source] + of_destination[destination] + of_edge, 0.3)
    alpha = softmax(edges, score)
    y, weight = WF.gat_attention(graph, value, of_source, of_destination, of_edge, negative_slope=0.3,
                                 return_weights=True)
    assert weight.requires_grad == grad
    close(weight, alpha, 1e-12, "weights")
    close(y, reduced(edges, alpha.unsqueeze(-1) * value[source], "sum"), 1e-12, "y")


def test_gat_layer() -> None:
    edges = square("hubs")
    graph, value = Graph(edges.edge_index, edges.sizes), random(edges.sources, H, C)
    vectors = random(H, C), random(H, C)
    scores = [(value * vector).sum(-1) for vector in vectors]
    close(WF.gat_layer(graph, value, *vectors), WF.gat_attention(graph, value, *scores), 1e-12, "y")


@pytest.mark.parametrize("score", ["gatv2", "additive", "dot"])
@pytest.mark.parametrize("given", ["all", "shared", "none", "mask"])
@pytest.mark.parametrize("grad", [False, True])
def test_attention(edges: Edges, graph: Graph, score: str, given: str, grad: bool) -> None:
    source, destination = edges.edge_index
    query, key = random(edges.destinations, H, C).requires_grad_(grad), random(edges.sources, H, C)
    edge_key: Optional[Tensor] = random(edges.count, H, C) if given in ("all", "shared") else None
    edge_value = edge_key if given == "shared" else random(edges.count, H, 4) if given == "all" else None
    value = random(edges.sources, H, 4) if given == "all" else None
    bias = masked(random(edges.count, H)) if given == "mask" else None
    vector = None if score == "dot" else random(H, C)
    keys = key[source] if edge_key is None else key[source] + edge_key
    hidden = query[destination] + keys
    logits = {"gatv2": lambda: (torch.nn.functional.leaky_relu(hidden, 0.2) * vector).sum(-1),
              "additive": lambda: (hidden.tanh() * vector).sum(-1),
              "dot": lambda: 0.7 * (query[destination] * keys).sum(-1)}[score]()
    alpha = softmax(edges, logits if bias is None else logits + bias)
    rows = (key if value is None else value)[source]
    messages = alpha.unsqueeze(-1) * (rows if edge_value is None else rows + edge_value)
    y, weight = WF.attention(graph, query, key, value, score=score, vector=vector, edge_key=edge_key,
                             edge_value=edge_value, edge_bias=bias, scale=0.7 if score == "dot" else 1.0,
                             return_weights=True)
    close(weight, alpha, 1e-12, "weights")
    close(y, reduced(edges, messages, "sum"), 1e-12, "y")


@pytest.mark.parametrize("norm", [None, "per_relation", "all_edges"])
def test_relation_weights(edges: Edges, graph: Graph, norm: Optional[str]) -> None:
    relation = torch.arange(edges.count) * 7 % 4
    row = edges.edge_index[1] * 4 + relation if norm == "per_relation" else edges.edge_index[1]
    count = torch.bincount(row, minlength=4 * edges.destinations)[row].double()
    expected = torch.ones_like(count) if norm is None else 1 / count
    close(WF.relation_weights(graph, relation, 4, random(1), norm), expected, 1e-12, "weights")


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32], ids=str)
def test_relation_aggregate(edges: Edges, graph: Graph, dtype: torch.dtype) -> None:
    """Edges whose relation is none of them are left out."""
    relation = (torch.arange(edges.count) % 6 - 1).to(dtype)
    x, coefficient, weight = random(edges.sources, F), random(4, 2), random(edges.count)
    known = (relation >= 0) & (relation < 4)
    factor = coefficient[relation.clamp(0, 3).long()] * (weight * known).unsqueeze(1)
    expected = reduced(edges, factor.unsqueeze(-1) * x[edges.edge_index[0]].unsqueeze(1), "sum")
    close(WF.relation_aggregate(graph, x, relation, coefficient, weight), expected, 1e-12, "y")


@pytest.mark.parametrize("heads", [(), (H,)], ids=str)
@pytest.mark.parametrize("gate", [None, "softmax", "sigmoid", "raw"])
@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_pool(reduce: str, gate: Optional[str], heads: tuple) -> None:
    owner = torch.tensor([0] * 3 + [2] * 700 + [3])
    nodes = Edges(torch.stack([torch.arange(704), owner]), 704, 5)
    x, score = random(704, *heads, F), random(704, *heads)
    if gate is None and heads:
        x = x.flatten(1)
    temperature = 0.6 if gate == "softmax" else 1.0
    weight = {None: lambda: torch.ones_like(score), "raw": lambda: score, "sigmoid": score.sigmoid,
              "softmax": lambda: softmax(nodes, score.view(704, -1) / temperature).view_as(score)}[gate]()
    expected = reduced(nodes, x if gate is None else weight.unsqueeze(-1) * x, reduce)
    found = WF.pool(Batch(owner, 5), x, None if gate is None else score, reduce=reduce, gate=gate,
                    temperature=temperature, return_weights=gate is not None)
    if gate is not None:
        found, kept = found
        close(kept, weight, 1e-12, "weights")
    close(found, expected, 1e-12, "y")
