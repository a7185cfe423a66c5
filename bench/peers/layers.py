# SPDX-License-Identifier: MIT
"""What is measured beside our ops. Each peer computes what one of ours does, and no more: projections are left out by
putting the given features in their place. What remains on top is said with the peer."""

import copy
import importlib
import sys
import unittest.mock

import torch

HEAD_SHAPES = ((8, 32), (4, 32))
WIDTHS = (128, 64, 256, 16)
DTYPES = (torch.float32, torch.bfloat16)
LAYER_INPUTS = 128
PYG = "torch_geometric.nn"
OURS = "warpgnn.torch.nn"  # for PyTorch


class Subject:
    """A peer with its inputs: `forward` computes the result, whose gradients go to `leaves`."""

    def __init__(self, forward, leaves):
        self.forward, self.leaves = forward, leaves
        self._grad = None

    def run(self):
        with torch.no_grad():
            return self.forward()

    def run_both(self):
        out = self.forward()
        if self._grad is None:
            self._grad = torch.randn_like(out)
        for leaf in self.leaves:
            leaf.grad = None
        out.backward(self._grad)


class Given(torch.nn.Module):
    """Stands where a layer projects its input, and returns features of its own."""

    def __init__(self, features):
        super().__init__()
        self.features = torch.nn.Parameter(features)

    def forward(self, _):
        return self.features


def features(graph, width, dtype, seed):
    generator = torch.Generator(graph.device).manual_seed(seed)
    return torch.randn(graph.nodes, width, generator=generator, device=graph.device).to(dtype)


def leaf(graph, width, dtype, seed):
    return features(graph, width, dtype, seed).requires_grad_()


def _layer(graph, layer, parts, dtype):
    """A layer of PyTorch Geometric with `parts` in place of its projections."""
    layer = layer.to(graph.device, dtype)
    for name, part in parts.items():
        setattr(layer, name, part)
    return layer


def torch_spmm(graph, width, dtype):
    offsets, sources = graph.rows()
    matrix = torch.sparse_csr_tensor(offsets, sources, graph.weight.to(dtype), (graph.nodes, graph.nodes))
    x = leaf(graph, width, dtype, 3)
    return Subject(lambda: torch.sparse.mm(matrix, x), [x])


def pyg_gcn(graph, width, dtype):
    from torch_geometric.nn import GCNConv

    x, weight = leaf(graph, width, dtype, 3), graph.weight.to(dtype)
    layer = GCNConv(width, width, normalize=False, add_self_loops=False, bias=False)
    layer = _layer(graph, layer, {"lin": torch.nn.Identity()}, dtype)
    return Subject(lambda: layer(x, graph.edge_index, weight), [x])


def pyg_gat(graph, shape, dtype):
    """GATConv also computes the two scores of each node, which our op is given."""
    from torch_geometric.nn import GATConv

    heads, channels = shape
    x = leaf(graph, heads * channels, dtype, 3)
    layer = GATConv(heads * channels, channels, heads, add_self_loops=False, bias=False)
    layer = _layer(graph, layer, {"lin": torch.nn.Identity()}, dtype)
    return Subject(lambda: layer(x, graph.edge_index), [x, layer.att_src, layer.att_dst])


def pyg_gatv2(graph, shape, dtype):
    from torch_geometric.nn import GATv2Conv

    heads, channels = shape
    key, query = (leaf(graph, heads * channels, dtype, seed) for seed in (3, 4))
    layer = GATv2Conv(heads * channels, channels, heads, add_self_loops=False, bias=False)
    layer = _layer(graph, layer, {"lin_l": torch.nn.Identity(), "lin_r": torch.nn.Identity()}, dtype)
    return Subject(lambda: layer((key, query), graph.edge_index), [key, query, layer.att])


def pyg_transformer(graph, shape, dtype):
    from torch_geometric.nn import TransformerConv

    heads, channels = shape
    width = heads * channels
    layer = TransformerConv(width, channels, heads, root_weight=False, bias=False)
    parts = {
        name: Given(features(graph, width, dtype, seed))
        for name, seed in (("lin_query", 4), ("lin_key", 3), ("lin_value", 5))
    }
    layer = _layer(graph, layer, parts, dtype)
    nothing = torch.empty(graph.nodes, 0, device=graph.device)
    return Subject(lambda: layer(nothing, graph.edge_index), [part.features for part in parts.values()])


