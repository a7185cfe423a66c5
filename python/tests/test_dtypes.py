# SPDX-License-Identifier: MIT
"""16 bits and float32 beside float64, and autocast."""

from typing import Any

import pytest
import torch
import warpgnn.torch.nn as ours_nn
from torch import Tensor
from torch.utils import _pytree
from warpgnn.torch import Graph
from warpgnn.torch import functional as WF

from compare import close, near, randomize
from graphs import square
from layers import EDGE, IN, LAYERS, OUT, RELATIONS, arguments
from operators import Arguments, flat, raw, registered

# Rounding of a result, and of what it was made of: half a unit in the last place, a few times.
TOLERANCE = {torch.float32: 2e-6, torch.float16: 2e-3, torch.bfloat16: 1.2e-2}


def in_float64(argument: Any) -> Any:
    return argument.double() if isinstance(argument, Tensor) and argument.is_floating_point() else argument


@pytest.mark.parametrize("hubs", [False, True], ids=["small", "hubs"])
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("name", registered())
def test_operators(name: str, dtype: torch.dtype, hubs: bool) -> None:
    """Beside float64 on the very values that the narrow arguments have."""
    for given in Arguments(dtype, hubs).all()[name]:
        found, expected = (flat(raw(name)(*arguments)) for arguments in (given, map(in_float64, given)))
        for place, (actual, wanted) in enumerate(zip(found, expected, strict=True)):
            close(actual, wanted, 10 * TOLERANCE[dtype] if hubs and dtype == torch.float32 else TOLERANCE[dtype],
                  f"result {place}")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_layers_in_16_bits(layer, dtype: torch.dtype) -> None:
    edges = layer.edges(layer.graphs[0])
    module, exact = layer.make(ours_nn), layer.make(ours_nn)
    given = arguments(layer, edges)
    module(*given, **layer.call)
    randomize(module)
    module = module.to(dtype)
    exact.load_state_dict(module.state_dict())
    exact = exact.double()
    narrow = _pytree.tree_map(lambda a: a.to(dtype) if isinstance(a, Tensor) and a.is_floating_point() else a, given)
    y = _pytree.tree_leaves(module(*narrow, **layer.call))[0]
    expected = _pytree.tree_leaves(exact(*_pytree.tree_map(in_float64, narrow), **layer.call))[0]
    assert y.dtype == dtype
    close(y, expected, 5 * TOLERANCE[dtype], "output")
    y.sum().backward()
    expected.sum().backward()
    found, wanted = ({name: parameter.grad for name, parameter in some.named_parameters() if parameter.grad is not None}
                     for some in (module, exact))
    assert all(gradient.dtype == dtype for gradient in found.values())
    near(found, wanted, 5 * TOLERANCE[dtype])


AUTOCAST = {
    "gat": (lambda: ours_nn.GATConv(IN, OUT, heads=2), ()),
    "gat edges": (lambda: ours_nn.GATConv(IN, OUT, heads=2, edge_dim=EDGE, residual=True), ("edge_attr",)),
    "gat pair": (lambda: ours_nn.GATConv((IN, IN), OUT, heads=2, concat=False), ()),
    "gatv2": (lambda: ours_nn.GATv2Conv(IN, OUT, heads=2, edge_dim=EDGE), ("edge_attr",)),
    "additive": (lambda: ours_nn.AdditiveAttentionConv(IN, OUT, heads=2), ()),
    "transformer": (lambda: ours_nn.TransformerConv(IN, OUT, heads=2, edge_dim=EDGE, beta=True), ("edge_attr",)),
    "rgat": (lambda: ours_nn.RGATConv(IN, OUT, RELATIONS, heads=2, edge_dim=EDGE), ("edge_type", "edge_attr")),
    "gcn": (lambda: ours_nn.GCNConv(IN, OUT), ()),
    "gcn weights": (lambda: ours_nn.GCNConv(IN, OUT), ("edge_weight",)),
    "sage": (lambda: ours_nn.SAGEConv(IN, OUT, aggr=["mean", "max"]), ()),
    "rgcn": (lambda: ours_nn.RGCNConv(IN, OUT, RELATIONS, num_bases=2), ("edge_type",)),
}


OF_ATTENTION = ("gat", "gat edges", "gat pair", "gatv2", "additive", "transformer", "rgat")


@pytest.mark.parametrize("name, kept", [*((name, False) for name in AUTOCAST),
                                        *((name, True) for name in OF_ATTENTION)])
def test_autocast(name: str, kept: bool) -> None:
    """Results in bfloat16, gradients of parameters in float32, both near those without autocast."""
    make, extra = AUTOCAST[name]
    edges, layer = square("random"), make()
    x = torch.randn(edges.sources, IN)
    inputs = {"edge_attr": torch.randn(edges.count, EDGE), "edge_weight": torch.rand(edges.count),
              "edge_type": torch.arange(edges.count) % RELATIONS}
    given = [inputs[key] for key in extra]
    call = {"return_attention_weights": True} if kept else {}

    def gradients(autocast: bool) -> tuple[Tensor, dict[str, Tensor]]:
        layer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            result = layer(x, edges.edge_index, *given, **call)
        y = result[0] if kept else result
        (y.float().square().sum() + (result[1][1].float().square().sum() if kept else 0)).backward()
        return y, {key: p.grad for key, p in layer.named_parameters() if p.grad is not None}

    exact, exact_gradients = gradients(False)
    y, found = gradients(True)
    assert exact.dtype == torch.float32 and y.dtype in (torch.bfloat16, torch.float32)
    close(y, exact, 3e-2, "output")
    assert all(gradient.dtype == torch.float32 for gradient in found.values())
    near(found, exact_gradients, 3e-2)


def test_functions_take_autocasts_dtype() -> None:
    edges = square("random")
    graph, x = Graph(edges.edge_index, edges.sizes), torch.randn(edges.sources, 2, 4)
    score = torch.randn(edges.sources, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert WF.aggregate(graph, x).dtype == torch.bfloat16
        assert WF.gat_attention(graph, x, score, score).dtype == torch.bfloat16
        assert WF.attention(graph, x, x).dtype == torch.bfloat16
        assert WF.aggregate(graph, x.double()).dtype == torch.float64
    assert WF.aggregate(graph, x).dtype == torch.float32


def test_one_call_in_one_dtype() -> None:
    """The widest of those given."""
    edges = square("random")
    graph = Graph(edges.edge_index, edges.sizes)
    query, key = torch.randn(edges.sources, 2, 4), torch.randn(edges.sources, 2, 4).bfloat16()
    y = WF.attention(graph, query, key)
    assert y.dtype == torch.float32
    close(y, WF.attention(graph, query, key.float()), 0, "output")
    assert WF.message_aggregate(graph, key[:, 0], torch.randn(edges.count, 4)).dtype == torch.float32
