# SPDX-License-Identifier: MIT
"""Graphs: what they are made of, graphs made of them, and what is kept of edge indices."""

import copy
import gc
import io
import pickle
import weakref

import pytest
import torch
import warpgnn.torch.nn as ours_nn
from torch import Tensor
from torch.utils import _pytree
from warpgnn.torch import Batch, Graph
from warpgnn.torch import graph as graphs_module
from warpgnn.torch.graph import as_graph

from graphs import BIPARTITE, SQUARE, Edges, bipartite, square
from layers import IN, OUT

ALL = [pytest.param(square(name), id=name) for name in SQUARE] + [
    pytest.param(bipartite(name), id=f"pair {name}") for name in BIPARTITE]


def same_graph(first: Graph, second: Graph) -> None:
    assert torch.equal(first.edge_index, second.edge_index)
    assert all(map(torch.equal, first.all_parts, second.all_parts))


# --- What it is made of -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("edges", ALL)
def test_both_directions(edges: Edges) -> None:
    """Offsets, neighbours and edge ids of the in-edges and of the out-edges, each row's in the order of their ids."""
    graph = Graph(edges.edge_index, edges.sizes)
    assert (graph.num_sources, graph.num_destinations, graph.num_edges) == (*edges.sizes, edges.count)
    source, destination = edges.edge_index
    for (offsets, neighbours, ids), row, column, rows in (
            (graph.parts[0:3], destination, source, edges.destinations),
            (graph.parts[3:6], source, destination, edges.sources)):
        order = torch.argsort(row, stable=True)
        assert torch.equal(ids.long(), order)
        assert torch.equal(neighbours.long(), column[order])
        assert torch.equal(offsets.diff(), torch.bincount(row, minlength=rows))


def test_properties() -> None:
    edges = square("random")
    graph = Graph(edges.edge_index, 40)
    assert graph.num_nodes == 40 and graph.device == torch.device("cpu")
    assert torch.equal(graph.source, edges.edge_index[0]) and torch.equal(graph.destination, edges.edge_index[1])
    assert repr(graph) == f"Graph(num_nodes=40, num_edges={edges.count}, device=cpu)"
    pair = Graph(bipartite("wide").edge_index, (31, 12))
    assert "(31, 12)" in repr(pair)
    with pytest.raises(ValueError, match="num_nodes"):
        pair.num_nodes


def test_the_number_of_nodes_may_be_left_out() -> None:
    assert Graph(torch.tensor([[0, 6], [3, 1]])).num_nodes == 7
    assert Graph(torch.zeros(2, 0, dtype=torch.int64)).num_nodes == 0


@pytest.mark.parametrize("layout", ["coo", "csr", "csc"])
def test_from_adjacency(layout: str) -> None:
    """Rows are destinations; edges come by rows, duplicates of a COO matrix as one."""
    row, column = torch.tensor([[2, 0, 0, 1], [0, 3, 1, 1]])
    value = torch.tensor([1.0, 2.0, 3.0, 4.0])
    coo = torch.sparse_coo_tensor(torch.stack([row, column]), value, (3, 5))
    matrix = {"coo": coo, "csr": coo.to_sparse_csr(), "csc": coo.to_sparse_csc()}[layout]
    graph, values = Graph.from_adjacency(matrix)
    assert (graph.num_sources, graph.num_destinations) == (5, 3)
    found = sorted(zip(*graph.edge_index.tolist(), values.tolist()))
    assert found == sorted(zip(column.tolist(), row.tolist(), value.tolist()))


def test_duplicates_of_a_coo_matrix_are_added() -> None:
    matrix = torch.sparse_coo_tensor(torch.tensor([[0, 0], [1, 1]]), torch.tensor([1.0, 2.0]), (2, 2))
    graph, values = Graph.from_adjacency(matrix)
    assert graph.edge_index.tolist() == [[1], [0]] and values.tolist() == [3]


def test_from_pyg(pyg) -> None:
    data = pytest.importorskip("torch_geometric.data")
    edges = square("random")
    graph = Graph.from_pyg(data.Data(edge_index=edges.edge_index, num_nodes=40))
    same_graph(graph, Graph(edges.edge_index, 40))
    both = data.Batch.from_data_list([data.Data(edge_index=edges.edge_index, num_nodes=40) for _ in range(2)])
    assert Graph.from_pyg(both).num_nodes == 80
    matrix = torch.sparse_coo_tensor(edges.edge_index.flip(0), torch.ones(edges.count), (40, 40)).coalesce()
    assert Graph.from_pyg(data.Data(adj_t=matrix)).num_edges == matrix.values().shape[0]
    with pytest.raises(ValueError, match="data"):
        Graph.from_pyg(data.Data(x=torch.ones(2, 2)))


