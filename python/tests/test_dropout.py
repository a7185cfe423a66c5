# SPDX-License-Identifier: MIT
"""Dropout of attention's weights: one mask forward and backward, PyTorch's seed, the rate."""

import math

import pytest
import torch
import warpgnn.torch.nn as ours_nn
from torch import Tensor
from torch.utils.checkpoint import checkpoint
from warpgnn.torch import Graph
from warpgnn.torch import functional as WF

from compare import close, differentiable, results_and_gradients, same_results
from graphs import bipartite, square
from layers import IN, OUT, RELATIONS

P = 0.4


def weighted_sum(edges, alpha: Tensor, value: Tensor) -> Tensor:
    """Sum over the in-edges of alpha_e value_e, in PyTorch."""
    zeros = alpha.new_zeros(edges.destinations, *value.shape[1:])
    return zeros.index_add(0, edges.edge_index[1], alpha.unsqueeze(-1) * value)


def softmax(edges, score: Tensor) -> Tensor:
    """Over the in-edges, in PyTorch, of scores that are not large."""
    total = score.new_zeros(edges.destinations, score.shape[1]).index_add(0, edges.edge_index[1], score.exp())
    return score.exp() / total[edges.edge_index[1]]


def factor(dropped: Tensor, alpha: Tensor) -> Tensor:
    """What dropout multiplied the weights with."""
    found = dropped / alpha
    kept = found > 0.5
    close(found, kept.double() / (1 - P), 1e-8, "factor")
    assert kept.any() and not kept.all()
    return kept.double() / (1 - P)


@pytest.mark.parametrize("graph", ["random", "hubs"])
def test_gat_attention(graph: str) -> None:
    edges = square(graph)
    source, destination = edges.edge_index
    made = Graph(edges.edge_index, edges.sizes)
    inputs = differentiable((torch.randn(edges.sources, 2, 3), torch.randn(edges.sources, 2),
                             torch.randn(edges.sources, 2), torch.randn(edges.count, 2)), torch.float64)

    def run(*arguments: Tensor) -> Tensor:
        torch.manual_seed(3)
        return WF.gat_attention(made, *arguments, dropout=P)

    def reference(value: Tensor, of_source: Tensor, of_destination: Tensor, of_edge: Tensor) -> Tensor:
        score = torch.nn.functional.leaky_relu(of_source[source] + of_destination[destination] + of_edge, 0.2)
        alpha = softmax(edges, score)
        torch.manual_seed(3)
        dropped = WF.gat_attention(made, *inputs, dropout=P, return_weights=True)[1].detach()
        return weighted_sum(edges, alpha * factor(dropped, alpha.detach()), value[source])

    same_results(results_and_gradients(run, inputs), results_and_gradients(reference, inputs), 1e-10)


@pytest.mark.parametrize("graph", ["wide", "hub"])
@pytest.mark.parametrize("grad", [True, False])
def test_dot_attention(graph: str, grad: bool) -> None:
    """With weights that are asked for where a gradient may be, and where none may."""
    edges = bipartite(graph)
    source, destination = edges.edge_index
    made = Graph(edges.edge_index, edges.sizes)
    inputs = differentiable((torch.randn(edges.destinations, 2, 3), torch.randn(edges.sources, 2, 3),
                             torch.randn(edges.sources, 2, 4), torch.randn(edges.count, 2, 4)), torch.float64)

    def run(query: Tensor, key: Tensor, value: Tensor, edge_value: Tensor) -> Tensor:
        torch.manual_seed(3)
        return WF.attention(made, query, key, value, edge_value=edge_value, dropout=P, scale=0.3)

    def reference(query: Tensor, key: Tensor, value: Tensor, edge_value: Tensor) -> Tensor:
        alpha = softmax(edges, 0.3 * (query[destination] * key[source]).sum(-1))
        torch.manual_seed(3)
        with torch.set_grad_enabled(grad):
            dropped = WF.attention(made, query, key, value, dropout=P, scale=0.3, return_weights=True)[1].detach()
        return weighted_sum(edges, alpha * factor(dropped, alpha.detach()), value[source] + edge_value)

    same_results(results_and_gradients(run, inputs), results_and_gradients(reference, inputs), 1e-10)


