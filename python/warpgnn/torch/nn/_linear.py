# SPDX-License-Identifier: MIT
"""Dense layers and starting values, as PyG has them."""

from __future__ import annotations

import math
from typing import Any, Optional

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.parameter import Parameter, UninitializedParameter, is_lazy


def glorot(tensor: Optional[Tensor]) -> None:
    """Uniform in +-sqrt(6 / (the last two sizes)) (Glorot and Bengio 2010)."""
    if tensor is not None:
        bound = math.sqrt(6 / (tensor.size(-2) + tensor.size(-1)))
        torch.nn.init.uniform_(tensor, -bound, bound)


def zeros(tensor: Optional[Tensor]) -> None:
    if tensor is not None:
        torch.nn.init.zeros_(tensor)


def uniform(size: int, tensor: Optional[Tensor]) -> None:
    """Uniform in +-1 / sqrt(size)."""
    if tensor is not None:
        bound = 1 / math.sqrt(size) if size > 0 else 0.0
        torch.nn.init.uniform_(tensor, -bound, bound)


def reset(module: Any) -> None:
    """Starts a network of the caller's anew, or what it consists of."""
    if hasattr(module, "reset_parameters"):
        module.reset_parameters()
    elif isinstance(module, torch.nn.Module):
        for child in module.children():
            reset(child)


class Linear(torch.nn.Module):
    """x W^T + b, with W [out, in] and b [out].

    Args:
        in_channels: width of x; -1: found at the first call.
        out_channels: width of the result.
        bias: whether there is a b.
        weight_initializer: "glorot", or None for that of torch.nn.Linear, uniform in +-1 / sqrt(in). b starts so too.
    """

    def __init__(self, in_channels: int, out_channels: int, bias: bool = True,
                 weight_initializer: Optional[str] = None) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.weight_initializer = weight_initializer
        if in_channels > 0:
            self.weight = Parameter(torch.empty(out_channels, in_channels))
        else:
            self.weight = UninitializedParameter()
            self._hook = self.register_forward_pre_hook(self._initialize)
        if bias:
            self.bias = Parameter(torch.empty(out_channels))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Starts the parameters anew."""
        if is_lazy(self.weight):
            return
        if self.weight_initializer == "glorot":
            glorot(self.weight)
        else:
            uniform(self.in_channels, self.weight)
        uniform(self.in_channels, self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)

    @torch.no_grad()
    def _initialize(self, _: torch.nn.Module, inputs: tuple) -> None:
        if is_lazy(self.weight):
            self._materialize(inputs[0].size(-1))
            self.reset_parameters()
        self._hook.remove()
        del self._hook

    def _materialize(self, in_channels: int) -> None:
        self.in_channels = in_channels
        self.weight.materialize((self.out_channels, in_channels))

    def _save_to_state_dict(self, destination: dict, prefix: str, keep_vars: bool) -> None:
        if not is_lazy(self.weight):
            return super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[prefix + "weight"] = self.weight
        if self.bias is not None:
            destination[prefix + "bias"] = self.bias if keep_vars else self.bias.detach()

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: Any, **kwargs: Any) -> None:
        weight = state_dict.get(prefix + "weight")
        if weight is not None and is_lazy(self.weight) and not is_lazy(weight):
            self._materialize(weight.size(-1))
            if hasattr(self, "_hook"):
                self._hook.remove()
                del self._hook
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, bias={self.bias is not None}"
