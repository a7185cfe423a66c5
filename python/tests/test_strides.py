# SPDX-License-Identifier: MIT
"""Tensors however they lie in memory: transposed, one of several, the same row many times."""

from typing import Any, Callable

import pytest
import torch
from torch import Tensor

from warpgnn.torch import Graph

from functions import ONCE, TWICE, leaves
from graphs import square
from operators import Arguments, flat, raw, registered

ALL = Arguments(torch.float32).all()


def turned(t: Tensor) -> Tensor:
    """The last dimension outermost in memory."""
    return t.permute(-1, *range(t.dim() - 1)).contiguous().permute(*range(1, t.dim()), 0)


def one_of_two(t: Tensor) -> Tensor:
    """Every other element of a longer last dimension."""
    return torch.stack([t, torch.zeros_like(t)], dim=-1).flatten(-2)[..., ::2]


def inside(t: Tensor) -> Tensor:
    """A part of longer rows."""
    return torch.cat([torch.zeros_like(t), t, t], dim=-1)[..., t.shape[-1]:2 * t.shape[-1]]


def same_row(t: Tensor) -> Tensor:
    """The first row, again and again, by a stride of 0."""
    return t[:1].expand(t.shape)


def same_number(t: Tensor) -> Tensor:
    """One number everywhere."""
    return t.flatten()[0].expand(t.shape)


def later_rows(t: Tensor) -> Tensor:
    """The end of a longer tensor, in memory that is not aligned to more than an element."""
    flat = torch.cat([t.flatten()[:1], t.flatten()])[1:]
    return flat.view(t.shape)


# What a forward saves lies as the forward left it, and functions see to the vector.
SAVED = {"vector", "y", "maximum", "sum", "inv_sqrt_degree", "positive_y", "positive_weight", "source_score",
         "destination_score", "weight"}


def may_lie_oddly(name: str, argument: str, t: Any) -> bool:
    """Scores and rows, not seeds and ids."""
    saved = argument in SAVED and ("_backward" in name or "_weights" in name or argument == "vector")
    return isinstance(t, Tensor) and t.is_floating_point() and t.numel() > 1 and not saved


@pytest.mark.parametrize("lie", [turned, one_of_two, inside, same_row, same_number, later_rows])
@pytest.mark.parametrize("name", registered())
def test_operators(name: str, lie: Callable[[Tensor], Tensor]) -> None:
    for given in ALL[name]:
        odd = tuple(lie(t) if may_lie_oddly(name, argument.name, t) else t
                    for argument, t in zip(raw(name)._schema.arguments, given, strict=True))
        plain = tuple(t.contiguous().clone() if isinstance(t, Tensor) else t for t in odd)
        assert all(map(torch.equal, flat(raw(name)(*odd)), flat(raw(name)(*plain))))


@pytest.mark.parametrize("name", ["relation_weights", "relation_aggregate", "relation_aggregate_backward"])
def test_relations(name: str) -> None:
    for given in ALL[name]:
        place = next(k for k, t in enumerate(given) if isinstance(t, Tensor) and not t.is_floating_point())
        odd = (*given[:place], one_of_two(given[place]), *given[place + 1:])
        assert all(map(torch.equal, flat(raw(name)(*odd)), flat(raw(name)(*given))))


@pytest.mark.parametrize("lie", [turned, one_of_two, inside])
def test_edge_indices(lie: Callable[[Tensor], Tensor]) -> None:
    edges = square("random").edge_index
    assert all(map(torch.equal, Graph(lie(edges), 40).parts, Graph(edges, 40).parts))


@pytest.mark.parametrize("name", [*TWICE, *ONCE])
def test_gradients(name: str) -> None:
    """The gradient of a sum has strides of 0; that of a transposed result is transposed."""
    function, inputs = leaves(name)
    outputs = [y for y in torch.utils._pytree.tree_leaves(function(*inputs))]

    def gradients(of_outputs: list[Tensor]) -> tuple:
        return torch.autograd.grad(outputs, inputs, of_outputs, retain_graph=True, allow_unused=True)

    for lie in (same_number, turned, one_of_two, same_row):
        odd = [lie(torch.randn_like(y)) for y in outputs]
        for found, expected in zip(gradients(odd), gradients([g.contiguous().clone() for g in odd])):
            assert found is expected is None or torch.equal(found, expected)


@pytest.mark.parametrize("name", [*TWICE, *ONCE])
def test_functions(name: str) -> None:
    function, inputs = leaves(name)
    with torch.no_grad():
        expected = torch.utils._pytree.tree_leaves(function(*inputs))
        for lie in (turned, one_of_two, inside, later_rows):
            found = torch.utils._pytree.tree_leaves(function(*map(lie, inputs)))
            assert all(map(torch.equal, found, expected))
