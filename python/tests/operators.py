# SPDX-License-Identifier: MIT
"""What every registered operator may be called with."""

from typing import Any, Callable, Iterator, Optional

import torch
from torch import Tensor
from warpgnn.torch import Batch, Graph, ops

from graphs import Edges, bipartite, square

HEADS, CHANNELS, VALUES, WIDTH, RELATIONS, BASES = 2, 3, 4, 5, 3, 2


def registered() -> list[str]:
    """The names of all operators."""
    names = torch._C._dispatch_get_all_op_names()
    return sorted({name.split("::")[1].split(".")[0] for name in names if name.startswith("warpgnn::")})


def raw(name: str) -> Any:
    return getattr(torch.ops.warpgnn, name).default


class Arguments:
    """Random arguments in a dtype for operators on a square graph and on a bipartite one."""

    def __init__(self, dtype: torch.dtype = torch.float64, hubs: bool = False, seed: int = 2) -> None:
        self.dtype, self.real = dtype, ops.accumulator(dtype)
        self.generator = torch.Generator().manual_seed(seed)
        self.edges: Edges = bipartite("hub" if hubs else "wide")
        self.square_edges: Edges = square("hubs" if hubs else "random")
        self.graph = Graph(self.edges.edge_index, self.edges.sizes)
        self.square = Graph(self.square_edges.edge_index, self.square_edges.sizes)
        self.nodes = 700 if hubs else 20
        owner = torch.arange(self.nodes) // (600 if hubs else 7)
        self.batch = Batch(owner, 5)

    def rows(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.generator).to(self.dtype)

    def reals(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.generator).to(self.real)

    def above_zero(self, *shape: int) -> Tensor:
        return (torch.rand(*shape, generator=self.generator) + 0.25).to(self.real)

    def relation(self) -> Tensor:
        return torch.randint(0, RELATIONS, (self.edges.count,), generator=self.generator)

    def all(self) -> dict[str, list[tuple]]:
        """Argument lists by operator."""
        found: dict[str, list[tuple]] = {}
        for group in (self._graphs, self._sums, self._messages, self._gat, self._attention, self._pools,
                      self._relations):
            for name, arguments in group():
                found.setdefault(name, []).append(arguments)
        return found

    def _graphs(self) -> Iterator[tuple[str, tuple]]:
        square = self.square.parts
        for edge_index in (self.edges.edge_index, self.edges.edge_index.int()):
            yield "graph_from_coo", (*edge_index, *self.edges.sizes)
        weight, x = self.above_zero(self.square_edges.count), self.rows(self.square_edges.sources, WIDTH)
        yield "gcn_scale", (square, x, None)
        yield "gcn_scale", (square, x, weight)
        yield "gcn_norm", (square, weight)
        _, scale = raw("gcn_norm")(square, weight)
        yield "gcn_norm_backward", (square, self.reals(self.square_edges.count), weight, scale)

    def _sums(self) -> Iterator[tuple[str, tuple]]:
        parts, (sources, destinations) = self.graph.parts, self.edges.sizes
        x, dy = self.rows(sources, WIDTH), self.rows(destinations, WIDTH)
        scales = self.reals(sources), self.reals(destinations)
        for weight in (None, self.reals(self.edges.count)):
            for mean, (source_scale, destination_scale) in ((False, (None, None)), (True, scales)):
                yield "aggregate", (parts, x, weight, source_scale, destination_scale, mean)
                yield "aggregate_backward_x", (parts, dy, weight, source_scale, destination_scale, mean)
                yield "aggregate_backward_weight", (parts, dy, x, source_scale, destination_scale, mean)
        for minimum in (False, True):
            yield "aggregate_extremum", (parts, x, minimum)
            arg = raw("aggregate_extremum")(parts, x, minimum)[1]
            yield "aggregate_extremum_backward", (parts, dy, arg, minimum)

    def _messages(self) -> Iterator[tuple[str, tuple]]:
        parts, dy = self.graph.parts, self.rows(self.edges.destinations, WIDTH)
        x, edge = self.rows(self.edges.sources, WIDTH), self.rows(self.edges.count, WIDTH)
        for message in range(4):
            for reduce in range(4):
                source = None if message == 3 else x
                yield "message_aggregate", (parts, source, edge, message, reduce)
                arg = raw("message_aggregate")(parts, source, edge, message, reduce)[1]
                reads = message in (1, 2)
                yield "message_aggregate_backward", (parts, dy, source if reads else None, edge if reads else None,
                                                     arg if reduce >= 2 else None, message, reduce,
                                                     2 if message == 3 else 3)
        score = self.reals(self.edges.count, HEADS)
        yield "edge_softmax", (parts, score)
        yield "edge_softmax_backward", (parts, raw("edge_softmax")(parts, score), self.reals(self.edges.count, HEADS))

    def _gat(self) -> Iterator[tuple[str, tuple]]:
        parts, (sources, destinations) = self.graph.parts, self.edges.sizes
        value, dy = self.rows(sources, HEADS, CHANNELS), self.rows(destinations, HEADS, CHANNELS)
        scores = self.reals(sources, HEADS), self.reals(destinations, HEADS)
        for edge, seed, dropout in self._edge_scores_and_seeds(self.edges.count):
            yield "gat_attention", (parts, value, *scores, edge, seed, 0.2, dropout, True)
            saved = raw("gat_attention")(parts, value, *scores, edge, seed, 0.2, dropout, True)
            yield "gat_attention_backward", (parts, dy, value, *scores, edge, seed, *saved, 0.2, dropout,
                                             7 if edge is None else 15)
            yield "gat_attention_weights", (parts, *scores, edge, saved[1], saved[2], 0.2)
        parts, nodes = self.square.parts, self.square_edges.sources
        value, dy = self.rows(nodes, HEADS, CHANNELS), self.rows(nodes, HEADS, CHANNELS)
        vectors = self.reals(HEADS, CHANNELS), self.reals(HEADS, CHANNELS)
        for edge, seed, dropout in self._edge_scores_and_seeds(self.square_edges.count):
            yield "gat_layer", (parts, value, *vectors, edge, seed, 0.2, dropout, True)
            saved = raw("gat_layer")(parts, value, *vectors, edge, seed, 0.2, dropout, True)
            yield "gat_layer_backward", (parts, dy, value, *vectors, edge, seed, *saved, 0.2, dropout,
                                         3 if edge is None else 7)

    def _edge_scores_and_seeds(self, count: int) -> Iterator[tuple[Optional[Tensor], Optional[Tensor], float]]:
        yield None, None, 0.0
        yield self.reals(count, HEADS), torch.tensor([12345]), 0.4

    def _attention(self) -> Iterator[tuple[str, tuple]]:
        parts, (sources, destinations), count = self.graph.parts, self.edges.sizes, self.edges.count
        query, key = self.rows(destinations, HEADS, CHANNELS), self.rows(sources, HEADS, CHANNELS)
        value = self.rows(sources, HEADS, VALUES)
        edge_key, edge_value = self.rows(count, HEADS, CHANNELS), self.rows(count, HEADS, VALUES)
        vector, bias, seed = self.reals(HEADS, CHANNELS), self.reals(count, HEADS), torch.tensor([777])
        for score in range(3):
            of_score = vector if score < 2 else None
            for used, dropout, shared in (
                    ((query, key, None, None, None, None, of_score, None), 0.0, False),
                    ((query, key, value, edge_key, edge_value, bias, of_score, seed), 0.3, False),
                    ((query, key, None, edge_key, None, None, of_score, None), 0.0, True)):
                options = score, 0.2, 0.7, dropout
                yield "attention", (parts, *used, *options, shared)
                y, maximum, total = raw("attention")(parts, *used, *options, shared)
                needs = sum(1 << k for k, tensor in enumerate(used[:7]) if tensor is not None)
                yield "attention_backward", (parts, self.rows(*y.shape), *used, y, maximum, total, *options, shared,
                                             needs)
                yield "attention_weights", (parts, query, key, used[3], used[5], of_score, used[7], maximum, total,
                                            *options, dropout > 0)

    def _pools(self) -> Iterator[tuple[str, tuple]]:
        offsets = self.batch.offsets, self.batch.host_offsets
        for shape in ((WIDTH,), (HEADS, CHANNELS)):
            x, dy = self.rows(self.nodes, *shape), self.rows(5, *shape)
            score = self.reals(self.nodes, *shape[:-1])
            for reduce, gate in ((0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (0, 2), (1, 3)):
                given = None if gate == 0 else score
                if gate == 0 and len(shape) == 2:
                    continue
                temperature = 0.7 if gate == 1 else 1.0
                yield "pool", (*offsets, x, given, reduce, gate, temperature)
                y, maximum, total, arg = raw("pool")(*offsets, x, given, reduce, gate, temperature)
                saved = (y, maximum, total) if gate == 1 else (None, None, None)
                yield "pool_backward", (*offsets, dy, x, given, *saved, arg if reduce == 2 else None, reduce, gate,
                                        temperature, 1 if gate == 0 else 3)
                if gate:
                    yield "pool_weights", (*offsets, score, *saved[1:], gate, temperature)

    def _relations(self) -> Iterator[tuple[str, tuple]]:
        parts, relation = self.graph.parts, self.relation()
        x, dy = self.rows(self.edges.sources, WIDTH), self.rows(self.edges.destinations, BASES, WIDTH)
        for norm in range(3):
            yield "relation_weights", (parts, relation, x, RELATIONS, norm)
        coefficient = self.reals(RELATIONS, BASES)
        for weight in (None, self.above_zero(self.edges.count)):
            yield "relation_aggregate", (parts, x, relation, coefficient, weight)
            yield "relation_aggregate_backward", (parts, dy, x, relation, coefficient, weight,
                                                  3 if weight is None else 7)


DIFFERENTIABLE = ("gcn_norm", "aggregate", "aggregate_backward_x", "aggregate_backward_weight", "aggregate_extremum",
                  "aggregate_extremum_backward", "message_aggregate", "message_aggregate_backward", "edge_softmax",
                  "edge_softmax_backward", "gat_attention", "gat_layer", "attention", "pool", "relation_aggregate")


def with_leaves(arguments: tuple) -> tuple:
    """The same arguments, of which floating-point tensors (not the graph's) ask for a gradient."""
    def leaf(argument: Any) -> Any:
        if isinstance(argument, Tensor) and argument.is_floating_point():
            return argument.detach().clone().requires_grad_()
        return argument

    return tuple(map(leaf, arguments))


def flat(result: Any) -> list[Tensor]:
    return list(result) if isinstance(result, (tuple, list)) else [result]


Function = Callable[..., Any]
