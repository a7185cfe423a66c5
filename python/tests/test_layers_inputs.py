# SPDX-License-Identifier: MIT
"""What layers take beside a plain edge_index, beside PyG's on the same weights where PyG takes it too."""

import pytest
import torch
import warpgnn.torch.nn as ours_nn
from torch import Tensor
from warpgnn.torch import Graph

from compare import TOLERANCE, close, differentiable, randomize, results_and_gradients, same_results
from graphs import Edges, square
from layers import EDGE, IN, LAYERS, OUT, RELATIONS, Layer, arguments, mlp


def compared(make, call, pyg, **skipped: str) -> None:
    """A layer and PyG's, called as `call(layer, dtype)` says: a function and the tensors that it hangs on."""
    theirs = make(pyg)
    with torch.no_grad():
        function, inputs = call(theirs, torch.float32)
        function(*inputs)
    randomize(theirs)
    theirs = theirs.double()
    function, inputs = call(theirs, torch.float64)
    expected = results_and_gradients(function, differentiable(inputs, torch.float64), theirs.named_parameters())
    for dtype, tolerance in TOLERANCE.items():
        ours = make(ours_nn)
        ours.load_state_dict(theirs.state_dict())
        function, inputs = call(ours.to(dtype), dtype)
        found = results_and_gradients(function, differentiable(inputs, dtype), ours.named_parameters())
        same_results(found, expected, tolerance)


# --- Sparse matrices --------------------------------------------------------------------------------------------------


def sorted_edges(loops: bool = False) -> Tensor:
    """Columns and rows of a matrix: each pair once, by rows."""
    column, row = square("random").edge_index
    keep = torch.ones_like(row, dtype=torch.bool) if loops else row != column
    return torch.unique(torch.stack([row, column])[:, keep], dim=1).flip(0).contiguous()


def matrix(edges: Tensor, values: Tensor, layout: torch.layout, nodes: int = 40) -> Tensor:
    """Rows are destinations, as of PyG's adj_t."""
    size = (nodes, nodes, *values.shape[1:])
    coo = torch.sparse_coo_tensor(edges.flip(0), values, size, is_coalesced=True)
    return coo if layout == torch.sparse_coo else coo.to_sparse_csr()


WEIGHED = [
    pytest.param(lambda nn: nn.GCNConv(IN, OUT), id="gcn"),
    pytest.param(lambda nn: nn.GCNConv(IN, OUT, normalize=False), id="gcn no norm"),
    pytest.param(lambda nn: nn.GraphConv(IN, OUT), id="graph"),
]
UNWEIGHED = [
    pytest.param(lambda nn: nn.SAGEConv(IN, OUT), id="sage"),
    pytest.param(lambda nn: nn.GINConv(mlp()), id="gin"),
    pytest.param(lambda nn: nn.GATConv(IN, OUT, heads=2), id="gat"),
    pytest.param(lambda nn: nn.GATConv(IN, OUT, heads=2, edge_dim=1, add_self_loops=False), id="gat scalar"),
    pytest.param(lambda nn: nn.GATv2Conv(IN, OUT, heads=2), id="gatv2"),
    pytest.param(lambda nn: nn.TransformerConv(IN, OUT, heads=2), id="transformer"),
]
LAYOUTS = [pytest.param(torch.sparse_coo, id="coo"), pytest.param(torch.sparse_csr, id="csr")]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("make", WEIGHED)
def test_values_of_a_sparse_matrix_are_weights(make, layout: torch.layout, pyg) -> None:
    edges = sorted_edges()
    x, weight = torch.randn(40, IN), torch.rand(edges.shape[1]) + 0.25

    def call(layer, dtype):
        adjacency = matrix(edges, weight.to(dtype), layout)
        return (lambda x: layer(x, adjacency)), (x,)

    compared(make, call, pyg)


def test_weights_get_gradients_through_a_sparse_matrix(pyg) -> None:
    edges = sorted_edges()
    x, weight = torch.randn(40, IN), torch.rand(edges.shape[1]) + 0.25
    compared(lambda nn: nn.GraphConv(IN, OUT), lambda layer, dtype: (
        lambda x, weight: layer(x, torch.sparse_coo_tensor(edges.flip(0), weight, (40, 40)).coalesce()),
        (x, weight)), pyg)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("make", UNWEIGHED)
