# SPDX-License-Identifier: MIT
"""Starting values are distributed as PyG's, and state_dicts have PyG's keys and shapes."""

import math

import pytest
import torch
import warpgnn.torch.nn as ours_nn
from torch import Tensor
from torch.nn.parameter import is_lazy

from layers import EDGE, IN, LAYERS, OUT, RELATIONS, arguments, mlp

SEEDS = 40
# Of RGAT's, which only a `mod` reads: PyG leaves l2 as memory was, and resets neither.
PYG_FORGETS = {"w": 1, "l2": 1 / OUT}
MADE = {
    "gcn": lambda nn: nn.GCNConv(IN, OUT),
    "graph": lambda nn: nn.GraphConv((IN, 7), OUT),
    "gat": lambda nn: nn.GATConv((IN, 7), OUT, heads=3, edge_dim=EDGE, residual=True),
    "gatv2": lambda nn: nn.GATv2Conv((IN, 7), OUT, heads=3, edge_dim=EDGE, residual=True),
    "transformer": lambda nn: nn.TransformerConv((IN, 7), OUT, heads=3, edge_dim=EDGE, beta=True),
    "gin": lambda nn: nn.GINConv(mlp(), eps=0.5, train_eps=True),
    "gine": lambda nn: nn.GINEConv(mlp(), edge_dim=EDGE),
    "sage": lambda nn: nn.SAGEConv((IN, 7), OUT, aggr=["mean", "max"], project=True),
    "rgcn": lambda nn: nn.RGCNConv((IN, 7), OUT, RELATIONS),
    "rgcn bases": lambda nn: nn.RGCNConv(IN, OUT, RELATIONS, num_bases=3),
    "rgcn blocks": lambda nn: nn.FastRGCNConv(IN, OUT, RELATIONS, num_blocks=2),
    "rgat": lambda nn: nn.RGATConv(IN, OUT, RELATIONS, heads=3, edge_dim=EDGE),
    "rgat bases": lambda nn: nn.RGATConv(IN, OUT, RELATIONS, num_bases=3),
    "rgat blocks": lambda nn: nn.RGATConv(IN, OUT, RELATIONS, num_blocks=2),
    "attentional": lambda nn: nn.AttentionalAggregation(mlp(IN, 1), mlp()),
    "softmax": lambda nn: nn.SoftmaxAggregation(0.7, learn=True, channels=3),
    "set2set": lambda nn: nn.Set2Set(IN, 2, num_layers=2),
    "topk": lambda nn: nn.TopKPooling(IN),
    "sag": lambda nn: nn.SAGPooling(IN),
    "sag gat": lambda nn: nn.SAGPooling(IN, GNN=nn.GATConv, heads=1),
}


def samples(make, how: str) -> dict[str, Tensor]:
    """Many layers' parameters, by name."""
    layers = []
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        layer = make()
        if how == "reset":
            for parameter in layer.parameters():
                parameter.data.fill_(7)
            layer.reset_parameters()
        layers.append(layer)
    return {name: torch.cat([dict(layer.named_parameters())[name].detach().flatten() for layer in layers])
            for name, _ in layers[0].named_parameters()}


def same_distribution(ours: Tensor, theirs: Tensor, name: str) -> None:
    """Of uniform or constant values: mean and spread within six standard errors, extremes within what samples miss."""
    assert ours.shape == theirs.shape
    count, spread = theirs.numel(), theirs.std().item()
    reach = max(theirs.abs().max().item() - theirs.mean().abs().item(), 0) * 30 / count
    for what, function, tolerance in (("mean", Tensor.mean, 8.5 * spread / math.sqrt(count)),
                                      ("std", Tensor.std, 4 * spread / math.sqrt(count)),
                                      ("min", Tensor.min, reach), ("max", Tensor.max, reach)):
        actual, expected = function(ours).item(), function(theirs).item()
        assert abs(actual - expected) <= tolerance + 1e-6, f"{name}: {what} {actual:.4f}, PyG's {expected:.4f}"


@pytest.mark.parametrize("how", ["constructed", "reset"])
@pytest.mark.parametrize("name", MADE)
def test_starting_values(name: str, how: str, pyg) -> None:
    ours, theirs = samples(lambda: MADE[name](ours_nn), how), samples(lambda: MADE[name](pyg), how)
    assert ours.keys() == theirs.keys()
    for parameter in theirs:
        if parameter in PYG_FORGETS:
            assert (ours[parameter] == PYG_FORGETS[parameter]).all()
        else:
            same_distribution(ours[parameter], theirs[parameter], parameter)


@pytest.mark.parametrize("layer", [*LAYERS, *MADE], ids=lambda layer: layer if isinstance(layer, str) else layer.name)
def test_a_seed_starts_both_alike(layer, pyg) -> None:
    """To the bit, and leaves PyTorch's generator in the same state: at once, or when a lazy layer finds its widths."""
    make = MADE[layer] if isinstance(layer, str) else layer.make
    started = []
    for nn in (ours_nn, pyg):
        torch.manual_seed(3)
        made = make(nn)
        if any(map(is_lazy, made.parameters())):
            made(*arguments(layer, layer.edges(layer.graphs[0])))
        started.append(([(name, p) for name, p in made.named_parameters() if name not in PYG_FORGETS],
                        torch.get_rng_state()))
    (ours, our_state), (theirs, their_state) = started
    assert [name for name, _ in ours] == [name for name, _ in theirs]
    assert all(torch.equal(mine, other) for (_, mine), (_, other) in zip(ours, theirs))
    assert torch.equal(our_state, their_state)


def test_a_lazy_layer_starts_as_another() -> None:
    def lazy() -> torch.nn.Module:
        layer = ours_nn.GATv2Conv((-1, -1), OUT, heads=3, edge_dim=-1)
        layer((torch.randn(3, IN), torch.randn(3, 7)), torch.tensor([[0], [1]]), torch.randn(1, EDGE))
        return layer

    found = samples(lazy, "constructed")
    expected = samples(lambda: ours_nn.GATv2Conv((IN, 7), OUT, heads=3, edge_dim=EDGE), "constructed")
    for parameter in expected:
        same_distribution(found[parameter], expected[parameter], parameter)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_state_dicts(layer, pyg) -> None:
    ours, theirs = layer.make(ours_nn).state_dict(), layer.make(pyg).state_dict()
    assert list(ours) and set(ours) == set(theirs)
    for name, tensor in theirs.items():
        assert is_lazy(tensor) == is_lazy(ours[name])
        assert is_lazy(tensor) or tensor.shape == ours[name].shape
    layer.make(pyg).load_state_dict(ours)
