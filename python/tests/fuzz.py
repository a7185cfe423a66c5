# SPDX-License-Identifier: MIT
"""Calls operators or functions with arguments that are nearly right, many times, in a process of its own: whatever
comes of it has to be a result or an ordinary exception. Results are differentiated where they can be.
  fuzz.py operators|functions CALLS SEED
"""

import collections
import random
import sys
from typing import Any, Callable

import torch
from torch import Tensor
from torch.utils import _pytree
from warpgnn.torch import Batch, Graph
from warpgnn.torch import functional as WF

from operators import RELATIONS, Arguments, raw

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int32, torch.int64, torch.int8, torch.bool,
          torch.complex64)
ORDINARY = (ValueError, TypeError, RuntimeError, IndexError, OverflowError, NotImplementedError, AttributeError,
            MemoryError)


def other_shape(tensor: Tensor, chance: random.Random) -> Tensor:
    """The same elements, fewer, more or none of them, or seen with another shape. What they say is not made up: indices
    among them are trusted."""
    if tensor.dim() == 0:
        return tensor.view(1, 1)
    changes = [lambda: tensor[:-1] if tensor.shape[0] > 0 else tensor, lambda: tensor[:0],
               lambda: torch.cat([tensor, tensor]), lambda: tensor.unsqueeze(0), lambda: tensor.unsqueeze(-1),
               lambda: tensor.flatten(), lambda: tensor.reshape(-1)[:1].squeeze(),
               lambda: tensor.repeat(*[1] * 4, *[1] * tensor.dim())]
    return chance.choice(changes)()


def other_strides(tensor: Tensor, chance: random.Random) -> Tensor:
    """The same values in memory of another order, with gaps, or one row for all."""
    if tensor.dim() == 0 or tensor.numel() == 0:
        return tensor
    changes = [lambda: tensor.transpose(0, -1).contiguous().transpose(0, -1), lambda: tensor[:1].expand_as(tensor),
               lambda: torch.stack([tensor, tensor], dim=-1)[..., 0], lambda: torch.cat([tensor, tensor])[::2]]
    return chance.choice(changes)()


def changed_tensor(tensor: Tensor, chance: random.Random) -> Tensor:
    how = chance.randrange(6)
    if how == 0:
        return other_shape(tensor, chance)
    if how == 1:
        return tensor.to(chance.choice(DTYPES))
    if how == 2:
        return tensor.to("meta")
    if how == 3 and tensor.is_floating_point():
        return tensor.clone().requires_grad_()
    return other_strides(tensor, chance) if tensor.is_floating_point() else tensor


def changed_parts(parts: list, chance: random.Random) -> object:
    """A list of another length, or with one part of another dtype or device."""
    if not parts or chance.random() < 0.5:
        return parts[:chance.randrange(len(parts) + 1)]
    place = chance.randrange(len(parts))
    part = parts[place].to("meta") if chance.random() < 0.5 else parts[place].to(torch.float32)
    return [*parts[:place], part, *parts[place + 1:]]


def changed(argument: object, chance: random.Random) -> object:
    if isinstance(argument, list):
        return changed_parts(argument, chance)
    if isinstance(argument, Graph):
        return chance.choice([argument.reversed(), argument.to("meta"), argument.edge_index, argument.parts, None])
    if isinstance(argument, Batch):
        fewer = argument if argument.offsets.is_meta else Batch.from_offsets(argument.offsets[:-1])
        return chance.choice([argument.to("meta"), argument.offsets, fewer, None])
    if isinstance(argument, Tensor):
        return None if chance.random() < 0.1 else changed_tensor(argument, chance)
    if isinstance(argument, bool):
        return not argument
    if isinstance(argument, int):
        return chance.choice([-1, 0, 1, 2, 3, 7, 100, 2**31, 2**40, -2**63])
    if isinstance(argument, float):
        return chance.choice([-1.0, 0.0, 0.5, 1.0, 2.0, float("nan"), float("inf"), 1e300])
    return chance.choice([None, 3, "sum", torch.zeros(3)])


def operators(dtype: torch.dtype) -> list[tuple[Callable, list]]:
    return [(raw(name), list(arguments)) for name, group in Arguments(dtype).all().items() for arguments in group]