def test_sparse_matrices_of_ones(make, layout: torch.layout, pyg) -> None:
    edges = sorted_edges()
    x = torch.randn(40, IN)
    compared(make, lambda layer, dtype: (
        lambda x: layer(x, matrix(edges, torch.ones(edges.shape[1], dtype=dtype), layout)), (x,)), pyg)


@pytest.mark.parametrize("make", [
    pytest.param(lambda nn: nn.GATConv(IN, OUT, heads=2, edge_dim=EDGE, add_self_loops=False), id="gat"),
    pytest.param(lambda nn: nn.GATv2Conv(IN, OUT, heads=2, edge_dim=EDGE, add_self_loops=False), id="gatv2"),
    pytest.param(lambda nn: nn.TransformerConv(IN, OUT, edge_dim=EDGE), id="transformer"),
    pytest.param(lambda nn: nn.GINEConv(mlp(), edge_dim=EDGE), id="gine"),
])
def test_rows_of_a_sparse_matrix_are_edge_features(make, pyg) -> None:
    edges = sorted_edges(loops=True)
    x, features = torch.randn(40, IN), torch.randn(edges.shape[1], EDGE)
    compared(make, lambda layer, dtype: (
        lambda x: layer(x, matrix(edges, features.to(dtype), torch.sparse_coo)), (x,)), pyg)


def test_integers_of_a_sparse_matrix_are_relations(pyg) -> None:
    edges = sorted_edges(loops=True)
    x, relations = torch.randn(40, IN), torch.randint(0, RELATIONS, (edges.shape[1],))
    adjacency = matrix(edges, relations, torch.sparse_coo)
    compared(lambda nn: nn.FastRGCNConv(IN, OUT, RELATIONS),
             lambda layer, dtype: ((lambda x: layer(x, adjacency)), (x,)), pyg)


def test_gcn_counts_the_diagonal_of_a_sparse_matrix_as_loops() -> None:
    """PyG adds 1 to such a diagonal, though not to loops of an edge_index: ours takes both alike."""
    edges = sorted_edges(loops=True)
    layer, x, weight = ours_nn.GCNConv(IN, OUT), torch.randn(40, IN), torch.rand(edges.shape[1])
    assert (edges[0] == edges[1]).any()
    close(layer(x, matrix(edges, weight, torch.sparse_csr)), layer(x, edges, weight), 1e-6, "output")


# --- Graphs and other edge indices ------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_a_graph_is_as_good_as_an_edge_index(layer: Layer) -> None:
    edges = layer.edges(layer.graphs[0])
    inputs = arguments(layer, edges)
    graph = Graph(edges.edge_index, edges.sizes)
    module = layer.make(ours_nn)
    expected = module(*inputs, **layer.call)
    place = layer.inputs.split().index("edges")
    for other in (graph, edges.edge_index.int(), edges.edge_index.t().contiguous().t()):
        found = module(*inputs[:place], other, *inputs[place + 1:], **layer.call)
        for actual, wanted in zip(torch.utils._pytree.tree_leaves(found), torch.utils._pytree.tree_leaves(expected)):
            assert torch.equal(actual, wanted)


@pytest.mark.parametrize("make", [
    pytest.param(lambda nn, flow: nn.SAGEConv(IN, OUT, flow=flow), id="sage"),
    pytest.param(lambda nn, flow: nn.GraphConv(IN, OUT, flow=flow), id="graph"),
    pytest.param(lambda nn, flow: nn.GATConv((IN, IN), OUT, heads=2, flow=flow), id="gat"),
    pytest.param(lambda nn, flow: nn.GATv2Conv((IN, IN), OUT, heads=2, flow=flow), id="gatv2"),
    pytest.param(lambda nn, flow: nn.TransformerConv((IN, IN), OUT, heads=2, flow=flow), id="transformer"),
])
@pytest.mark.parametrize("flow", ["source_to_target", "target_to_source"])
def test_pairs_either_way_round(make, flow: str, pyg) -> None:
    edges = square("random").edge_index
    pair = torch.randn(40, IN), torch.randn(40, IN)
    compared(lambda nn: make(nn, flow), lambda layer, dtype: ((lambda *x: layer(x, edges)), pair), pyg)


