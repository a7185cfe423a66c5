# SPDX-License-Identifier: MIT
"""to_warpgnn: a PyG model computes after it what it did before, with the same parameters, and says what it kept."""

import copy
import io
import pickle
from typing import Any

import pytest
import torch
import warpgnn.torch.nn as ours_nn
from torch import Tensor
from torch.nn.parameter import is_lazy
from warpgnn.torch import to_warpgnn

from compare import close, differentiable, randomize, results_and_gradients, same_results
from graphs import shuffled_batch, square
from layers import EDGE, IN, LAYERS, OUT, RELATIONS, Layer, arguments, mlp

NODES = 40
POOLS = [
    Layer("attentional", lambda nn: nn.AttentionalAggregation(mlp(IN, 1), mlp()), "x batch"),
    Layer("softmax", lambda nn: nn.SoftmaxAggregation(2.0), "x batch"),
    Layer("softmax learnt", lambda nn: nn.SoftmaxAggregation(0.3, learn=True), "x batch"),
    Layer("set2set", lambda nn: nn.Set2Set(IN, 2, num_layers=2), "x batch"),
    Layer("topk", lambda nn: nn.TopKPooling(IN, 0.6, multiplier=2.0, nonlinearity="sigmoid"), "x edges"),
    Layer("topk threshold", lambda nn: nn.TopKPooling(IN, min_score=0.06), "x edges"),
    Layer("sag", lambda nn: nn.SAGPooling(IN), "x edges"),
    Layer("sag gin", lambda nn: nn.SAGPooling(IN, GNN=lambda *_: nn.GINConv(mlp(IN, 1), train_eps=True)), "x edges"),
    Layer("sag gat", lambda nn: nn.SAGPooling(IN, GNN=nn.GATConv, heads=1, residual=True), "x edges"),
]


class Holder(torch.nn.Module):
    """A model of one layer."""

    def __init__(self, layer: torch.nn.Module, call: dict) -> None:
        super().__init__()
        self.layer, self.call = layer, call

    def forward(self, *inputs: Any) -> Any:
        return self.layer(*inputs, **self.call)


def inputs_of(layer: Layer) -> tuple:
    if layer not in POOLS:
        return arguments(layer, layer.edges(layer.graphs[0]))
    x = torch.randn(NODES, IN, generator=torch.Generator().manual_seed(1))
    return x, shuffled_batch(NODES, 5) if "batch" in layer.inputs else square("random").edge_index


@pytest.mark.parametrize("layer", LAYERS + POOLS, ids=lambda layer: layer.name)
def test_layers(layer: Layer, pyg) -> None:
    model, inputs = Holder(layer.make(pyg), layer.call), inputs_of(layer)
    with torch.no_grad():
        model(*inputs)
    randomize(model)
    for buffer in model.buffers():
        buffer.fill_(0.75)
    model.double().eval()
    leaves = differentiable(inputs, torch.float64)
    expected = results_and_gradients(model, leaves, model.named_parameters())
    before, keys = dict(model.named_parameters()), list(model.state_dict())
    values = {name: parameter.clone() for name, parameter in before.items()}
    swaps = to_warpgnn(model)
    assert swaps.swapped == ["layer"] and not swaps.kept
    assert type(model.layer) is getattr(ours_nn, type(layer.make(pyg)).__name__)
    after = dict(model.named_parameters())
    assert list(model.state_dict()) == keys and not model.layer.training
    assert all(after[name] is before[name] and torch.equal(after[name], values[name]) for name in before)
    same_results(results_and_gradients(model, leaves, model.named_parameters()), expected, 1e-10)


@pytest.mark.parametrize("layer", LAYERS + POOLS, ids=lambda layer: layer.name)
def test_copies(layer: Layer) -> None:
    """In memory and by pickle, of layers of ours that have been used."""
    model, inputs = Holder(layer.make(ours_nn), layer.call), inputs_of(layer)
    expected = results_and_gradients(model, differentiable(inputs, torch.float32))
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        same_results(results_and_gradients(other, differentiable(inputs, torch.float32)), expected, 0)


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if "lazy" in layer.name], ids=lambda layer: layer.name)
def test_lazy_layers(layer: Layer, pyg) -> None:
    """Before their widths are known."""
    model, inputs = Holder(layer.make(pyg), layer.call), inputs_of(layer)
    before = dict(model.named_parameters())
    assert any(map(is_lazy, before.values()))
    assert to_warpgnn(model).swapped == ["layer"]
    loaded = pickle.loads(pickle.dumps(layer.make(ours_nn)))
    model(*inputs)
    assert all(parameter is before[name] and not is_lazy(parameter) for name, parameter in model.named_parameters())
    loaded.load_state_dict(model.layer.state_dict())
    close(loaded(*inputs), model(*inputs), 0, "output of a lazy layer that was loaded")