def torch_linear(graph, shape, dtype):
    """The product of a layer of that shape."""
    x = leaf(graph, LAYER_INPUTS, dtype, 3)
    weight = torch.randn(shape[0] * shape[1], LAYER_INPUTS, device=graph.device).to(dtype).requires_grad_()
    return Subject(lambda: torch.nn.functional.linear(x, weight), [x, weight])


def whole(layer_name, module=PYG):
    """A whole layer with its products, as ours of that name: self-loops are added before. Our layer for PyTorch is
    given a graph, as the library's is."""

    def make(graph, shape, dtype):
        heads, channels = shape
        x = leaf(graph, LAYER_INPUTS, dtype, 3)
        sizes = (heads * channels,) if layer_name == "GCNConv" else (channels, heads)
        options = {} if layer_name == "TransformerConv" else {"add_self_loops": False}
        layer = getattr(importlib.import_module(module), layer_name)(LAYER_INPUTS, *sizes, **options)
        layer = layer.to(graph.device, dtype)
        loops = torch.arange(graph.nodes, device=graph.device).expand(2, -1)
        edges = torch.cat([graph.edge_index, loops], dim=1)
        if module == OURS:
            edges = importlib.import_module("warpgnn.torch").Graph(edges, graph.nodes)
        return Subject(lambda: layer(x, edges), [x, *layer.parameters()])

    return make


def import_dgl():
    """Without graphbolt, which loads data and is built for torch 2.2 at most: no layer has a use for it."""
    sys.modules.setdefault("dgl.graphbolt", unittest.mock.MagicMock())
    return importlib.import_module("dgl")


def dgl_layer(layer_name):
    """A whole layer of DGL, whose GraphConv is a GCN layer that normalises by out- and in-degrees."""

    def make(graph, shape, dtype):
        dgl = import_dgl()
        heads, channels = shape
        sizes = (heads * channels,) if layer_name == "GraphConv" else (channels, heads)
        layer = getattr(dgl.nn, layer_name)(LAYER_INPUTS, *sizes).to(graph.device, dtype)
        looped = dgl.add_self_loop(dgl.graph((graph.source, graph.destination), num_nodes=graph.nodes))
        x = leaf(graph, LAYER_INPUTS, dtype, 3)
        return Subject(lambda: layer(looped, x), [x, *layer.parameters()])

    return make


def _turbo_graph(graph):
    from turbo_gnn import AdjacencyForwardBackwardWithNodeBuckets

    if not hasattr(graph, "turbo"):
        adjacency = AdjacencyForwardBackwardWithNodeBuckets.from_csr(*graph.rows(), *graph.columns())
        graph.turbo = adjacency.to(graph.device)
    return graph.turbo


def turbo_gatv2(graph, shape, dtype):
    from turbo_gnn import gatv2_aggr

    adjacency = _turbo_graph(graph)
    key, query = (leaf(graph, shape[0] * shape[1], dtype, seed) for seed in (3, 4))
    vector = torch.randn(shape, device=graph.device).to(dtype).requires_grad_()
    nodes_by_head = (graph.nodes, *shape)
    call = lambda: gatv2_aggr(adjacency, query.view(nodes_by_head), key.view(nodes_by_head), vector)
    return Subject(call, [key, query, vector])


def turbo_transformer(graph, shape, dtype):
    from turbo_gnn import graph_transformer_aggr

    adjacency = _turbo_graph(graph)
    query, key, value = (leaf(graph, shape[0] * shape[1], dtype, seed) for seed in (4, 3, 5))
    nodes_by_head = (graph.nodes, *shape)
    call = lambda: graph_transformer_aggr(
        adjacency,
        query,
        Q=query.view(nodes_by_head),
        K=key.view(nodes_by_head),
        V=value.view(nodes_by_head),
        scale=shape[1] ** -0.5,
    )
    return Subject(call, [query, key, value])


def _cudnn_graph(graph):
    from cudnn.gnn import CscGraph

    return CscGraph(*graph.rows(), num_src_nodes=graph.nodes)


def cudnn_gat(graph, shape, dtype):
    """Also computes the two scores of each node."""
    from cudnn.gnn import mha_gat

    width = shape[0] * shape[1]
    x, vectors = leaf(graph, width, dtype, 3), torch.randn(2 * width, device=graph.device).to(dtype).requires_grad_()
    adjacency = _cudnn_graph(graph)
    return Subject(lambda: mha_gat(adjacency, x, vectors, num_heads=shape[0]), [x, vectors])


