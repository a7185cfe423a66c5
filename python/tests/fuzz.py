# SPDX-License-Identifier: MIT
"""Calls every operator with arguments that are nearly right, many times, in a process of its own: whatever comes of it
has to be a result or an ordinary exception.
  fuzz.py ROUNDS SEED
"""

import collections
import random
import sys

import torch
from torch import Tensor

from operators import Arguments, raw

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int32, torch.int64, torch.int8, torch.bool,
          torch.complex64)


def other_shape(tensor: Tensor, chance: random.Random) -> Tensor:
    """The same elements, fewer, more or none of them, or seen with another shape. What they say is not made up: indices
    among them are trusted."""
    changes = [lambda: tensor[:-1] if tensor.dim() > 0 and tensor.shape[0] > 0 else tensor, lambda: tensor[:0],
               lambda: torch.cat([tensor, tensor]), lambda: tensor.unsqueeze(0), lambda: tensor.unsqueeze(-1),
               lambda: tensor.flatten(), lambda: tensor.reshape(-1)[:1].squeeze(), lambda: tensor.repeat(*[1] * 4,
                                                                                                       *[1] * tensor.dim())]
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


def changed_graph(parts: list, chance: random.Random) -> object:
    """A list of another length, or with one part of another dtype or device."""
    if not parts or chance.random() < 0.5:
        return parts[:chance.randrange(len(parts) + 1)]
    place = chance.randrange(len(parts))
    part = parts[place].to("meta") if chance.random() < 0.5 else parts[place].to(torch.float32)
    return [*parts[:place], part, *parts[place + 1:]]


def changed(argument: object, chance: random.Random) -> object:
    if isinstance(argument, list):
        return changed_graph(argument, chance)
    if isinstance(argument, Tensor):
        return None if chance.random() < 0.1 else changed_tensor(argument, chance)
    if isinstance(argument, bool):
        return not argument
    if isinstance(argument, int):
        return chance.choice([-1, 0, 1, 2, 3, 7, 100, 2**31, 2**40, -2**63])
    if isinstance(argument, float):
        return chance.choice([-1.0, 0.0, 0.5, 1.0, 2.0, float("nan"), float("inf"), 1e300])
    return chance.choice([None, 3, torch.zeros(3)])


def main() -> None:
    rounds, chance = int(sys.argv[1]), random.Random(int(sys.argv[2]))
    lists = [(name, arguments) for dtype in (torch.float32, torch.bfloat16) for name, group in
             Arguments(dtype).all().items() for arguments in group]
    seen: collections.Counter = collections.Counter()
    for _ in range(rounds):
        name, arguments = chance.choice(lists)
        arguments = list(arguments)
        for _ in range(chance.choice([1, 1, 2, 3])):
            place = chance.randrange(len(arguments))
            arguments[place] = changed(arguments[place], chance)
        if name == "graph_from_coo" and max(n for n in arguments[2:] if isinstance(n, int)) > 10**6:
            continue  # as many nodes as asked for are made
        try:
            raw(name)(*arguments)
            seen["results"] += 1
        except Exception as error:
            seen[type(error).__name__] += 1
    print(dict(seen))


if __name__ == "__main__":
    main()
