# SPDX-License-Identifier: MIT
"""Small random graphs that have what goes wrong: nodes without edges, self-loops, several on one node, multi-edges,
hubs whose rows are longer than the 512 entries at which rows are cut, no edges, no nodes."""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

HUB = 1150


class Edges(NamedTuple):
    """Edges from `sources` nodes to `destinations` nodes."""

    edge_index: Tensor
    sources: int
    destinations: int

    @property
    def sizes(self) -> tuple[int, int]:
        return self.sources, self.destinations

    @property
    def count(self) -> int:
        return self.edge_index.shape[1]


SQUARE = ("random", "hubs", "no_edges", "one_node", "no_nodes")
BIPARTITE = ("wide", "tall", "hub", "bare")


@lru_cache(maxsize=None)
def square(name: str) -> Edges:
    """A graph with one set of nodes."""
    return _made(_random_square() if name == "random" else _square_columns(name), *(2 * [_SQUARE_NODES[name]]))


@lru_cache(maxsize=None)
def bipartite(name: str) -> Edges:
    """A graph with two sets of nodes, not equally many."""
    sources, destinations = {"wide": (31, 12), "tall": (9, 33), "hub": (14, 20), "bare": (4, 7)}[name]
    generator = torch.Generator().manual_seed(len(name))
    count = {"hub": 60, "bare": 0}.get(name, 110)
    source = torch.randint(0, sources - 2, (count,), generator=generator)
    destination = torch.randint(0, destinations - 2, (count,), generator=generator)
    if name == "hub":
        source = torch.cat([source, torch.randint(0, sources, (HUB,), generator=generator), torch.full((HUB,), 3)])
        destination = torch.cat([destination, torch.full((HUB,), 4),
                                 torch.randint(0, destinations, (HUB,), generator=generator)])
    return _made(torch.stack([source, destination]), sources, destinations)


def shuffled_batch(nodes: int, graphs: int) -> Tensor:
    """The graph of each node, in no order."""
    return torch.randint(0, graphs, (nodes,), generator=torch.Generator().manual_seed(nodes))


_SQUARE_NODES = {"random": 40, "hubs": 24, "no_edges": 5, "one_node": 1, "no_nodes": 0}


def _made(edge_index: Tensor, sources: int, destinations: int) -> Edges:
    return Edges(edge_index.contiguous(), sources, destinations)


def _random_square() -> Tensor:
    """The last nodes have no edges; nodes 2 and 5 have several loops, which differ in nothing but their place."""
    generator = torch.Generator().manual_seed(7)
    some = torch.randint(0, 35, (2, 150), generator=generator)
    loops = torch.tensor([[2, 2, 5, 5, 5, 9], [2, 2, 5, 5, 5, 9]])
    edges = torch.cat([some, some[:, :10], loops], dim=1)
    return edges[:, torch.randperm(edges.shape[1], generator=generator)]


def _square_columns(name: str) -> Tensor:
    if name in ("no_edges", "no_nodes"):
        return torch.zeros(2, 0, dtype=torch.int64)
    if name == "one_node":
        return torch.zeros(2, 3, dtype=torch.int64)
    generator = torch.Generator().manual_seed(11)
    some = torch.randint(0, 20, (2, 50), generator=generator)
    hub_in = torch.stack([torch.randint(0, 22, (HUB,), generator=generator), torch.full((HUB,), 3)])
    hub_out = torch.stack([torch.full((HUB,), 5), torch.randint(0, 22, (HUB,), generator=generator)])
    edges = torch.cat([some, hub_in, hub_out], dim=1)
    return edges[:, torch.randperm(edges.shape[1], generator=generator)]
