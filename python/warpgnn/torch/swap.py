# SPDX-License-Identifier: MIT
"""Swaps the layers of a PyG model for ours."""

from __future__ import annotations

import copy
import inspect
from dataclasses import dataclass, field
from typing import Any, Optional

import torch

from . import nn

_LAYERS = ("GATConv", "GATv2Conv", "GCNConv", "GINConv", "GINEConv", "GraphConv", "RGATConv", "RGCNConv",
           "FastRGCNConv", "SAGEConv", "TransformerConv", "AttentionalAggregation", "Set2Set", "SoftmaxAggregation",
           "TopKPooling", "SAGPooling")


@dataclass
class Swaps:
    """What to_warpgnn did."""

    swapped: list[str] = field(default_factory=list)  #: names of the layers that were swapped
    kept: dict[str, str] = field(default_factory=dict)  #: names of PyG's layers that were not, and why

    def __str__(self) -> str:
        lines = [f"swapped {len(self.swapped)}: {', '.join(self.swapped) or 'none'}"]
        lines += [f"kept {name}: {reason}" for name, reason in self.kept.items()]
        return "\n".join(lines)


def to_warpgnn(model: torch.nn.Module) -> Swaps:
    """Swaps the PyG layers of a model for ours, in place, parameters and all: an optimiser and checkpoints see the
    parameters that they knew. Says which layers it could not swap, and leaves these as they are.

    Raises:
        ValueError: for a model that is one of these layers itself, and has no place of its own to be swapped at.
    """
    if _library_layer(model) is not None:
        raise ValueError(f"model: expected a module that holds layers, got the layer {type(model).__name__} itself; "
                         f"warpgnn.torch.nn.{type(model).__name__} takes its state_dict")
    swaps = Swaps()
    _swap_children(model, "", swaps, {})
    return swaps


def _swap_children(module: torch.nn.Module, prefix: str, swaps: Swaps, done: dict[int, torch.nn.Module]) -> None:
    for name, child in module._modules.items():  # not named_children(), which shows a layer of two names once
        if child is None:
            continue
        path = f"{prefix}{name}"
        kind = _library_layer(child)
        if id(child) in done:
            module._modules[name] = done[id(child)]  # one layer under two names stays one layer
        elif kind is None:
            if _passes_messages(child):  # what it consists of is its own affair
                swaps.kept[path] = _why_kept(child)
            else:
                _swap_children(child, f"{path}.", swaps, done)
        else:
            try:
                ours = _counterpart(child, getattr(nn, kind))
            except (NotImplementedError, TypeError, ValueError) as error:
                swaps.kept[path] = str(error)
                continue
            module._modules[name] = done[id(child)] = ours
            swaps.swapped.append(path)


def _from_pyg(kind: type) -> bool:
    return kind.__module__.startswith("torch_geometric.")


def _library_layer(module: torch.nn.Module) -> Optional[str]:
    """The name of a layer of PyG's own that has a counterpart."""
    kind = type(module)
    return kind.__name__ if _from_pyg(kind) and kind.__name__ in _LAYERS else None


def _passes_messages(module: torch.nn.Module) -> bool:
    return any(_from_pyg(base) and base.__name__ in ("MessagePassing", "Aggregation") for base in type(module).__mro__)


def _why_kept(module: torch.nn.Module) -> str:
    for base in type(module).__mro__[1:]:
        if _from_pyg(base) and base.__name__ in _LAYERS:
            return f"{type(module).__name__} is a class of its own, derived from {base.__name__}"
    return f"{type(module).__name__} has no counterpart"


def _counterpart(layer: torch.nn.Module, ours: type) -> torch.nn.Module:
    """Our layer with the parameters of PyG's."""
    if any(value for name, value in vars(layer).items() if name.endswith("_hooks")):
        raise NotImplementedError(f"{type(layer).__name__} has hooks, which know PyG's layer")
    made = ours(**_arguments(layer, ours))
    made.train(layer.training)
    for name, parameter in list(layer.named_parameters(recurse=False)) + list(layer.named_buffers(recurse=False)):
        if name in made._parameters:
            made._parameters[name] = parameter
        elif name in made._buffers:
            made._buffers[name] = parameter
        elif parameter is not None:
            raise ValueError(f"{type(layer).__name__}: parameter {name!r} has no counterpart")
    for name, child in layer.named_children():
        if name in made._modules:
            _adopt(made, name, child)
    found, expected = (dict(some.named_parameters(remove_duplicate=False)) for some in (made, layer))
    if found.keys() != expected.keys() or any(found[name] is not expected[name] for name in found):
        raise ValueError(f"{type(layer).__name__}: its parameters are not those that its counterpart has")
    return made


