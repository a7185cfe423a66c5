# SPDX-License-Identifier: MIT
"""Errors are ordinary Python errors that name the argument, and nothing ends the interpreter."""

import pathlib
import subprocess
import sys

import pytest
import torch
import warpgnn.torch.functional as WF
from warpgnn.torch import Batch, Graph, nn

EDGES = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
GRAPH = Graph(EDGES, 4)
X = torch.randn(4, 6)
HEADS = torch.randn(4, 2, 3)
BATCH = Batch(torch.tensor([0, 0, 1, 1]))

GRAPHS = {
    "id too large": (lambda: Graph(EDGES, 3), IndexError, "source: expected ids in"),
    "id below zero": (lambda: Graph(EDGES - 1, 4), IndexError, "source: expected ids in"),
    "destination too large": (lambda: Graph(EDGES, (4, 3)), IndexError, "destination: expected ids in"),
    "too many nodes": (lambda: Graph(EDGES, 2**31), OverflowError, "room for 2147483647"),
    "nodes below zero": (lambda: Graph(EDGES, -1), ValueError, "num_nodes"),
    "three sizes": (lambda: Graph(EDGES, (4, 4, 4)), ValueError, "num_nodes"),
    "one row": (lambda: Graph(EDGES[:1], 4), ValueError, r"edge_index: expected shape \[2, E\]"),
    "ids of floats": (lambda: Graph(EDGES.float(), 4), TypeError, "edge_index: expected int64 or int32"),
    "no tensor": (lambda: Graph([[0], [1]], 4), TypeError, "edge_index"),
    "a dense matrix": (lambda: Graph.from_adjacency(torch.eye(3)), TypeError, "adjacency"),
    "batch out of order": (lambda: Batch(torch.tensor([1, 0])), ValueError, "batch"),
    "batch out of range": (lambda: Batch(torch.tensor([0, 3]), 2), IndexError, "batch"),
    "batch of floats": (lambda: Batch(torch.zeros(3)), ValueError, "batch"),
}
CALLS = {
    "no graph": (lambda: WF.aggregate(EDGES, X), TypeError, "graph"),
    "reduce": (lambda: WF.aggregate(GRAPH, X, reduce="median"), ValueError, "reduce: expected one of"),
    "rows": (lambda: WF.aggregate(GRAPH, X[:3]), RuntimeError, "x: expected shape"),
    "whole numbers": (lambda: WF.aggregate(GRAPH, X.to(torch.int8)), RuntimeError, "x: expected float16"),
    "complex numbers": (lambda: WF.aggregate(GRAPH, X.to(torch.complex64)), RuntimeError, "x: expected float16"),
    "weights": (lambda: WF.aggregate(GRAPH, X, torch.ones(5)), RuntimeError, "weight: expected shape"),
    "weights of a maximum": (lambda: WF.aggregate(GRAPH, X, torch.ones(4), reduce="max"), ValueError, "weight"),
    "scale": (lambda: WF.aggregate(GRAPH, X, source_scale=torch.ones(3)), RuntimeError, "source_scale"),
    "message": (lambda: WF.message_aggregate(GRAPH, X, X, message="divide"), ValueError, "message"),
    "edge": (lambda: WF.message_aggregate(GRAPH, X, X[:2]), RuntimeError, "edge: expected shape"),
    "query": (lambda: WF.edge_dot(GRAPH, X[:2], X), ValueError, "query"),
    "key": (lambda: WF.attention(GRAPH, HEADS, HEADS[:, :1]), RuntimeError, "key: expected shape"),
    "score": (lambda: WF.attention(GRAPH, HEADS, HEADS, score="cosine"), ValueError, "score"),
    "vector": (lambda: WF.attention(GRAPH, HEADS, HEADS, score="gatv2"), RuntimeError, "vector"),
    "dropout": (lambda: WF.attention(GRAPH, HEADS, HEADS, dropout=1.5), ValueError, "dropout"),
    "slope": (lambda: WF.gat_layer(GRAPH, HEADS, HEADS[0], HEADS[0], negative_slope=float("nan")), RuntimeError,
              "negative_slope"),
    "heads": (lambda: WF.gat_attention(GRAPH, HEADS, X, X), RuntimeError, "source_score"),
    "relation": (lambda: WF.relation_aggregate(GRAPH, X, torch.zeros(3).long(), torch.eye(2)), RuntimeError, "relation"),
    "gate": (lambda: WF.pool(BATCH, X, X[:, 0], gate="tanh"), ValueError, "gate"),
    "pool's rows": (lambda: WF.pool(BATCH, X[:3]), RuntimeError, "x: expected shape"),
    "temperature": (lambda: WF.pool(BATCH, X, X[:, 0], gate="softmax", temperature=-1), RuntimeError, "temperature"),
}
LAYERS = {
    "unknown argument": (lambda: nn.GCNConv(6, 2, hops=3), TypeError, "hops"),
    "aggr": (lambda: nn.GATConv(6, 2, aggr="mean"), ValueError, "aggr"),
    "flow": (lambda: nn.GCNConv(6, 2, flow="both"), ValueError, "flow"),
    "loops without norm": (lambda: nn.GCNConv(6, 2, add_self_loops=True, normalize=False), ValueError, "add_self_loops"),
    "two sets": (lambda: nn.GCNConv(6, 2)((X, X), EDGES), ValueError, "x: expected one tensor"),
    "another graph": (lambda: nn.SAGEConv(6, 2)(X[:3], GRAPH), ValueError, "x: expected 4 rows"),
    "many samples": (lambda: nn.GATConv(6, 2)(X.expand(2, 4, 6), GRAPH), ValueError, "x: expected"),
    "edge features": (lambda: nn.GATv2Conv(6, 2)(X, GRAPH, X), ValueError, "edge_attr"),
    "no edge features": (lambda: nn.GINEConv(torch.nn.Linear(6, 2))(X, GRAPH), ValueError, "edge_attr"),
    "relations": (lambda: nn.RGATConv(6, 2, 2)(X, GRAPH, torch.tensor([0, 1, 2, 0])), IndexError, "edge_type"),
    "no relations": (lambda: nn.RGCNConv(6, 2, 2)(X, GRAPH), ValueError, "edge_type"),
    "blocks": (lambda: nn.RGCNConv(6, 2, 2, num_blocks=4), ValueError, "num_blocks"),
    "mod": (lambda: nn.RGATConv(6, 2, 2, mod="additive"), NotImplementedError, "mod"),
    "ids out of range": (lambda: nn.GCNConv(6, 2)(X[:3], EDGES), IndexError, "source"),
}


@pytest.mark.parametrize("call, error, message", [*GRAPHS.values(), *CALLS.values(), *LAYERS.values()],
                         ids=[*GRAPHS, *CALLS, *LAYERS])
def test_message(call, error, message) -> None:
    with pytest.raises(error, match=message):
        call()


def test_nothing_is_changed_by_a_refused_call() -> None:
    x = X.clone()
    with pytest.raises(RuntimeError):
        WF.aggregate(GRAPH, x, torch.ones(5))
    assert torch.equal(x, X) and torch.equal(WF.aggregate(GRAPH, x), WF.aggregate(GRAPH, X))


@pytest.mark.parametrize("seed", [1, 2])
def test_arguments_that_are_nearly_right_end_no_interpreter(seed: int) -> None:
    program = pathlib.Path(__file__).with_name("fuzz.py")
    done = subprocess.run([sys.executable, "-W", "ignore", str(program), "2500", str(seed)], capture_output=True,
                          text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "results" in done.stdout and "RuntimeError" in done.stdout
