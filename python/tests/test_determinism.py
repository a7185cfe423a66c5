# SPDX-License-Identifier: MIT
"""The same bits every time, forward and backward, whatever the number of threads."""

import threading

import pytest
import torch
import warpgnn.torch.nn as ours_nn
from warpgnn.torch import Graph

from compare import differentiable, results_and_gradients
from graphs import square
from layers import IN, LAYERS, OUT, arguments
from operators import Arguments, flat, raw, registered

HUBS = {dtype: Arguments(dtype, hubs=True).all() for dtype in (torch.float32, torch.bfloat16)}


@pytest.mark.parametrize("dtype", HUBS, ids=str)
@pytest.mark.parametrize("name", registered())
def test_operators(name: str, dtype: torch.dtype) -> None:
    for given in HUBS[dtype][name]:
        results = []
        for threads in (1, 1, 2, 3):
            torch.set_num_threads(threads)
            results.append(flat(raw(name)(*given)))
        torch.set_num_threads(1)
        for other in results[1:]:
            assert all(map(torch.equal, results[0], other))


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_layers(layer) -> None:
    """Also where the second run finds what the first has kept of the graph."""
    edges = layer.edges("hub" if "pair" in layer.inputs else "hubs")
    module = layer.make(ours_nn)
    given = arguments(layer, edges)
    first, second = (results_and_gradients(lambda *a: module(*a, **layer.call), differentiable(given, torch.float32),
                                           module.named_parameters()) for _ in range(2))
    assert all(torch.equal(second[name], first[name]) for name in first)


def test_layers_in_many_threads() -> None:
    """They share a graph, and what is kept of edge indices."""
    edges = square("hubs").edge_index
    layer = torch.nn.ModuleList([ours_nn.GATConv(IN, OUT, heads=2), ours_nn.GCNConv(2 * OUT, OUT)])
    x = torch.randn(24, IN)

    def run() -> torch.Tensor:
        found = None
        for _ in range(5):
            for adjacency in (edges.clone(), edges, Graph(edges, 24)):
                leaf = x.clone().requires_grad_()
                y = layer[1](layer[0](leaf, adjacency).relu(), adjacency)
                (gradient,) = torch.autograd.grad(y.square().sum(), leaf)
                found = torch.cat([y, gradient], dim=1).detach()
        return found

    expected, results = run(), [None] * 4

    def work(place: int) -> None:
        results[place] = run()

    workers = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(result is not None and torch.equal(result, expected) for result in results)
