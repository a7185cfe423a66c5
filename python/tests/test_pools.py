# SPDX-License-Identifier: MIT
"""Pools from nodes to graphs, and pools that leave a smaller graph, beside PyG's."""

import pytest
import torch
import warpgnn.torch.nn as ours_nn
from torch import Tensor
from warpgnn.torch import Batch, Graph

from compare import HUB_TOLERANCE, TOLERANCE, differentiable, randomize, results_and_gradients, same_results
from graphs import shuffled_batch, square
from layers import EDGE, IN, OUT, mlp

NODES, GRAPHS = 40, 6
BATCHES = {
    "sorted": (torch.tensor([0] * 3 + [2] * 20 + [3] + [4] * 16), None),
    "empty graphs at the end": (torch.tensor([0] * 3 + [1] * 36 + [4]), 9),
    "shuffled": (shuffled_batch(NODES, GRAPHS), GRAPHS),
    "none": (None, None),
}


def compared(ours, theirs, call, inputs: tuple, tolerances: dict = TOLERANCE) -> None:
    """call(layer, *inputs) of both, the parameters of PyG's in ours."""
    if isinstance(theirs, torch.nn.Module):
        randomize(theirs)
        theirs = theirs.double()
        ours.load_state_dict(theirs.state_dict())

    def found(layer, dtype: torch.dtype) -> dict[str, Tensor]:
        is_module = isinstance(layer, torch.nn.Module)
        layer = layer.to(dtype) if is_module else layer
        return results_and_gradients(lambda *a: call(layer, *a), differentiable(inputs, dtype),
                                     layer.named_parameters() if is_module else ())

    expected = found(theirs, torch.float64)
    for dtype, tolerance in tolerances.items():
        same_results(found(ours, dtype), expected, tolerance)


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("name", ["global_add_pool", "global_mean_pool", "global_max_pool"])
@pytest.mark.parametrize("shape", [(NODES,), (NODES, 5), (3, NODES, 5)], ids=str)
def test_global_pools(name: str, batch: str, shape: tuple, pyg) -> None:
    index, size = BATCHES[batch]
    compared(getattr(ours_nn, name), getattr(pyg, name), lambda pool, x: pool(x, index, size), (torch.randn(shape),))


@pytest.mark.parametrize("name", ["global_add_pool", "global_mean_pool", "global_max_pool"])
def test_pools_of_nothing(name: str, pyg) -> None:
    x, batch = torch.randn(0, 5), torch.zeros(0, dtype=torch.int64)
    compared(getattr(ours_nn, name), getattr(pyg, name), lambda pool, x: pool(x, batch, 3), (x,))


@pytest.mark.parametrize("name", ["global_add_pool", "global_mean_pool", "global_max_pool"])
def test_a_batch_made_once(name: str) -> None:
    index, x = BATCHES["sorted"][0], torch.randn(NODES, 5)
    pool = getattr(ours_nn, name)
    expected = pool(x, index)
    offsets = torch.tensor([0, 3, 3, 23, 24, 40])
    for batch in (Batch(index), Batch(index.int()), Batch.from_offsets(offsets)):
        assert batch.num_graphs == 5
        assert torch.equal(pool(x, batch), expected)


def test_a_hub_of_nodes(pyg) -> None:
    batch = torch.cat([torch.zeros(2000, dtype=torch.int64), torch.arange(1, 50)])
    compared(ours_nn.AttentionalAggregation(mlp(IN, 1)), pyg.AttentionalAggregation(mlp(IN, 1)),
             lambda pool, x: pool(x, batch), (torch.randn(2049, IN),))


def test_ties_go_to_the_first_node_where_pyg_shares_them(pyg) -> None:
    x, batch = torch.ones(4, 1), torch.tensor([0, 0, 0, 1])
    gradients = []
    for nn in (ours_nn, pyg):
        leaf = x.clone().requires_grad_()
        nn.global_max_pool(leaf, batch).sum().backward()
        gradients.append(leaf.grad.flatten().tolist())
    assert gradients[0] == [1, 0, 0, 1]
    assert gradients[1] == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1])


AGGREGATIONS = {
    "attentional": lambda nn: nn.AttentionalAggregation(mlp(IN, 1)),
    "attentional values": lambda nn: nn.AttentionalAggregation(mlp(IN, 1), mlp()),
    "attentional features": lambda nn: nn.AttentionalAggregation(mlp(), mlp()),
    "softmax": lambda nn: nn.SoftmaxAggregation(),
    "softmax cold": lambda nn: nn.SoftmaxAggregation(t=2.5),
    "softmax learnt": lambda nn: nn.SoftmaxAggregation(t=0.3, learn=True),
    "softmax channels": lambda nn: nn.SoftmaxAggregation(t=0.3, learn=True, channels=IN),
    "set2set": lambda nn: nn.Set2Set(IN, 3),
    "set2set deep": lambda nn: nn.Set2Set(IN, 2, num_layers=2),
}


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("name", AGGREGATIONS)
def test_aggregations(name: str, batch: str, pyg) -> None:
    index, size = BATCHES[batch]
    make = AGGREGATIONS[name]
    compared(make(ours_nn), make(pyg), lambda layer, x: layer(x, index, dim_size=size), (torch.randn(NODES, IN),))


@pytest.mark.parametrize("name", ["attentional", "attentional features", "softmax learnt"])
def test_aggregations_by_offsets(name: str, pyg) -> None:
    ptr = torch.tensor([0, 0, 7, 30, 30, NODES])
    make = AGGREGATIONS[name]
    compared(make(ours_nn), make(pyg), lambda layer, x: layer(x, ptr=ptr), (torch.randn(NODES, IN),))