@pytest.mark.parametrize("make", [
    pytest.param(lambda nn: nn.GCNConv(IN, OUT), id="gcn"),
    pytest.param(lambda nn: nn.GCNConv(IN, 2 * IN), id="gcn widens"),
    pytest.param(lambda nn: nn.GraphConv(IN, OUT), id="graph"),
    pytest.param(lambda nn: nn.GraphConv(IN, OUT, aggr="max"), id="graph max"),
    pytest.param(lambda nn: nn.SAGEConv(IN, OUT, aggr=["mean", "max"], project=True, normalize=True), id="sage"),
    pytest.param(lambda nn: nn.GINConv(mlp(), train_eps=True), id="gin"),
])
@pytest.mark.parametrize("graph", ["random", "no_edges"])
def test_many_features_on_one_graph(make, graph: str, pyg) -> None:
    """x [B, N, F]."""
    edges = square(graph)
    x = torch.randn(3, edges.sources, IN)
    compared(make, lambda layer, dtype: ((lambda x: layer(x, edges.edge_index)), (x,)), pyg)


@pytest.mark.parametrize("name", ["RGCNConv", "FastRGCNConv"])
@pytest.mark.parametrize("bases", [None, 2])
@pytest.mark.parametrize("ids", ["none", "ids", "pair"])
def test_relational_layers_of_node_ids(name: str, bases, ids: str, pyg) -> None:
    edges = square("random").edge_index
    edge_type = torch.randint(0, RELATIONS, (edges.shape[1],))
    x = {"none": None, "ids": torch.arange(40), "pair": (None, torch.arange(40))}[ids]
    compared(lambda nn: getattr(nn, name)(40, OUT, RELATIONS, num_bases=bases),
             lambda layer, dtype: ((lambda: layer(x, edges, edge_type)), ()), pyg)


# --- GCN's weights ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"improved": True}, {"flow": "target_to_source"}], ids=str)
def test_gcn_with_weights(options: dict, pyg) -> None:
    """Of several loops of a node the last counts. PyG gives the gradient of its weight to all of them; the others have
    no part in the result, and ours gives them none."""
    edges = square("random").edge_index
    x, weight = torch.randn(40, IN), torch.rand(edges.shape[1]) + 0.25
    loops = (edges[0] == edges[1]).nonzero().view(-1)
    last = torch.stack([loops[edges[0, loops] == node].max() for node in edges[0, loops].unique()])
    overwritten = loops[~torch.isin(loops, last)]
    assert overwritten.numel() > 0
    theirs = pyg.GCNConv(IN, OUT, **options)
    ours = ours_nn.GCNConv(IN, OUT, **options)
    randomize(theirs)
    ours.load_state_dict(theirs.state_dict())
    found, expected = (
        results_and_gradients(lambda x, weight: layer.double()(x, edges, weight),
                              differentiable((x, weight), torch.float64), layer.named_parameters())
        for layer in (ours, theirs))
    assert found["gradient of argument 1"][overwritten].abs().max() == 0
    expected["gradient of argument 1"][overwritten] = 0
    same_results(found, expected, 1e-10)


def test_gcn_with_negative_degrees_gives_zero_where_pyg_gives_nan(pyg) -> None:
    edges, weight = torch.tensor([[0, 1], [1, 0]]), torch.tensor([-3.0, 1.0])
    x = torch.randn(2, IN)
    ours = ours_nn.GCNConv(IN, OUT, add_self_loops=False, bias=False)
    assert pyg.GCNConv(IN, OUT, add_self_loops=False)(x, edges, weight).isnan().all()
    assert torch.equal(ours(x, edges, weight), torch.zeros(2, OUT))


def test_gcn_keeps_its_graph_if_told_to() -> None:
    edges = square("random")
    x, layer = torch.randn(40, IN), ours_nn.GCNConv(IN, OUT, cached=True)
    first = layer(x, edges.edge_index)
    assert torch.equal(layer(x, torch.zeros(2, 0, dtype=torch.int64)), first)
    layer.reset_parameters()
    layer(x[:5], torch.zeros(2, 3, dtype=torch.int64))


# --- Layers of ours alone ---------------------------------------------------------------------------------------------