# --- Models -----------------------------------------------------------------------------------------------------------


class Block(torch.nn.Module):
    def __init__(self, pyg: Any, conv: torch.nn.Module) -> None:
        super().__init__()
        self.conv, self.norm = conv, pyg.BatchNorm(OUT)

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        return self.norm(self.conv(x, edges)).relu()


class Model(torch.nn.Module):
    """Layers in all kinds of places: in a block, in a list, under two names, beside what cannot be swapped."""

    def __init__(self, pyg: Any) -> None:
        super().__init__()
        self.first = Block(pyg, pyg.GATConv(IN, OUT, dropout=0.0))
        self.blocks = torch.nn.ModuleList([Block(pyg, pyg.SAGEConv(OUT, OUT)), Block(pyg, pyg.GINConv(mlp(OUT)))])
        self.shared = pyg.GCNConv(OUT, OUT)
        self.again = self.shared
        self.spectral = pyg.ChebConv(OUT, OUT, K=2)
        self.special = _subclass(pyg)(OUT, OUT)
        self.sequential = pyg.Sequential("x, edges", [(pyg.GATv2Conv(OUT, OUT), "x, edges -> x"), torch.nn.ReLU()])
        self.jump = pyg.JumpingKnowledge("cat")
        self.readout = torch.nn.ModuleDict({"pool": pyg.AttentionalAggregation(mlp(3 * OUT, 1))})

    def forward(self, x: Tensor, edges: Tensor, batch: Tensor) -> Tensor:
        found = [self.first(x, edges)]
        for block in self.blocks:
            found.append(block(found[-1], edges))
        last = self.again(self.shared(found[-1], edges).relu(), edges)
        found[-1] = self.sequential(self.special(self.spectral(last, edges), edges), edges)
        return self.readout["pool"](self.jump(found), batch)


def _subclass(pyg: Any) -> type:
    class Special(pyg.GATConv):
        def message(self, x_j: Tensor, alpha: Tensor) -> Tensor:
            return 2 * alpha.unsqueeze(-1) * x_j

    return Special


def data() -> tuple[Tensor, Tensor, Tensor]:
    return torch.randn(NODES, IN), square("random").edge_index, shuffled_batch(NODES, 5).sort().values


def test_a_model(pyg) -> None:
    model = Model(pyg).double()
    inputs = differentiable(data(), torch.float64)
    expected = results_and_gradients(model, inputs, model.named_parameters())
    before = dict(model.named_parameters())
    swaps = to_warpgnn(model)
    assert swaps.swapped == ["first.conv", "blocks.0.conv", "blocks.1.conv", "shared", "sequential.module_0",
                             "readout.pool"]
    assert set(swaps.kept) == {"spectral", "special"}
    assert "ChebConv" in swaps.kept["spectral"] and "GATConv" in swaps.kept["special"]
    assert "swapped 6" in str(swaps) and "kept spectral" in str(swaps)
    assert model.again is model.shared and isinstance(model.shared, ours_nn.GCNConv)
    after = dict(model.named_parameters())
    assert after.keys() == before.keys() and all(after[name] is before[name] for name in after)
    same_results(results_and_gradients(model, inputs, model.named_parameters()), expected, 1e-10)
    assert to_warpgnn(model).swapped == []


def test_an_optimiser_from_before_still_trains(pyg) -> None:
    torch.manual_seed(0)
    models = [Model(pyg)]
    models.append(copy.deepcopy(models[0]))
    optimisers = [torch.optim.Adam(model.parameters(), lr=0.01) for model in models]
    to_warpgnn(models[1])
    given = data()
    losses = [[], []]
    for _ in range(5):
        for model, optimiser, found in zip(models, optimisers, losses):
            optimiser.zero_grad()
            loss = model(*given).square().mean()
            loss.backward()
            optimiser.step()
            found.append(loss.item())
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
    assert losses[1][-1] < losses[1][0]


def test_checkpoints_both_ways(pyg) -> None:
    theirs, swapped = Model(pyg), Model(pyg)
    to_warpgnn(swapped)
    given = data()
    for seed, (source, target) in enumerate(((theirs, swapped), (swapped, theirs))):
        randomize(source, seed)
        file = io.BytesIO()
        torch.save(source.state_dict(), file)
        file.seek(0)
        assert not any(target.load_state_dict(torch.load(file), strict=True))
        close(target.eval()(*given), source.eval()(*given), 1e-5, "output")


