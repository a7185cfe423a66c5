# SPDX-License-Identifier: MIT
"""Comparison of results and of every gradient."""

from typing import Any, Callable, Iterable, Optional

import torch
from torch import Tensor
from torch.utils import _pytree

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}
HUB_TOLERANCE = {**TOLERANCE, torch.float32: 4e-5}
"""A hub's gradients are sums of a thousand terms that nearly cancel: PyG's float32 is as far off its float64."""


def close(actual: Tensor, expected: Tensor, tolerance: float, what: str) -> None:
    """No element is further off than `tolerance` times the largest expected one, or times 1."""
    assert actual.shape == expected.shape, f"{what}: shape {list(actual.shape)}, expected {list(expected.shape)}"
    if not expected.is_floating_point():
        assert torch.equal(actual, expected), f"{what}: other integers"
        return
    finite = expected.isfinite()
    if not finite.all():  # the maximum of no scores is -inf
        assert torch.equal(actual[~finite].double(), expected[~finite].double()), f"{what}: not the same infinities"
        actual, expected = actual[finite], expected[finite]
    if expected.numel() == 0:
        return
    error = (actual.double() - expected.double()).abs().max().item()
    most = max(1.0, expected.double().abs().max().item())
    assert error <= tolerance * most, f"{what}: off by {error:.3g}, of {most:.3g}"


def near(actual: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float) -> None:
    """Their difference is short beside them, all taken as one vector: where scores of 16 bits fall on the other side of
    a kink, single elements may be far off."""
    off = sum((actual[name].double() - expected[name].double()).square().sum() for name in expected)
    whole = sum(expected[name].double().square().sum() for name in expected)
    assert actual.keys() == expected.keys()
    assert off <= tolerance**2 * whole, f"off by {float(off / whole) ** 0.5:.3g} of their length"


def differentiable(arguments: Any, dtype: torch.dtype) -> Any:
    """The same arguments, whose floating-point tensors are new leaves of a dtype."""
    return _pytree.tree_map_only(
        Tensor, lambda t: t.detach().to(dtype).clone().requires_grad_() if _is_real(t) else t, arguments)


def results_and_gradients(run: Callable, arguments: Any, parameters: Iterable[tuple[str, Tensor]] = (),
                          seed: int = 5) -> dict[str, Tensor]:
    """Outputs by place, and the gradients of all leaves among the arguments and of the parameters, by name; zeros stand
    for a gradient that is none."""
    outputs = [output for output in _pytree.tree_leaves(run(*arguments)) if output is not None]
    found = {f"output {k}": dense(output).detach() for k, output in enumerate(outputs)}
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros((), dtype=torch.float64)
    for output in map(dense, outputs):
        if output.requires_grad:
            factor = torch.randn(output.shape, generator=generator, dtype=torch.float64)
            total = total + (output.double() * factor).sum()
    named = [(f"argument {k}", leaf) for k, leaf in enumerate(_pytree.tree_leaves(arguments))
             if isinstance(leaf, Tensor) and leaf.requires_grad]
    named += [(f"parameter {name}", parameter) for name, parameter in parameters]
    gradients: list[Optional[Tensor]] = [None] * len(named)
    if total.requires_grad and named:
        gradients = list(torch.autograd.grad(total, [leaf for _, leaf in named], allow_unused=True))
    for (name, leaf), gradient in zip(named, gradients):
        found[f"gradient of {name}"] = torch.zeros_like(leaf) if gradient is None else dense(gradient).detach()
    return found


def dense(tensor: Any) -> Tensor:
    tensor = torch.as_tensor(tensor)
    return tensor if tensor.layout == torch.strided else tensor.to_dense()


def same_results(actual: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float) -> None:
    assert actual.keys() == expected.keys()
    for name in expected:
        close(actual[name], expected[name], tolerance, name)


def _is_real(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and tensor.layout == torch.strided


def randomize(module: torch.nn.Module, seed: int = 3) -> None:
    """Parameters that are exact in float32, none of them zero, as biases are at first."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.25)
