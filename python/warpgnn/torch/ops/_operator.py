# SPDX-License-Identifier: MIT
"""The operators of the shared object, and how gradients and fakes are attached to them."""

from __future__ import annotations

import functools
import os
import pathlib
from typing import Any, Callable, Iterable, Sequence

import torch
from torch import Tensor

Parts = list[Tensor]


def _library_path() -> pathlib.Path:
    """The shared object beside the package, or where WARPGNN_TORCH_LIBRARY says, for a build that is not installed."""
    override = os.environ.get("WARPGNN_TORCH_LIBRARY")
    path = pathlib.Path(override) if override else pathlib.Path(__file__).parents[2] / "warpgnn_torch.so"
    if not path.exists():
        raise ImportError(f"warpgnn: {path} is not there; the package was installed without its operators")
    return path


torch.ops.load_library(str(_library_path()))
_registry = torch.library.Library("warpgnn", "FRAGMENT")


def operator(name: str) -> torch._ops.OpOverload:
    """The operator of a name."""
    return getattr(torch.ops.warpgnn, name).default


def fake(name: str) -> Callable[[Callable], Callable]:
    """Registers what an operator's results look like, for the meta device, for torch.compile and for torch.export."""
    arguments = [argument.name for argument in operator(name)._schema.arguments]

    def register(function: Callable) -> Callable:
        @functools.wraps(function)
        def checked(*args: Any) -> Any:
            _one_device(name, zip(arguments, args))
            return function(*args)

        return torch.library.register_fake(f"warpgnn::{name}")(checked)

    return register


def _one_device(name: str, arguments: Iterable[tuple[str, Any]]) -> None:
    """Where one tensor is on the meta device, PyTorch asks what the result looks like, wherever the others are: it
    would be taken for a result."""
    first = None
    for argument, value in arguments:
        for tensor in value if isinstance(value, (list, tuple)) else [value]:
            if not isinstance(tensor, Tensor) or argument == "host_offsets":
                continue
            first = tensor.device if first is None else first
            if tensor.device != first:
                raise RuntimeError(f"warpgnn::{name}: {argument}: expected a tensor on {first}, as those before it, "
                                   f"got one on {tensor.device}")


def differentiable(name: str, function: type[torch.autograd.Function]) -> Callable[..., Any]:
    """The operator with its gradient.

    `function` is registered for whoever calls ``torch.ops.warpgnn``: torch.compile and torch.export do. What is
    returned calls it without the dispatcher between, which costs more than a small operator does.
    """
    raw = operator(name)

    def registered(*args: Any) -> Any:
        if torch.is_grad_enabled():
            return function.apply(*args)
        with torch._C._AutoDispatchBelowAutograd():
            return raw(*args)

    _registry.impl(name, registered, "Autograd")

    def call(*args: Any) -> Any:
        return raw(*args) if torch.compiler.is_compiling() else registered(*args)

    call.__name__ = call.__qualname__ = name
    return call


class _Final(torch.autograd.Function):
    """A gradient without a gradient of its own. Asking for that is an error, where autograd's `once_differentiable` has
    it be nothing unless the incoming gradient needs one too."""

    @staticmethod
    def forward(ctx: Any, raw: torch._ops.OpOverload, *args: Any) -> Any:
        ctx.name = raw._schema.name
        return below_autograd(raw, *args)

    @staticmethod
    def backward(ctx: Any, *_: Tensor) -> None:
        raise RuntimeError(f"{ctx.name}: this gradient has none of its own (a second derivative of the operator)")


def final(name: str) -> Callable[..., Any]:
    """The operator that is the gradient of one, and has none."""
    raw = operator(name)

    def registered(*args: Any) -> Any:
        if torch.is_grad_enabled():
            return _Final.apply(raw, *args)
        with torch._C._AutoDispatchBelowAutograd():
            return raw(*args)

    _registry.impl(name, registered, "Autograd")
    return registered


def constant(name: str) -> Callable[..., Any]:
    """An operator whose results are constants to autograd."""
    raw = operator(name)

    def registered(*args: Any) -> Any:
        with torch._C._AutoDispatchBelowAutograd():
            return raw(*args)

    _registry.impl(name, registered, "Autograd")
    return raw


def below_autograd(raw: torch._ops.OpOverload, *args: Any) -> Any:
    """Runs an operator in a Function's forward, whose own gradient is what counts."""
    with torch._C._AutoDispatchBelowAutograd():
        return raw(*args)


def accumulator(dtype: torch.dtype) -> torch.dtype:
    """What is computed in where rows are stored in `dtype`: float32 beside 16 bits."""
    return torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype


def num_destinations(graph: Parts) -> Any:
    return graph[0].shape[0] - 1


def num_sources(graph: Parts) -> Any:
    return graph[3].shape[0] - 1


def num_edges(graph: Parts) -> Any:
    return graph[1].shape[0]


def only_first_differentiable(ctx: Any, results: Sequence[Tensor]) -> None:
    """The other results have no gradient, for which autograd would make zeros at every backward pass otherwise; nor has
    the first, where it was not used."""
    ctx.mark_non_differentiable(*results[1:])
    ctx.set_materialize_grads(False)


def needed(ctx: Any, *positions: int) -> int:
    """The mask of the inputs at these positions that need a gradient: bit k for the k-th."""
    return sum(1 << k for k, position in enumerate(positions) if ctx.needs_input_grad[position])


def wanted(mask: int, bit: int, gradient: Tensor) -> Tensor | None:
    """A gradient that was asked for; what was not is an empty tensor that nobody is to see."""
    return gradient if mask >> bit & 1 else None