def _adopt(made: torch.nn.Module, name: str, child: torch.nn.Module) -> None:
    """A part of PyG's layer in ours: networks of the caller's as they are, PyG's own parts by their parameters."""
    ours = made._modules[name]
    if ours is None or not type(child).__module__.startswith("torch_geometric.") or type(ours) is type(child):
        made._modules[name] = child
        return
    for key in ours._parameters:
        ours._parameters[key] = child._parameters.get(key)
    for key in ours._buffers:
        ours._buffers[key] = child._buffers.get(key)
    for key, grandchild in child.named_children():
        if key in ours._modules:
            _adopt(ours, key, grandchild)


def _arguments(layer: torch.nn.Module, ours: type) -> dict[str, Any]:
    """Of our constructor, read off PyG's layer."""
    kind = type(layer).__name__
    arguments: dict[str, Any] = {}
    for name in inspect.signature(ours.__init__).parameters:
        if name in ("self", "kwargs"):
            continue
        if name == "bias" and name not in layer._parameters:
            arguments[name] = _has_projection_bias(layer)
        elif name == "bias":
            arguments[name] = layer._parameters[name] is not None
        elif hasattr(layer, name):
            arguments[name] = getattr(layer, name)
    if kind in ("GINConv", "GINEConv"):  # which start their networks anew: that of the model is given to them later
        arguments.update(nn=copy.deepcopy(layer.nn), eps=layer.initial_eps,
                         train_eps=isinstance(layer.eps, torch.nn.Parameter))
        if kind == "GINEConv":
            arguments["edge_dim"] = None if layer.lin is None else layer.lin.in_channels
    if kind in ("RGCNConv", "FastRGCNConv"):
        arguments["root_weight"] = layer.root is not None
    if kind == "Set2Set":
        arguments["num_layers"] = layer.lstm.num_layers
    if kind == "SoftmaxAggregation":
        if getattr(layer, "semi_grad", False):
            raise NotImplementedError("SoftmaxAggregation: semi_grad: expected False, got True")
        arguments["t"] = layer._init_t
    if kind == "AttentionalAggregation" and (layer.gate_mlp is not None or layer.mlp is not None):
        raise NotImplementedError("AttentionalAggregation: PyG's MLP takes the batch too")
    if kind in ("TopKPooling", "SAGPooling"):
        arguments["nonlinearity"] = layer.select.act
    if kind == "SAGPooling":
        arguments["GNN"] = _same_layer(layer.gnn)
    flow = getattr(layer, "flow", "source_to_target")
    if flow != "source_to_target":
        arguments["flow"] = flow
    if "aggr" not in arguments and hasattr(layer, "aggr"):
        arguments["aggr"] = layer.aggr
    if getattr(layer, "decomposed_layers", 1) not in (None, 1):
        raise NotImplementedError(f"{kind}: decomposed_layers: expected 1, got {layer.decomposed_layers}")
    if getattr(layer, "explain", None):
        raise NotImplementedError(f"{kind}: PyG's explainer is switched on")
    return arguments


def _has_projection_bias(layer: torch.nn.Module) -> bool:
    """Of layers whose only biases are those of their projections."""
    for name in ("lin_key", "lin_l", "lin_rel", "lin"):
        projection = getattr(layer, name, None)
        if projection is not None:
            return projection.bias is not None
    return True


def _same_layer(gnn: torch.nn.Module) -> Any:
    """Makes SAG pooling's layer of one that is there."""
    ours = getattr(nn, type(gnn).__name__, None) if type(gnn).__name__ in _LAYERS else None
    if ours is None:
        raise NotImplementedError(f"SAGPooling: GNN: {type(gnn).__name__} has no counterpart")
    return lambda *_, **__: _counterpart(copy.deepcopy(gnn), ours)  # SAG pooling starts it anew
