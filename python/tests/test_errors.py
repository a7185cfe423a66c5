# SPDX-License-Identifier: MIT
"""What is wrong with an argument is a Python error that names it, and nothing ends the interpreter."""

import pathlib
import subprocess
import sys

import pytest
import torch
import warpgnn.torch.nn as ours_nn
from warpgnn.torch import Batch, Graph
from warpgnn.torch import functional as WF

from layers import IN, OUT, RELATIONS, mlp

N, E, H, C = 6, 9, 2, 3
EDGES = torch.randint(0, N, (2, E), generator=torch.Generator().manual_seed(0))
GRAPH = Graph(EDGES, N)
PAIR = Graph(EDGES, (N, N + 1))
BATCH = Batch(torch.tensor([0, 0, 1, 1, 1, 2]))
ANY = (TypeError, ValueError, RuntimeError)


def rows(*shape: int, **options) -> torch.Tensor:
    return torch.ones(shape, **options)


GRAPHS = {
    "a list": (TypeError, "edge_index", lambda: Graph([[0], [1]], 2)),
    "an array": (TypeError, "edge_index", lambda: Graph(EDGES.numpy(), 2)),
    "floating-point ids": (TypeError, "edge_index", lambda: Graph(EDGES.float(), N)),
    "bytes": (TypeError, "edge_index", lambda: Graph(EDGES.to(torch.uint8), N)),
    "a vector": (ValueError, "edge_index", lambda: Graph(EDGES[0], N)),
    "three rows": (ValueError, "edge_index", lambda: Graph(rows(3, 4).long(), N)),
    "a matrix": (TypeError, "edge_index", lambda: Graph(torch.eye(3).to_sparse(), N)),
    "an id too large": (IndexError, "source|destination", lambda: Graph(EDGES, N - 2)),
    "a negative id": (IndexError, "source|destination", lambda: Graph(EDGES - 1, N)),
    "a source too large": (IndexError, "source", lambda: Graph(torch.tensor([[5], [0]]), (5, 9))),
    "a destination too large": (IndexError, "destination", lambda: Graph(torch.tensor([[0], [5]]), (9, 5))),
    "ids of no nodes": (IndexError, "source", lambda: Graph(EDGES, 0)),
    "a negative number": (ValueError, "num_nodes", lambda: Graph(EDGES, -1)),
    "three numbers": (ValueError, "num_nodes", lambda: Graph(EDGES, (N, N, N))),
    "half a node": (TypeError, "num_nodes", lambda: Graph(EDGES, 6.5)),
    "a word": (TypeError, "num_nodes", lambda: Graph(EDGES, "six")),
    "too many nodes": (OverflowError, "2147483647", lambda: Graph(EDGES, 2**31)),
    "too many sources": (OverflowError, "2147483647", lambda: Graph(EDGES, (2**40, 3))),
    "too many edges": (OverflowError, "2147483647", lambda: Graph(EDGES[:, :1].expand(2, 2**31), N)),
    "no data": ((ValueError, RuntimeError, NotImplementedError), ".", lambda: Graph(EDGES.to("meta"), None)),
    "a dense adjacency": (TypeError, "adjacency", lambda: Graph.from_adjacency(torch.eye(3))),
    "an edge list's adjacency": (TypeError, "adjacency", lambda: Graph.from_adjacency([[0, 1]])),
    "a sparse vector": (TypeError, "adjacency", lambda: Graph.from_adjacency(torch.ones(3).to_sparse())),
    "too many loops": (IndexError, "source|destination", lambda: GRAPH.with_self_loops(N + 1)),
}
FUNCTIONS = {
    "no graph": (TypeError, "graph", lambda: WF.aggregate(EDGES, rows(N, 3))),
    "a reduction": (ValueError, "reduce", lambda: WF.aggregate(GRAPH, rows(N, 3), reduce="median")),
    "rows": (ANY, "x", lambda: WF.aggregate(GRAPH, rows(N + 1, 3))),
    "integer rows": (ANY, "x", lambda: WF.aggregate(GRAPH, rows(N, 3).long())),
    "rows of bytes": (RuntimeError, "x: expected float16", lambda: WF.aggregate(GRAPH, rows(N, 3).to(torch.int8))),
    "complex rows": (RuntimeError, "x: expected float16", lambda: WF.aggregate(GRAPH, rows(N, 3).to(torch.complex64))),
    "rows without data": (ANY, "x", lambda: WF.aggregate(GRAPH, rows(N, 3, device="meta"))),
    "a list of rows": (TypeError, "x", lambda: WF.aggregate(GRAPH, [[1.0]] * N)),
    "one number": (ValueError, "x", lambda: WF.aggregate(GRAPH, torch.tensor(1.0))),
    "weights": (ANY, "weight", lambda: WF.aggregate(GRAPH, rows(N, 3), rows(E - 1))),
    "weights of a matrix": (ANY, "weight", lambda: WF.aggregate(GRAPH, rows(N, 3), rows(E, 3))),
    "weights of a maximum": (ValueError, "weight", lambda: WF.aggregate(GRAPH, rows(N, 3), rows(E), reduce="max")),
    "scales": (ANY, "source_scale", lambda: WF.aggregate(GRAPH, rows(N, 3), source_scale=rows(N + 1))),
    "scales with gradients": (ValueError, "destination_scale", lambda: WF.aggregate(
        GRAPH, rows(N, 3), destination_scale=rows(N, requires_grad=True))),
    "queries": (ValueError, "query", lambda: WF.edge_dot(GRAPH, rows(N + 1, 3), rows(N, 3))),
    "widths": (ANY, "x|dy|query|key", lambda: WF.edge_dot(GRAPH, rows(N, 3), rows(N, 4))),
    "a message": (ValueError, "message", lambda: WF.message_aggregate(GRAPH, rows(N, 3), rows(E, 3), message="sub")),
    "no x": (ANY, "x", lambda: WF.message_aggregate(GRAPH, None, rows(E, 3), message="add")),
    "an x too many": (ANY, "x", lambda: WF.message_aggregate(GRAPH, rows(N, 3), rows(E, 3), message="edge")),
    "edges' rows": (ANY, "edge|x", lambda: WF.message_aggregate(GRAPH, rows(N, 3), rows(E, 4))),
    "edges' scores": (ANY, "score", lambda: WF.edge_softmax(GRAPH, rows(E + 1, 2))),
    "a norm of a pair": (ANY, "graph", lambda: WF.gcn_norm(PAIR, rows(E))),
    "values": (ANY, "value", lambda: WF.gat_attention(GRAPH, rows(N, H * C), rows(N, H), rows(N, H))),
    "source scores": (ANY, "source_score", lambda: WF.gat_attention(GRAPH, rows(N, H, C), rows(N, H + 1), rows(N, H))),
    "destination scores": (ANY, "destination_score", lambda: WF.gat_attention(PAIR, rows(N, H, C), rows(N, H),
                                                                             rows(N, H))),
    "edge scores": (ANY, "edge_score", lambda: WF.gat_attention(GRAPH, rows(N, H, C), rows(N, H), rows(N, H), rows(E))),
    "a slope": (ANY, "negative_slope", lambda: WF.gat_attention(GRAPH, rows(N, H, C), rows(N, H), rows(N, H),
                                                               negative_slope=float("nan"))),
    "a layer over a pair": (ANY, "graph|value", lambda: WF.gat_layer(PAIR, rows(N, H, C), rows(H, C), rows(H, C))),
    "vectors": (ANY, "destination_vector|second_vector", lambda: WF.gat_layer(GRAPH, rows(N, H, C), rows(H, C),
                                                                            rows(H, C + 1))),
    "a score": (ValueError, "score", lambda: WF.attention(GRAPH, rows(N, H, C), rows(N, H, C), score="cosine")),
    "no vector": (ANY, "vector", lambda: WF.attention(GRAPH, rows(N, H, C), rows(N, H, C), score="gatv2")),
    "a vector too many": (ANY, "vector", lambda: WF.attention(GRAPH, rows(N, H, C), rows(N, H, C), vector=rows(H, C))),
    "keys": (ANY, "key", lambda: WF.attention(GRAPH, rows(N, H, C), rows(N, H, C + 1))),
    "edge keys": (ANY, "edge_key", lambda: WF.attention(GRAPH, rows(N, H, C), rows(N, H, C), edge_key=rows(E, C))),
    "edge values": (ANY, "edge_value", lambda: WF.attention(GRAPH, rows(N, H, C), rows(N, H, C),
                                                            edge_value=rows(E, H, C + 1))),
    "biases": (ANY, "edge_bias", lambda: WF.attention(GRAPH, rows(N, H, C), rows(N, H, C), edge_bias=rows(E, 1))),
    "relations": (ANY, "relation", lambda: WF.relation_aggregate(GRAPH, rows(N, 3), rows(E - 1).long(), rows(2, 2))),
    "relations of numbers": (ANY, "relation", lambda: WF.relation_aggregate(GRAPH, rows(N, 3), rows(E), rows(2, 2))),
    "coefficients": (ANY, "coefficient", lambda: WF.relation_aggregate(GRAPH, rows(N, 3), rows(E).long(), rows(2))),
    "a norm": (ValueError, "norm", lambda: WF.relation_weights(GRAPH, rows(E).long(), 2, rows(1), norm="all")),
    "a batch of numbers": (ValueError, "batch", lambda: Batch(rows(4))),
    "a batch of rows": (ValueError, "batch", lambda: Batch(rows(4, 2).long())),
    "a batch out of order": (ValueError, "batch", lambda: Batch(torch.tensor([1, 0]))),
    "graphs that are not there": (IndexError, "batch", lambda: Batch(torch.tensor([0, 3]), 2)),
    "a negative graph": (IndexError, "batch", lambda: Batch(torch.tensor([-1, 0]), 2)),
    "another batch": (ANY, "x", lambda: WF.pool(BATCH, rows(N + 1, 3))),
    "a tensor for a batch": (TypeError, "batch", lambda: WF.pool(torch.zeros(N), rows(N, 3))),
    "a gate": (ValueError, "gate", lambda: WF.pool(BATCH, rows(N, 3), rows(N), gate="tanh")),
    "no score": (ANY, "score", lambda: WF.pool(BATCH, rows(N, 3), gate="softmax")),
    "a score too many": (ANY, "score", lambda: WF.pool(BATCH, rows(N, 3), rows(N))),
    "a temperature": (ANY, "temperature", lambda: WF.pool(BATCH, rows(N, 3), rows(N), gate="softmax", temperature=0.0)),
    "weights of no gate": (ValueError, "return_weights", lambda: WF.pool(BATCH, rows(N, 3), return_weights=True)),
}
LAYERS = {
    "an unknown option": (TypeError, "depth", lambda: ours_nn.GATConv(IN, OUT, depth=2)),
    "a reduction": (ValueError, "aggr", lambda: ours_nn.SAGEConv(IN, OUT, aggr="lstm")),
    "a flow": (ValueError, "flow", lambda: ours_nn.GCNConv(IN, OUT, flow="up")),
    "a dimension": (ValueError, "node_dim", lambda: ours_nn.GCNConv(IN, OUT, node_dim=1)),
    "loops without a norm": (ValueError, "add_self_loops", lambda: ours_nn.GCNConv(IN, OUT, add_self_loops=True,
                                                                                 normalize=False)),
    "a filling": (ValueError, "fill_value", lambda: ours_nn.GATConv(IN, OUT, edge_dim=2, fill_value="mul")),
    "blocks and bases": (ValueError, "num_blocks", lambda: ours_nn.RGCNConv(IN, OUT, RELATIONS, 2, 2)),
    "blocks": (ValueError, "num_blocks", lambda: ours_nn.RGCNConv(IN, OUT, RELATIONS, num_blocks=5)),
    "a mechanism": (ValueError, "attention_mechanism", lambda: ours_nn.RGATConv(IN, OUT, 2, attention_mechanism="x")),
    "a lazy projection": (ValueError, "in_channels", lambda: ours_nn.SAGEConv(-1, OUT, project=True)),
    "a network without a width": (ValueError, "nn", lambda: ours_nn.GINEConv(torch.nn.ReLU(), edge_dim=2)),
    "channels": (ValueError, "channels", lambda: ours_nn.SoftmaxAggregation(channels=3)),
    "no ratio": (ValueError, "ratio", lambda: ours_nn.TopKPooling(IN, ratio=None)),
    "a nonlinearity": (ValueError, "nonlinearity", lambda: ours_nn.TopKPooling(IN, nonlinearity="tangens")),
    "a pair": (ValueError, "x", lambda: ours_nn.GCNConv(IN, OUT)((rows(N, IN), rows(N, IN)), EDGES)),
    "no destinations": (ValueError, "x", lambda: ours_nn.GATv2Conv(IN, OUT)((rows(N, IN), None), EDGES)),
    "no destinations' queries": (ValueError, "x", lambda: ours_nn.TransformerConv(IN, OUT)((rows(N, IN), None), EDGES)),
    "three sets of nodes": (TypeError, "x", lambda: ours_nn.SAGEConv(IN, OUT)((rows(N, IN),) * 3, EDGES)),
    "too few nodes": (IndexError, "source|destination", lambda: ours_nn.GATConv(IN, OUT)(rows(2, IN), EDGES)),
    "another graph": (ValueError, "x", lambda: ours_nn.GATConv(IN, OUT)(rows(N + 1, IN), GRAPH)),
    "features of edges": (ValueError, "edge_attr", lambda: ours_nn.GATv2Conv(IN, OUT, add_self_loops=False)(
        rows(N, IN), EDGES, rows(E, 2))),
    "no features of edges": (ValueError, "edge_attr", lambda: ours_nn.TransformerConv(IN, OUT, edge_dim=2)(
        rows(N, IN), EDGES)),
    "features of fewer edges": (ANY + (IndexError,), "edge|size|shape|index", lambda: ours_nn.GATConv(
        IN, OUT, edge_dim=2)(rows(N, IN), EDGES, rows(E - 2, 2))),
    "edges as wide as x": (ValueError, "edge_attr", lambda: ours_nn.GINEConv(mlp())(rows(N, IN), EDGES, rows(E, 2))),
    "no types": (ValueError, "edge_type", lambda: ours_nn.RGCNConv(IN, OUT, 2)(rows(N, IN), EDGES)),
    "types out of range": (IndexError, "edge_type", lambda: ours_nn.RGATConv(IN, OUT, 2)(rows(N, IN), EDGES,
                                                                                     torch.arange(E))),
    "features in blocks of ids": (ValueError, "x", lambda: ours_nn.RGCNConv(IN, OUT, 2, num_blocks=2)(
        torch.arange(N), EDGES, rows(E).long())),
    "a word for edges": (TypeError, "edge_index", lambda: ours_nn.GCNConv(IN, OUT)(rows(N, IN), "edges")),
    "many features on one graph": (ValueError, "x", lambda: ours_nn.GATConv(IN, OUT)(rows(2, N, IN), EDGES)),
}


@pytest.mark.parametrize("error, words, call", [*GRAPHS.values(), *FUNCTIONS.values(), *LAYERS.values()],
                         ids=[*GRAPHS, *FUNCTIONS, *(f"{name} (layer)" for name in LAYERS)])
def test_errors(error, words: str, call) -> None:
    with pytest.raises(error, match=words):
        call()


def test_a_refused_call_changes_nothing() -> None:
    x = torch.randn(N, 3)
    before, expected = x.clone(), WF.aggregate(GRAPH, x)
    with pytest.raises(RuntimeError):
        WF.aggregate(GRAPH, x, rows(E - 1))
    assert torch.equal(x, before) and torch.equal(WF.aggregate(GRAPH, x), expected)


@pytest.mark.parametrize("what", ["operators", "functions"])
def test_calls_that_are_nearly_right_end_no_interpreter(what: str) -> None:
    program = pathlib.Path(__file__).with_name("fuzz.py")
    done = subprocess.run([sys.executable, "-W", "ignore", str(program), what, "4000", "1"], capture_output=True,
                          text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "results" in done.stdout and "RuntimeError" in done.stdout
