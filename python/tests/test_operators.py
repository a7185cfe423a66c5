# SPDX-License-Identifier: MIT
"""The registered operators: schemas, fakes, gradients of first and second order."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.library import opcheck
from warpgnn.torch import functional as WF

from functions import GRAPH, ONCE, TWICE, E, N, leaf, leaves
from operators import DIFFERENTIABLE, Arguments, raw, registered, with_leaves

ALL = Arguments().all()


def test_every_operator_has_arguments() -> None:
    assert set(ALL) == set(registered())


@pytest.mark.parametrize("name", registered())
def test_schema_fake_and_autograd(name: str) -> None:
    """opcheck on each argument list; with hubs on one more, whose graph has its tables of long rows."""
    few = ALL[name] if len(ALL[name]) <= 4 else ALL[name][::5]
    for arguments in few + Arguments(hubs=True).all()[name][:1]:
        opcheck(raw(name), with_leaves(arguments) if name in DIFFERENTIABLE else arguments)


@pytest.mark.parametrize("name", registered())
def test_fakes_know_every_result(name: str) -> None:
    """All argument lists: shapes, strides and dtypes of results on the meta device. A graph's tables have sizes that
    its edges decide."""
    for arguments in ALL[name] if name != "graph_from_coo" else []:
        def on_meta(argument):
            if isinstance(argument, (list, tuple)):
                return [on_meta(item) for item in argument]
            return argument.to("meta") if isinstance(argument, torch.Tensor) else argument

        real, fake = raw(name)(*arguments), raw(name)(*map(on_meta, arguments))
        for actual, expected in zip(fake if isinstance(fake, tuple) else [fake],
                                    real if isinstance(real, tuple) else [real], strict=True):
            assert actual.device.type == "meta"
            assert (actual.shape, actual.dtype, actual.stride()) == (expected.shape, expected.dtype, expected.stride())


# --- Gradients --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*TWICE, *ONCE])
def test_first_derivatives(name: str) -> None:
    assert gradcheck(*leaves(name))


@pytest.mark.parametrize("name", TWICE)
def test_second_derivatives(name: str) -> None:
    assert gradgradcheck(*leaves(name))


@pytest.mark.parametrize("name", ["gat_attention", "gat_layer", "attention dot", "pool softmax sum 2",
                                  "relation_aggregate", "gcn_norm"])
@pytest.mark.parametrize("power", [1, 2])  # a first gradient that is a constant, and one that needs a gradient itself
def test_no_second_derivative_is_an_error(name: str, power: int) -> None:
    function, inputs = leaves(name)
    gradients = torch.autograd.grad(function(*inputs).pow(power).sum(), inputs, create_graph=True, allow_unused=True)
    for gradient in gradients:
        if gradient is not None:
            with pytest.raises(RuntimeError, match="none of its own|no second derivative"):
                gradient.sum().backward(retain_graph=True)


def test_third_derivatives() -> None:
    x, w = leaf(N, 2), leaf(E)

    def norms_of_gradients(x, w):
        first = torch.autograd.grad(WF.aggregate(GRAPH, x, w, reduce="mean").square().sum(), (x, w), create_graph=True)
        return sum(gradient.square().sum() for gradient in first)

    assert gradgradcheck(norms_of_gradients, (x, w))


@pytest.mark.parametrize("name", [*TWICE, *ONCE])
def test_only_the_gradients_that_are_needed(name: str) -> None:
    """Each alone is the same as among the others."""
    function, every = leaves(name)

    def total(*inputs):
        return sum(output.sin().sum() for output in torch.utils._pytree.tree_leaves(function(*inputs)))

    together = torch.autograd.grad(total(*every), every, allow_unused=True)
    for place, expected in enumerate(together):
        inputs = [x if k == place else x.detach() for k, x in enumerate(every)]
        if expected is None:
            continue
        (alone,) = torch.autograd.grad(total(*inputs), [inputs[place]])
        torch.testing.assert_close(alone, expected, rtol=1e-12, atol=1e-12)