def test_an_edge_index_of_pyg(pyg) -> None:
    """That knows its order and its size, and loses it: as graph, in layers, and in what is kept."""
    made = pytest.importorskip("torch_geometric.edge_index").EdgeIndex
    edges = square("random")
    theirs = made(edges.edge_index, sparse_size=(40, 40))
    same_graph(Graph(theirs, 40), Graph(edges.edge_index, 40))
    assert as_graph(theirs, 40)[0] is as_graph(theirs, 40)[0]
    x, layer = torch.randn(40, IN), ours_nn.GATConv(IN, OUT)
    assert torch.equal(layer(x, theirs), layer(x, edges.edge_index))
    returned = layer(x, theirs, return_attention_weights=True)[1][0]
    assert type(returned) is Tensor


def test_int32() -> None:
    edges = square("random").edge_index
    for mine, other in zip(Graph(edges.int(), 40).parts, Graph(edges, 40).parts):
        assert torch.equal(mine, other)


# --- Graphs made of it ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("edges", ALL)
def test_reversed(edges: Edges) -> None:
    graph = Graph(edges.edge_index, edges.sizes)
    turned = graph.reversed()
    same_graph(turned, Graph(edges.edge_index.flip(0), (edges.destinations, edges.sources)))
    assert turned is graph.reversed()
    same_graph(turned.reversed(), graph)


@pytest.mark.parametrize("edges", ALL)
@pytest.mark.parametrize("fewer", [0, 3])
def test_self_loops(edges: Edges, fewer: int) -> None:
    graph = Graph(edges.edge_index, edges.sizes)
    count = max(min(edges.sizes) - fewer, 0)
    loops = graph.with_self_loops(count) if fewer else graph.with_self_loops()
    source, destination = edges.edge_index
    keep = (source != destination).nonzero().view(-1)
    assert torch.equal(keep, torch.arange(edges.count) if loops.kept is None else loops.kept)
    ring = torch.arange(count).expand(2, -1)
    same_graph(loops.graph, Graph(torch.cat([edges.edge_index[:, keep], ring], dim=1), edges.sizes))
    last = {node: edge for edge, (node, end) in enumerate(edges.edge_index.t().tolist()) if node == end}
    if loops.last_loop is None:
        assert not last
    else:
        assert dict(zip(*(part.tolist() for part in loops.last_loop))) == last
    again = graph.with_self_loops(count) if fewer else graph.with_self_loops()
    assert again.graph is loops.graph


def test_to() -> None:
    graph = Graph(square("hubs").edge_index, 24)
    assert graph.to("cpu") is graph and graph.to(torch.device("cpu")) is graph
    moved = graph.to("meta")
    assert moved.device.type == "meta" and moved.edge_index.is_meta
    assert (moved.num_nodes, moved.num_edges, len(moved.parts)) == (24, graph.num_edges, len(graph.parts))


def test_as_tensors() -> None:
    """As many for every graph, and back."""
    for name in SQUARE:
        graph = Graph(square(name).edge_index, square(name).sizes)
        tensors, form = _pytree.tree_flatten(graph)
        assert len(tensors) == 16
        same_graph(_pytree.tree_unflatten(tensors, form), graph)
    batch = Batch(torch.tensor([0, 0, 2]), 4)
    tensors, form = _pytree.tree_flatten(batch)
    assert torch.equal(_pytree.tree_unflatten(tensors, form).offsets, batch.offsets)


def copies(thing):
    """By pickle, by torch.save, and in memory."""
    yield pickle.loads(pickle.dumps(thing))
    file = io.BytesIO()
    torch.save(thing, file)
    file.seek(0)
    yield torch.load(file)
    yield copy.deepcopy(thing)
    yield copy.copy(thing)