def additive_attention(layer: torch.nn.Module, x: Tensor, edges: Edges, edge_attr: Tensor) -> Tensor:
    """Edge by edge, in PyTorch."""
    source, destination = edges.edge_index
    heads = layer.heads, layer.out_channels
    key, query = layer.lin_l(x).view(-1, *heads), layer.lin_r(x).view(-1, *heads)
    hidden = torch.tanh(key[source] + query[destination] + layer.lin_edge(edge_attr).view(-1, *heads))
    score = (hidden * layer.att).sum(-1).exp()
    total = score.new_zeros(edges.destinations, heads[0]).index_add(0, destination, score)
    alpha = (score / total[destination]).unsqueeze(-1)
    y = x.new_zeros(edges.destinations, *heads).index_add(0, destination, alpha * key[source])
    return y.flatten(1) + layer.bias


@pytest.mark.parametrize("graph", ["random", "hubs", "no_edges"])
def test_additive_attention(graph: str) -> None:
    edges = square(graph)
    x, edge_attr = torch.randn(edges.sources, IN), torch.randn(edges.count, EDGE)
    layer = ours_nn.AdditiveAttentionConv(IN, OUT, heads=2, edge_dim=EDGE, add_self_loops=False).double()
    randomize(layer)
    inputs = differentiable((x, edge_attr), torch.float64)
    found = results_and_gradients(lambda x, e: layer(x, edges.edge_index, e), inputs, layer.named_parameters())
    expected = results_and_gradients(lambda x, e: additive_attention(layer, x, edges, e), inputs,
                                     layer.named_parameters())
    same_results(found, expected, 1e-10)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_training_after_inference(layer: Layer) -> None:
    """What is kept of a graph was made for whoever uses it next, not only for whoever came first."""
    inputs = arguments(layer, layer.edges(layer.graphs[0]))
    module = layer.make(ours_nn)
    with torch.inference_mode():
        module(*inputs, **layer.call)
    module = layer.make(ours_nn)
    leaves = torch.utils._pytree.tree_leaves(module(*inputs, **layer.call))
    leaves[0].sum().backward()
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in module.parameters())


# --- What PyG's own tests asked for -----------------------------------------------------------------------------------


def test_layers_print_as_pyg_does(pyg) -> None:
    network = torch.nn.Linear(4, 1)
    makes = {
        "GATConv": lambda nn: nn.GATConv(8, 32, heads=2),
        "GATv2Conv": lambda nn: nn.GATv2Conv((8, 16), 32),
        "TransformerConv": lambda nn: nn.TransformerConv(8, 32, heads=2),
        "GCNConv": lambda nn: nn.GCNConv(16, 32),
        "GraphConv": lambda nn: nn.GraphConv((8, 16), 32),
        "SAGEConv": lambda nn: nn.SAGEConv(8, 32, aggr="max"),
        "GINConv": lambda nn: nn.GINConv(network, train_eps=True),
        "GINEConv": lambda nn: nn.GINEConv(network),
        "RGCNConv": lambda nn: nn.RGCNConv(4, 32, 8),
        "TopKPooling": lambda nn: nn.TopKPooling(16, ratio=3),
        "TopKPooling by score": lambda nn: nn.TopKPooling(16, min_score=0.2, multiplier=2),
        "SAGPooling": lambda nn: nn.SAGPooling(16),
        "AttentionalAggregation": lambda nn: nn.AttentionalAggregation(network),
        "Set2Set": lambda nn: nn.Set2Set(2, 3),
        "SoftmaxAggregation": lambda nn: nn.SoftmaxAggregation(learn=True),
    }
    for name, make in makes.items():
        assert str(make(ours_nn)) == str(make(pyg)), name


def test_an_edge_index_states_how_many_nodes_there_are(pyg) -> None:
    from torch_geometric import EdgeIndex

    edge_index = torch.tensor([[0, 1, 2, 3], [0, 0, 1, 1]])
    stated = EdgeIndex(edge_index, sort_order="col", sparse_size=(4, 3))
    x = torch.randn(4, 8)
    layer = ours_nn.GraphConv((8, 16), 5)
    close(layer((x, None), stated), layer((x, None), edge_index, size=(4, 3)), 1e-6, "y")


@pytest.mark.parametrize("name", ("GCNConv", "GATConv", "SAGEConv"))
def test_a_sparse_x_is_refused_by_name(name: str) -> None:
    layer = getattr(ours_nn, name)(8, 5)
    with pytest.raises(ValueError, match=f"{name}: x: expected a dense tensor"):
        layer(torch.eye(8).to_sparse(), torch.tensor([[0], [1]]))
