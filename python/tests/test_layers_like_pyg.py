# SPDX-License-Identifier: MIT
"""Graph layers beside PyG's on the same weights: results and every gradient."""

import pytest
import torch
import warpgnn.torch.nn as ours_nn
from torch.nn.parameter import is_lazy

from compare import HUB_TOLERANCE, TOLERANCE, differentiable, randomize, results_and_gradients, same_results
from layers import LAYERS, Layer, arguments


def marks(layer: Layer, graph: str) -> list:
    if layer.name == "graph max weights" and graph in ("no_edges", "no_nodes"):
        return [pytest.mark.xfail(strict=True, reason="operators refuse an expanded tensor without elements")]
    return []


EVERY = [pytest.param(layer, graph, id=f"{layer.name}-{graph}", marks=marks(layer, graph))
         for layer in LAYERS for graph in layer.graphs]


def reference(layer: Layer, graph: str, pyg) -> tuple[torch.nn.Module, dict]:
    """PyG's layer and what it gives, in float64."""
    inputs = arguments(layer, layer.edges(graph))
    theirs = layer.make(pyg)
    if any(map(is_lazy, theirs.parameters())):
        theirs(*inputs, **layer.call)  # finds its widths
    randomize(theirs)
    theirs = theirs.double()
    found = results_and_gradients(lambda *a: theirs(*a, **layer.call), differentiable(inputs, torch.float64),
                                  theirs.named_parameters())
    return theirs, found


@pytest.mark.parametrize("layer, graph", EVERY)
def test_results_and_gradients(layer: Layer, graph: str, pyg) -> None:
    theirs, expected = reference(layer, graph, pyg)
    for dtype, tolerance in (HUB_TOLERANCE if "hub" in graph else TOLERANCE).items():
        ours = layer.make(ours_nn)
        ours.load_state_dict(theirs.state_dict())
        ours = ours.to(dtype)
        inputs = differentiable(arguments(layer, layer.edges(graph)), dtype)
        found = results_and_gradients(lambda *a: ours(*a, **layer.call), inputs, ours.named_parameters())
        same_results(found, expected, tolerance)