@pytest.mark.parametrize("name, options", [
    ("GCN", {}), ("GCN", {"jk": "lstm"}), ("GAT", {"heads": 2, "edge_dim": EDGE}), ("GAT", {"v2": True, "jk": "max"}),
    ("GraphSAGE", {"norm": "layer", "project": True}), ("GIN", {"jk": "cat", "train_eps": True})], ids=str)
def test_models_of_pyg(name: str, options: dict, pyg) -> None:
    model = getattr(pyg, name)(IN, OUT, num_layers=3, out_channels=4, **options).double()
    x, edges, _ = data()
    keywords = {"edge_attr": torch.randn(edges.shape[1], EDGE).double()} if "edge_dim" in options else {}
    inputs = differentiable((x,), torch.float64)
    expected = results_and_gradients(lambda x: model(x, edges, **keywords), inputs, model.named_parameters())
    swaps = to_warpgnn(model)
    assert len(swaps.swapped) == 3 and not swaps.kept
    same_results(results_and_gradients(lambda x: model(x, edges, **keywords), inputs, model.named_parameters()),
                 expected, 1e-10)


def test_layers_of_a_heterogeneous_model(pyg) -> None:
    model = pyg.HeteroConv({("a", "to", "b"): pyg.SAGEConv((IN, 7), OUT), ("b", "of", "a"): pyg.GATConv(
        (7, IN), OUT, add_self_loops=False)}).double()
    x = {"a": torch.randn(6, IN).double(), "b": torch.randn(4, 7).double()}
    edges = {("a", "to", "b"): torch.tensor([[0, 5, 2], [3, 3, 0]]), ("b", "of", "a"): torch.tensor([[0, 3], [5, 1]])}
    expected = model(x, edges)
    assert len(to_warpgnn(model).swapped) == 2
    for kind, y in model(x, edges).items():
        close(y, expected[kind], 1e-10, kind)


# --- What is kept -----------------------------------------------------------------------------------------------------

KEPT = {
    "another reduction": (lambda nn: nn.SAGEConv(IN, OUT, aggr="lstm"), "aggr"),
    "a product of edge features": (lambda nn: nn.GATConv(IN, OUT, edge_dim=2, fill_value="mul"), "fill_value"),
    "multiplicative attention": (lambda nn: nn.RGATConv(IN, OUT, RELATIONS, attention_mode=(
        "multiplicative-self-attention")), "attention_mode"),
    "modulated attention": (lambda nn: nn.RGATConv(IN, OUT, RELATIONS, mod="scaled"), "mod"),
    "half a gradient": (lambda nn: nn.SoftmaxAggregation(semi_grad=True), "semi_grad"),
    "an MLP of batches": (lambda nn: nn.AttentionalAggregation(nn.MLP([IN, 1])), "MLP"),
    "a pool by another layer": (lambda nn: nn.SAGPooling(IN, GNN=nn.LEConv), "LEConv"),
    "an aggregation": (lambda nn: nn.MedianAggregation(), "MedianAggregation"),
    "decomposed": (lambda nn: nn.GCNConv(IN, OUT, decomposed_layers=2), "decomposed_layers"),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_is_kept(name: str, pyg) -> None:
    make, reason = KEPT[name]
    layer = make(pyg)
    model = torch.nn.Sequential(layer)
    swaps = to_warpgnn(model)
    assert model[0] is layer and swaps.swapped == []
    assert list(swaps.kept) == ["0"] and reason in swaps.kept["0"]


def test_layers_with_hooks_are_kept(pyg) -> None:
    model, seen = torch.nn.Sequential(pyg.GCNConv(IN, OUT)), []
    model[0].register_forward_hook(lambda *_: seen.append(1))
    assert "hook" in to_warpgnn(model).kept["0"]
    propagated = torch.nn.Sequential(pyg.GCNConv(IN, OUT))
    propagated[0].register_propagate_forward_hook(lambda *_: None)
    assert "hook" in to_warpgnn(propagated).kept["0"]


def test_an_aggregation_inside_a_layer_that_is_kept(pyg) -> None:
    """Stays too: it is the layer's own."""
    model = torch.nn.ModuleList([pyg.GENConv(IN, OUT, aggr="softmax", learn_t=True)])
    x, edges, _ = data()
    expected = model[0](x, edges)
    swaps = to_warpgnn(model)
    assert list(swaps.kept) == ["0"]
    close(model[0](x, edges), expected, 0, "output")


def test_a_layer_itself(pyg) -> None:
    with pytest.raises(ValueError, match="model"):
        to_warpgnn(pyg.GCNConv(IN, OUT))


def test_a_model_without_layers() -> None:
    swaps = to_warpgnn(torch.nn.Sequential(torch.nn.Linear(2, 2)))
    assert swaps.swapped == [] and swaps.kept == {} and "none" in str(swaps)