@pytest.mark.parametrize("name", ["GATConv", "GATv2Conv", "AdditiveAttentionConv"])
def test_a_layer_returns_the_weights_of_its_result(name: str) -> None:
    edges, x = square("random"), torch.randn(40, IN)
    layer = getattr(ours_nn, name)(IN, OUT, heads=2, dropout=P)
    torch.manual_seed(3)
    y = layer(x, edges.edge_index)
    torch.manual_seed(3)
    again, (looped, alpha) = layer(x, edges.edge_index, return_attention_weights=True)
    value = (layer.lin if name == "GATConv" else layer.lin_l)(x).view(-1, 2, OUT)
    expected = weighted_sum(edges._replace(edge_index=looped), alpha, value[looped[0]]).flatten(1) + layer.bias
    close(y, again, 1e-6, "output")
    close(y, expected, 1e-5, "output by its weights")
    assert (alpha == 0).any()


LAYERS = [
    pytest.param(lambda p: ours_nn.GATConv(IN, OUT, dropout=p, add_self_loops=False), id="gat"),
    pytest.param(lambda p: ours_nn.GATv2Conv(IN, OUT, dropout=p, add_self_loops=False), id="gatv2"),
    pytest.param(lambda p: ours_nn.AdditiveAttentionConv(IN, OUT, dropout=p, add_self_loops=False), id="additive"),
    pytest.param(lambda p: ours_nn.TransformerConv(IN, OUT, dropout=p, root_weight=False), id="transformer"),
    pytest.param(lambda p: ours_nn.RGATConv(IN, OUT, RELATIONS, dropout=p), id="rgat"),
    pytest.param(lambda p: ours_nn.RGATConv(IN, OUT, RELATIONS, dropout=p, attention_mechanism="within-relation"),
                 id="rgat within"),
]


def call(layer: torch.nn.Module, x: Tensor, edge_index: Tensor) -> Tensor:
    if isinstance(layer, ours_nn.RGATConv):
        return layer(x, edge_index, torch.arange(edge_index.shape[1]) % RELATIONS)
    return layer(x, edge_index)


@pytest.mark.parametrize("make", LAYERS)
def test_the_seed_is_pytorchs(make) -> None:
    edges, x, layer = square("random").edge_index, torch.randn(40, IN), make(P)

    def run(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return torch.stack([call(layer, x, edges), call(layer, x, edges)])

    first = run(1)
    assert torch.equal(first, run(1))
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first, run(2))
    layer.eval()
    assert torch.equal(call(layer, x, edges), call(make_like(layer, make, 0.0), x, edges))


def make_like(layer: torch.nn.Module, make, dropout: float) -> torch.nn.Module:
    made = make(dropout)
    made.load_state_dict(layer.state_dict())
    return made


@pytest.mark.parametrize("make", LAYERS)
def test_the_rate(make) -> None:
    """In a ring every weight is 1, and what is left of a node's row is none of it or 1 / (1 - p) of it."""
    nodes = 5000
    ring = torch.stack([torch.arange(nodes), (torch.arange(nodes) + 1) % nodes])
    x, layer = torch.randn(nodes, IN), make(P)
    whole = call(make_like(layer, make, 0.0), x, ring)
    ratio = (call(layer, x, ring) / whole)[:, 0]
    kept = ratio > 0.5
    close(ratio, kept.float() / (1 - P), 1e-4, "ratio")
    assert abs(kept.float().mean().item() - (1 - P)) < 5 * math.sqrt(P * (1 - P) / nodes)


@pytest.mark.parametrize("make", LAYERS)
def test_all_dropped(make) -> None:
    edges, x = square("random").edge_index, torch.randn(40, IN, requires_grad=True)
    layer = make(1.0)
    y = call(layer, x, edges)
    bias = getattr(layer, "bias", None)
    assert torch.equal(y, torch.zeros_like(y) if bias is None else bias.expand_as(y))
    y.sum().backward()
    assert x.grad is None or not x.grad.any()


@pytest.mark.parametrize("probability", [-0.1, 1.5, math.nan])
def test_probabilities(probability: float) -> None:
    edges = square("random")
    with pytest.raises(ValueError, match="dropout"):
        WF.gat_layer(Graph(edges.edge_index, 40), torch.randn(40, 2, 3), torch.randn(2, 3), torch.randn(2, 3),
                     dropout=probability)


@pytest.mark.parametrize("make", LAYERS)
def test_checkpointing_repeats_the_mask(make) -> None:
    edges, x, layer = square("random").edge_index, torch.randn(40, IN), make(P)

    def gradients(run) -> dict[str, Tensor]:
        torch.manual_seed(3)
        return results_and_gradients(run, differentiable((x,), torch.float32), layer.named_parameters())

    expected = gradients(lambda x: call(layer, x, edges))
    found = gradients(lambda x: checkpoint(call, layer, x, edges, use_reentrant=False))
    same_results(found, expected, 0)