def cudnn_gatv2(graph, shape, dtype):
    from cudnn.gnn import mha_gat_v2

    width = shape[0] * shape[1]
    key, query = (leaf(graph, width, dtype, seed) for seed in (3, 4))
    vector = torch.randn(width, device=graph.device).to(dtype).requires_grad_()
    adjacency = _cudnn_graph(graph)
    return Subject(lambda: mha_gat_v2(adjacency, (key, query), vector, num_heads=shape[0]), [key, query, vector])


class Peer:
    """`ours` is the op of our benchmark that computes the same, `module` what must be there."""

    def __init__(self, name, make, ours, module, shapes=HEAD_SHAPES, dtypes=DTYPES):
        self.name, self.make, self.ours, self.module = name, make, ours, module
        self.shapes, self.dtypes = shapes, dtypes

    def size(self, shape):
        """How the rows of the benchmark name a shape."""
        return f"{shape[0]}x{shape[1]}" if isinstance(shape, tuple) else str(shape)

    @property
    def parts(self):
        """The directions of ours that together are a forward and a backward pass."""
        return ["forward_training" if self.ours == GAT else "forward", "backward"]

    def missing(self):
        """Why it cannot be measured here, or None."""
        try:
            importlib.import_module(self.module)
        except (ImportError, OSError) as error:
            return f"{type(error).__name__}: {error}".splitlines()[0]
        return None


class WholeLayer(Peer):
    def __init__(self, name, make, ours, module=PYG, parts=("forward_backward",)):
        super().__init__(name, make, ours, module, ((4, 32),), DTYPES[:1])
        self._parts = list(parts)

    def size(self, shape):
        out = shape[0] * shape[1] if self.ours in ("gcn_layer", "linear") else super().size(shape)
        return f"{LAYER_INPUTS}to{out}"

    @property
    def parts(self):
        return self._parts


def compiled(peer):
    """The same peer through torch.compile, in one graph or not at all: float32, the first shape."""

    def make(graph, shape, dtype):
        torch.compiler.reset()  # subjects share their code, of which only so many variants are compiled
        subject = peer.make(graph, shape, dtype)
        return Subject(torch.compile(subject.forward, fullgraph=True), subject.leaves)

    other = copy.copy(peer)
    other.name, other.make = peer.name + "_compiled", make
    other.shapes, other.dtypes = peer.shapes[:1], DTYPES[:1]
    return other


GAT, GATV2, DOT, WEIGHTED = "gat_attention", "attention_gatv2", "attention_dot", "aggregate_weighted"
EAGER = (
    Peer("torch_spmm", torch_spmm, WEIGHTED, "torch", WIDTHS),
    Peer("pyg_gat", pyg_gat, GAT, PYG),
    Peer("pyg_gatv2", pyg_gatv2, GATV2, PYG),
    Peer("pyg_transformer", pyg_transformer, DOT, PYG),
    Peer("pyg_gcn", pyg_gcn, WEIGHTED, PYG, WIDTHS[:1]),
    Peer("cudnn_gat", cudnn_gat, GAT, "cudnn.gnn"),
    Peer("cudnn_gatv2", cudnn_gatv2, GATV2, "cudnn.gnn"),
)
COMPILED = tuple(compiled(peer) for peer in EAGER if peer.module == PYG)
LAYER_NAMES = {"GATConv": "gat", "GATv2Conv": "gatv2", "TransformerConv": "transformer", "GCNConv": "gcn"}


def whole_layers(prefix, module):
    return tuple(
        WholeLayer(f"{prefix}_{name}_layer", whole(layer, module), f"{name}_layer", module)
        for layer, name in LAYER_NAMES.items())


PACKAGE_LAYERS = whole_layers("warpgnn", OURS)
LAYERS = (
    *whole_layers("pyg", PYG),
    WholeLayer("torch_linear", torch_linear, "linear", "torch", ("forward", "backward")),
)
DGL_LAYERS = (
    WholeLayer("dgl_gat_layer", dgl_layer("GATConv"), "gat_layer", "torch"),
    WholeLayer("dgl_gatv2_layer", dgl_layer("GATv2Conv"), "gatv2_layer", "torch"),
    WholeLayer("dgl_gcn_layer", dgl_layer("GraphConv"), "gcn_layer", "torch"),
)
COMPILED_LAYERS = tuple(compiled(peer) for peer in LAYERS if peer.module == PYG)
TURBO = (
    Peer("turbo_gatv2", turbo_gatv2, GATV2, "turbo_gnn"),
    Peer("turbo_transformer", turbo_transformer, DOT, "turbo_gnn"),
)