def functions(dtype: torch.dtype) -> list[tuple[Callable, list]]:
    """Each with all its arguments in order; those that come by name alone follow in a wrapper's order."""
    made = Arguments(dtype)
    graph, square, batch = made.graph, made.square, made.batch
    sources, destinations, count = made.edges.sources, made.edges.destinations, made.edges.count
    nodes, loops = made.square_edges.sources, made.square_edges.count
    rows, reals = made.rows, made.reals
    return [
        (lambda g, x, w, s, t, reduce: WF.aggregate(g, x, w, source_scale=s, destination_scale=t, reduce=reduce),
         [graph, rows(sources, 5), reals(count), reals(sources), reals(destinations), "mean"]),
        (lambda g, x, reduce: WF.aggregate(g, x, reduce=reduce), [graph, rows(sources, 5), "max"]),
        (WF.edge_dot, [graph, rows(destinations, 5), rows(sources, 5)]),
        (lambda g, x, e, message, reduce: WF.message_aggregate(g, x, e, message=message, reduce=reduce),
         [graph, rows(sources, 5), rows(count, 5), "multiply", "max"]),
        (WF.gcn_norm, [square, made.above_zero(loops)]),
        (WF.gcn_scale, [square, rows(nodes, 5), made.above_zero(loops)]),
        (WF.edge_softmax, [graph, reals(count, 2)]),
        (lambda g, v, s, d, e, slope, p, kept: WF.gat_attention(g, v, s, d, e, negative_slope=slope, dropout=p,
                                                                return_weights=kept),
         [graph, rows(sources, 2, 3), reals(sources, 2), reals(destinations, 2), reals(count, 2), 0.2, 0.3, True]),
        (lambda g, v, s, d, e, slope, p: WF.gat_layer(g, v, s, d, e, negative_slope=slope, dropout=p),
         [square, rows(nodes, 2, 3), reals(2, 3), reals(2, 3), reals(loops, 2), 0.2, 0.3]),
        (lambda g, q, k, v, how, vector, ek, ev, bias, p, kept: WF.attention(
            g, q, k, v, score=how, vector=vector, edge_key=ek, edge_value=ev, edge_bias=bias, dropout=p,
            return_weights=kept),
         [graph, rows(destinations, 2, 3), rows(sources, 2, 3), rows(sources, 2, 4), "gatv2", reals(2, 3),
          rows(count, 2, 3), rows(count, 2, 4), reals(count, 2), 0.3, True]),
        (WF.relation_weights, [graph, made.relation(), RELATIONS, rows(1), "per_relation"]),
        (WF.relation_aggregate,
         [graph, rows(sources, 5), made.relation(), reals(RELATIONS, 2), made.above_zero(count)]),
        (lambda b, x, s, reduce, gate, t, kept: WF.pool(b, x, s, reduce=reduce, gate=gate, temperature=t,
                                                        return_weights=kept),
         [batch, rows(made.nodes, 2, 3), reals(made.nodes, 2), "mean", "softmax", 0.7, True]),
        (Graph, [made.edges.edge_index, tuple(made.edges.sizes)]),
        (Batch, [torch.arange(20) // 7, 5]),
    ]


def makes_too_much(function: Callable, arguments: list) -> bool:
    """As many nodes, graphs or counters of relations as are asked for are made."""
    makers = Graph, Batch, WF.relation_weights, raw("graph_from_coo"), raw("relation_weights")
    return function in makers and any(isinstance(n, int) and n > 10**6 for n in arguments)


def differentiate(result: Any) -> None:
    outputs = [t for t in _pytree.tree_leaves(result) if isinstance(t, Tensor) and t.requires_grad and not t.is_meta]
    if outputs:
        sum(output.sum() for output in outputs).backward()


def main() -> None:
    what, calls, chance = sys.argv[1], int(sys.argv[2]), random.Random(int(sys.argv[3]))
    lists = [entry for dtype in (torch.float32, torch.bfloat16) for entry in
             (operators if what == "operators" else functions)(dtype)]
    seen: collections.Counter = collections.Counter()
    for _ in range(calls):
        function, given = chance.choice(lists)
        arguments = list(given)
        for _ in range(chance.choice([1, 1, 2, 3])):
            place = chance.randrange(len(arguments))
            arguments[place] = changed(arguments[place], chance)
        if makes_too_much(function, arguments):
            continue
        try:
            differentiate(function(*arguments))
            seen["results"] += 1
        except ORDINARY as error:
            seen[type(error).__name__] += 1
    print(dict(seen))


if __name__ == "__main__":
    main()
