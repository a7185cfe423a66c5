# SPDX-License-Identifier: MIT
"""torch.compile(fullgraph=True, dynamic=True): equal to eager, forward and backward, in one graph."""

from typing import Any

import pytest
import torch
import warpgnn.torch.nn as ours_nn
from torch import Tensor
from torch._dynamo.utils import counters
from warpgnn.torch import Batch, Graph

from compare import differentiable, results_and_gradients, same_results
from graphs import shuffled_batch
from layers import EDGE, IN, LAYERS, OUT, RELATIONS, Layer, arguments, mlp


@pytest.fixture(autouse=True)
def fresh() -> None:
    torch._dynamo.reset()
    counters.clear()


def compiled(function: Any, backend: str = "aot_eager") -> Any:
    """aot_eager traces, and runs fakes, gradients and functionalisation, without a minute of generating code."""
    return torch.compile(function, fullgraph=True, dynamic=True, backend=backend)


class TwoLayers(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = ours_nn.GATConv(IN, OUT, heads=2), ours_nn.GATConv(2 * OUT, 4)

    def forward(self, x: Tensor, adjacency: Any) -> Tensor:
        return self.second(self.first(x, adjacency).relu(), adjacency).square().mean()


def graph_of(nodes: int, edges: int, kind: str) -> tuple[Tensor, Any]:
    edge_index = torch.randint(0, nodes, (2, edges))
    return torch.randn(nodes, IN), Graph(edge_index, nodes) if kind == "graph" else edge_index


@pytest.mark.parametrize("kind", ["graph", "edge_index"])
def test_training_step(kind: str) -> None:
    model = TwoLayers()
    run = compiled(model, "inductor")
    graphs_compiled = []
    for nodes, edges in ((50, 300), (70, 400), (31, 90)):
        x, adjacency = graph_of(nodes, edges, kind)
        expected = results_and_gradients(lambda x: model(x, adjacency), differentiable((x,), torch.float32),
                                         model.named_parameters())
        x, adjacency = x, Graph(adjacency.edge_index, nodes) if kind == "graph" else adjacency
        found = results_and_gradients(lambda x: run(x, adjacency), differentiable((x,), torch.float32),
                                      model.named_parameters())
        same_results(found, expected, 1e-5)
        graphs_compiled.append(counters["stats"]["unique_graphs"])
    assert not counters["graph_break"]
    assert graphs_compiled == [1, 1, 1]


def test_a_graph_that_stays() -> None:
    """What the first step keeps of it lets the second be compiled once more, and no other."""
    model = TwoLayers()
    run = compiled(model, "eager")
    x, graph = graph_of(50, 300, "graph")
    results = [run(x, graph).item() for _ in range(3)]
    assert results == [model(x, graph).item()] * 3
    assert counters["stats"]["unique_graphs"] <= 2


def test_dropout() -> None:
    """With PyTorch's own random numbers the masks are eager's."""
    model = ours_nn.GATConv(IN, OUT, heads=2, dropout=0.4)
    x, edges = graph_of(50, 300, "edge_index")

    def gradients(run: Any) -> dict[str, Tensor]:
        torch.manual_seed(4)
        return results_and_gradients(lambda x: run(x, edges), differentiable((x,), torch.float32),
                                     model.named_parameters())

    same_results(gradients(compiled(model)), gradients(model), 1e-6)


CASES = {layer.name: layer for layer in LAYERS} | {
    "additive": Layer("additive", lambda nn: nn.AdditiveAttentionConv(IN, OUT, heads=2, edge_dim=EDGE),
                      "x edges edge_attr"),
    "gcn weights": Layer("gcn weights", lambda nn: nn.GCNConv(IN, OUT), "x edges edge_weight"),
    "RGCNConv ids": Layer("RGCNConv ids", lambda nn: nn.RGCNConv(40, OUT, RELATIONS), "ids edges edge_type"),
}
COMPILED = ("gcn weights", "graph max weights", "gin learnt", "gine projected", "sage list", "gat edges",
            "gat pair no loops", "gatv2 edges weights", "additive", "transformer edges weights", "RGCNConv blocks",
            "RGCNConv ids", "FastRGCNConv bases", "rgat edges")


def test_every_kind_of_layer_is_compiled() -> None:
    kinds = {type(CASES[name].make(ours_nn)).__name__ for name in COMPILED}
    assert kinds == {name for name in ours_nn.__all__ if name.endswith("Conv")}


@pytest.mark.parametrize("kind, name", [*(("edge_index", name) for name in COMPILED), *(("graph", name) for name in (
    "gcn weights", "gat edges", "RGCNConv blocks", "rgat within"))])
def test_layers(kind: str, name: str) -> None:
    layer = CASES[name]
    edges = layer.edges(layer.graphs[0])
    given = list(arguments(layer, edges))
    module = layer.make(ours_nn)

    def run(function: Any) -> dict[str, Tensor]:
        if kind == "graph":
            given[layer.inputs.split().index("edges")] = Graph(edges.edge_index, edges.sizes)
        return results_and_gradients(lambda *a: function(*a, **layer.call), differentiable(given, torch.float32),
                                     module.named_parameters())

    same_results(run(compiled(module)), run(module), 1e-6)
    assert not counters["graph_break"]


def test_one_compilation_for_graphs_with_long_rows_and_one_without() -> None:
    """Whose tables are among the tensors of a graph, or not."""
    model = TwoLayers()
    run = compiled(model, "eager")
    for hub in (0, 1, 0, 2):
        x, edges = graph_of(40 + hub, 200, "edge_index")
        edges = torch.cat([edges, torch.zeros(2, 600 * hub, dtype=torch.int64)], dim=1)
        graph = Graph(edges, x.shape[0])
        assert run(x, graph).item() == pytest.approx(model(x, graph).item(), rel=1e-5)
    assert counters["stats"]["unique_graphs"] <= 4  # with and without tables, fresh or used before


# --- Pools ------------------------------------------------------------------------------------------------------------

POOLS = {
    "add": lambda: ours_nn.global_add_pool,
    "mean": lambda: ours_nn.global_mean_pool,
    "max": lambda: ours_nn.global_max_pool,
    "attentional": lambda: ours_nn.AttentionalAggregation(mlp(IN, 1), mlp()),
    "softmax": lambda: ours_nn.SoftmaxAggregation(learn=True),
    "attention": lambda: ours_nn.AttentionPool(IN, 4),
}


@pytest.mark.parametrize("name, kind", [*((name, "batch") for name in POOLS), ("max", "sorted"), ("add", "shuffled"),
                                        ("attentional", "shuffled")])
def test_pools(name: str, kind: str) -> None:
    """With a Batch, or with how many graphs there are; else the result's size hangs on the data."""
    pool, x = POOLS[name](), torch.randn(40, IN)
    index = shuffled_batch(40, 6)
    index = index if kind == "shuffled" else index.sort().values
    batch = Batch(index, 6) if kind == "batch" else index
    sized = "dim_size" if name in ("attentional", "softmax") else "size"

    def call(x: Tensor, batch: Any) -> Tensor:
        return pool(x, batch) if kind == "batch" else pool(x, batch, **{sized: 6})

    parameters = list(pool.named_parameters()) if isinstance(pool, torch.nn.Module) else []
    expected, found = (results_and_gradients(lambda x: function(x, batch), differentiable((x,), torch.float32),
                                             parameters) for function in (call, compiled(call)))
    same_results(found, expected, 1e-6)


@pytest.mark.parametrize("name", ["TopKPooling", "SAGPooling"])
def test_pools_whose_size_hangs_on_the_data(name: str) -> None:
    layer = getattr(ours_nn, name)(IN)
    x, edges = graph_of(30, 100, "edge_index")
    expected, found = (results_and_gradients(lambda x: function(x, edges), differentiable((x,), torch.float32),
                                             layer.named_parameters()) for function in (layer, compiled(layer)))
    same_results(found, expected, 1e-6)


def test_set2set_may_break_the_graph() -> None:
    """Not every PyTorch compiles its LSTM in one graph; around it the pool is right where breaks are allowed."""
    pool, x, batch = ours_nn.Set2Set(IN, 2), torch.randn(40, IN), Batch(shuffled_batch(40, 6).sort().values, 6)
    loose = torch.compile(pool, backend="aot_eager", dynamic=True)
    expected, found = (results_and_gradients(lambda x: function(x, batch), differentiable((x,), torch.float32),
                                             pool.named_parameters()) for function in (pool, loose))
    same_results(found, expected, 1e-6)