def test_copies_of_graphs() -> None:
    """Also of one that has been used, with what is kept of it."""
    edges = square("hubs")
    graph = Graph(edges.edge_index, 24)
    x, edge_type = torch.randn(24, IN), torch.arange(edges.count) % 3
    layers = ours_nn.GATConv(IN, OUT), ours_nn.RGCNConv(IN, OUT, 3)
    expected = layers[0](x, graph), layers[1](x, graph, edge_type)
    for other in copies(graph):
        same_graph(other, graph)
        assert torch.equal(layers[0](x, other), expected[0])
        assert torch.equal(layers[1](x, other, edge_type), expected[1])


def test_a_pickle_is_no_way_round_the_checks() -> None:
    """Operators trust the parts of a graph, so that those of a file are not taken for granted."""
    make, (edge_index, sizes) = Graph(torch.tensor([[0, 1], [1, 0]]), 2).__reduce__()
    with pytest.raises(IndexError):
        make(edge_index + 5, sizes)


def test_copies_of_batches() -> None:
    batch = Batch(torch.tensor([0, 0, 2]), 4)
    for other in copies(batch):
        assert torch.equal(other.offsets, batch.offsets) and torch.equal(other.host_offsets, batch.host_offsets)


# --- What is kept of edge indices -------------------------------------------------------------------------------------


def test_one_tensor_has_one_graph() -> None:
    edges = square("random").edge_index.clone()
    graph = as_graph(edges, (40, 40))[0]
    assert as_graph(edges, (40, 40))[0] is graph
    assert as_graph(edges, (41, 41))[0] is not graph
    assert as_graph(edges.clone(), (40, 40))[0] is not graph
    turned = as_graph(edges, (40, 40), "target_to_source")[0]
    assert torch.equal(turned.edge_index, edges.flip(0))
    assert as_graph(edges, (40, 40))[0] is graph


@pytest.mark.parametrize("change", [
    lambda edges: edges[1].fill_(0),
    lambda edges: edges.index_fill_(1, torch.tensor([0]), 3),
    lambda edges: edges.resize_(2, 10),
    lambda edges: edges.set_(torch.zeros(2, 4, dtype=torch.int64)),
    lambda edges: setattr(edges, "data", torch.zeros(2, 4, dtype=torch.int64)),
])
def test_a_tensor_that_changes_has_a_new_graph(change) -> None:
    edges = square("random").edge_index.clone()
    layer, x = ours_nn.SAGEConv(IN, OUT), torch.randn(40, IN)
    before = as_graph(edges, (40, 40))[0]
    layer(x, edges)
    change(edges)
    after = as_graph(edges, (40, 40))[0]
    assert after is not before and torch.equal(after.edge_index, edges)
    assert torch.equal(layer(x, edges), layer(x, Graph(edges.clone(), 40)))


def test_a_tensor_of_inference_mode_is_not_kept() -> None:
    """It does not say when it changes."""
    with torch.inference_mode():
        edges = square("random").edge_index.clone()
        before = as_graph(edges, (40, 40))[0]
        edges.fill_(1)
        after = as_graph(edges, (40, 40))[0]
        assert after is not before and torch.equal(after.edge_index, edges)


def test_types_of_edges_that_change() -> None:
    edges = square("random").edge_index
    graph, x, layer = Graph(edges, 40), torch.randn(40, IN), ours_nn.RGCNConv(IN, OUT, 3)
    edge_type = torch.arange(edges.shape[1]) % 3
    layer(x, graph, edge_type)
    edge_type.fill_(1)
    assert torch.equal(layer(x, graph, edge_type), layer(x, edges, edge_type.clone()))


def test_what_is_kept_ends_with_its_tensor() -> None:
    gc.collect()
    edges = square("random").edge_index.clone()
    graph = weakref.ref(as_graph(edges, (40, 40))[0])
    kept = len(graphs_module._cache)
    assert graph() is not None
    del edges
    gc.collect()
    assert graph() is None
    assert len(graphs_module._cache) == kept - 1


def test_few_are_kept() -> None:
    tensors = [torch.tensor([[0], [k]]) for k in range(40)]
    made = [as_graph(edges, (40, 40))[0] for edges in tensors]
    assert len(graphs_module._cache) <= graphs_module._CACHED
    assert as_graph(tensors[-1], (40, 40))[0] is made[-1]
    assert as_graph(tensors[0], (40, 40))[0] is not made[0]


def test_a_graph_is_its_own() -> None:
    graph = Graph(square("random").edge_index, 40)
    assert as_graph(graph, None) == (graph, None)
    assert as_graph(graph, None, "target_to_source")[0] is graph.reversed()