@pytest.mark.parametrize("name", AGGREGATIONS)
def test_aggregations_as_a_message_passing_layer_calls_them(name: str) -> None:
    index, size = BATCHES["shuffled"]
    x, layer = torch.randn(NODES, IN), AGGREGATIONS[name](ours_nn)
    assert torch.equal(layer(x, index, ptr=None, dim_size=size, dim=-2), layer(x, index, dim_size=size))
    with pytest.raises(ValueError, match="dim"):
        layer(x, index, dim=1)


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("gate", ["softmax", "sigmoid"])
@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_attention_pool(gate: str, reduce: str, batch: str) -> None:
    index, size = BATCHES[batch]
    temperature = 0.7 if gate == "softmax" else 1.0
    layer = ours_nn.AttentionPool(IN, 5, gate=gate, reduce=reduce, temperature=temperature).double()
    owner = torch.zeros(NODES, dtype=torch.int64) if index is None else index
    graphs = int(owner.max()) + 1 if size is None else size

    def reference(x: Tensor) -> tuple[Tensor, Tensor]:
        score = layer.lin2(torch.tanh(layer.lin1(x))).squeeze(1)
        if gate == "sigmoid":
            weight = score.sigmoid()
        else:
            weight = (score / temperature).exp()
            weight = weight / weight.new_zeros(graphs).index_add(0, owner, weight)[owner]
        y = x.new_zeros(graphs, IN).index_add(0, owner, weight.unsqueeze(1) * x)
        count = torch.bincount(owner, minlength=graphs).clamp(min=1).unsqueeze(1)
        return y / count if reduce == "mean" else y, weight.detach()

    inputs = differentiable((torch.randn(NODES, IN),), torch.float64)
    found = results_and_gradients(lambda x: layer(x, index, size, return_attention_weights=True), inputs,
                                  layer.named_parameters())
    same_results(found, results_and_gradients(reference, inputs, layer.named_parameters()), 1e-10)


# --- Pools that leave a smaller graph ---------------------------------------------------------------------------------

SELECTIONS = {
    "topk": lambda nn: nn.TopKPooling(IN),
    "topk few": lambda nn: nn.TopKPooling(IN, ratio=0.3, multiplier=2.0),
    "topk number": lambda nn: nn.TopKPooling(IN, ratio=4, nonlinearity="sigmoid"),
    "topk function": lambda nn: nn.TopKPooling(IN, nonlinearity=torch.nn.functional.softsign),
    "topk elu": lambda nn: nn.TopKPooling(IN, nonlinearity="elu"),
    "topk threshold": lambda nn: nn.TopKPooling(IN, min_score=0.06, ratio=None, multiplier=1.5),
    "sag": lambda nn: nn.SAGPooling(IN),
    "sag threshold": lambda nn: nn.SAGPooling(IN, min_score=0.05),
    "sag gat": lambda nn: nn.SAGPooling(IN, ratio=0.6, GNN=nn.GATConv, heads=1),
    "sag gcn": lambda nn: nn.SAGPooling(IN, GNN=nn.GCNConv),
}


@pytest.mark.parametrize("batch", ["sorted", "shuffled", "none"])
@pytest.mark.parametrize("name", SELECTIONS)
@pytest.mark.parametrize("features", [True, False])
def test_selections(name: str, batch: str, features: bool, pyg) -> None:
    edges = square("random")
    index, _ = BATCHES[batch]
    edge_attr = torch.randn(edges.count, EDGE) if features else None
    make = SELECTIONS[name]
    # The gradient of SAG's only weight w in w / |w| is 0, by terms that cancel.
    tolerances = HUB_TOLERANCE if name.startswith("sag") else TOLERANCE
    compared(make(ours_nn), make(pyg), lambda layer, x, e: layer(x, edges.edge_index, e, index),
             (torch.randn(NODES, IN), edge_attr), tolerances)


@pytest.mark.parametrize("name", ["topk", "sag"])
@pytest.mark.parametrize("width", [IN, 1])
def test_selections_by_other_features(name: str, width: int, pyg) -> None:
    edges = square("random").edge_index
    attn = torch.randn(NODES, width) if width > 1 else torch.randn(NODES)
    kind = "TopKPooling" if name == "topk" else "SAGPooling"
    compared(getattr(ours_nn, kind)(width), getattr(pyg, kind)(width),
             lambda layer, x, attn: layer(x, edges, attn=attn), (torch.randn(NODES, OUT), attn))


def test_a_graph_in_an_edge_indexs_place() -> None:
    edges, x = square("random").edge_index, torch.randn(NODES, IN)
    for layer in (ours_nn.TopKPooling(IN), ours_nn.SAGPooling(IN)):
        for found, expected in zip(layer(x, Graph(edges, NODES)), layer(x, edges)):
            assert found is expected is None or torch.equal(found, expected)


@pytest.mark.parametrize("ratio, kept", [(0.3, 16), (0.5, 25), (0.999, 50), (7, 7), (70, 50)])
def test_how_many_nodes_are_kept(ratio, kept: int) -> None:
    """ceil(ratio n) in the score's dtype, as in PyG: of 50 nodes float32 keeps ceil(15.000001)."""
    layer = ours_nn.TopKPooling(IN, ratio=ratio)
    y, edges, *_, place, score = layer(torch.randn(50, IN), torch.zeros(2, 0, dtype=torch.int64))
    assert y.shape[0] == place.shape[0] == score.shape[0] == kept
    assert bool((score[1:] <= score[:-1]).all())


def test_selection_of_nothing() -> None:
    layer = ours_nn.TopKPooling(IN)
    y, edges, edge_attr, batch, place, score = layer(torch.randn(0, IN), torch.zeros(2, 0, dtype=torch.int64))
    assert y.shape == (0, IN) and edges.shape == (2, 0) and edge_attr is None and batch.shape == place.shape == (0,)
