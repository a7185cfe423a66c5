# SPDX-License-Identifier: MIT
"""The graph layers and their options: how each is made of PyG's or of our module, and what it is called with."""

from typing import Any, Callable, NamedTuple

import torch
from torch import Tensor

from graphs import BIPARTITE, SQUARE, Edges, bipartite, square

IN, WIDE, OUT, EDGE, RELATIONS = 12, 9, 8, 5, 4


class Layer(NamedTuple):
    """A layer with options; `inputs` names what it is called with, in order: see `arguments`."""

    name: str
    make: Callable[[Any], torch.nn.Module]
    inputs: str = "x edges"
    call: dict = {}

    @property
    def graphs(self) -> tuple[str, ...]:
        return BIPARTITE if "pair" in self.inputs else SQUARE

    def edges(self, graph: str) -> Edges:
        return bipartite(graph) if "pair" in self.inputs else square(graph)


def mlp(width: int = IN, out: int = OUT) -> torch.nn.Sequential:
    return torch.nn.Sequential(torch.nn.Linear(width, 10), torch.nn.ReLU(), torch.nn.Linear(10, out))


def arguments(layer: Layer, edges: Edges, seed: int = 1) -> tuple:
    """x [N, IN]; pair: ([N_src, IN], [N_dst, WIDE]); equal_pair: both IN wide; source_pair: no destinations' features;
    edge_attr [E, EDGE]; scalar_attr [E]; wide_attr [E, IN]; edge_weight [E], above 0; edge_type [E]; ids [N]; sizes
    (N_src, N_dst); none."""
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    makers = {
        "x": lambda: random(edges.sources, IN),
        "pair": lambda: (random(edges.sources, IN), random(edges.destinations, WIDE)),
        "equal_pair": lambda: (random(edges.sources, IN), random(edges.destinations, IN)),
        "source_pair": lambda: (random(edges.sources, IN), None),
        "edges": lambda: edges.edge_index,
        "edge_attr": lambda: random(edges.count, EDGE),
        "scalar_attr": lambda: random(edges.count),
        "wide_attr": lambda: random(edges.count, IN),
        "edge_weight": lambda: torch.rand(edges.count, generator=generator) + 0.25,
        "edge_type": lambda: torch.randint(0, RELATIONS, (edges.count,), generator=generator),
        "ids": lambda: torch.randperm(edges.sources, generator=generator),
        "sizes": lambda: edges.sizes,
        "none": lambda: None,
    }
    return tuple(makers[name]() for name in layer.inputs.split())


_ATTENTION = {"return_attention_weights": True}
_PAIR = (IN, WIDE)

GCN = [
    Layer("gcn", lambda nn: nn.GCNConv(IN, OUT)),
    Layer("gcn widens", lambda nn: nn.GCNConv(IN, 2 * IN)),
    Layer("gcn no bias", lambda nn: nn.GCNConv(IN, OUT, bias=False)),
    Layer("gcn no loops", lambda nn: nn.GCNConv(IN, OUT, add_self_loops=False)),
    Layer("gcn no norm", lambda nn: nn.GCNConv(IN, OUT, normalize=False)),
    Layer("gcn no norm weights", lambda nn: nn.GCNConv(IN, OUT, normalize=False), "x edges edge_weight"),
    Layer("gcn improved", lambda nn: nn.GCNConv(IN, OUT, improved=True)),
    Layer("gcn weights no loops", lambda nn: nn.GCNConv(IN, 2 * IN, add_self_loops=False), "x edges edge_weight"),
    Layer("gcn reversed", lambda nn: nn.GCNConv(IN, OUT, flow="target_to_source")),
    Layer("gcn lazy", lambda nn: nn.GCNConv(-1, OUT)),
    Layer("graph", lambda nn: nn.GraphConv(IN, OUT)),
    Layer("graph weights", lambda nn: nn.GraphConv(IN, OUT, bias=False), "x edges edge_weight"),
    Layer("graph mean", lambda nn: nn.GraphConv(IN, OUT, aggr="mean"), "x edges edge_weight"),
    Layer("graph max", lambda nn: nn.GraphConv(IN, OUT, aggr="max")),
    Layer("graph max weights", lambda nn: nn.GraphConv(IN, OUT, aggr="max"), "x edges edge_weight"),
    Layer("graph pair", lambda nn: nn.GraphConv(_PAIR, OUT), "pair edges edge_weight"),
    Layer("graph sources", lambda nn: nn.GraphConv(_PAIR, OUT), "source_pair edges edge_weight sizes"),
    Layer("graph reversed", lambda nn: nn.GraphConv(IN, OUT, flow="target_to_source"), "x edges edge_weight"),
    Layer("graph lazy", lambda nn: nn.GraphConv(-1, OUT)),
    Layer("graph lazy pair", lambda nn: nn.GraphConv((-1, -1), OUT), "pair edges"),
]

SUMS = [
    Layer("gin", lambda nn: nn.GINConv(mlp(), eps=0.3)),
    Layer("gin learnt", lambda nn: nn.GINConv(mlp(), train_eps=True)),
    Layer("gin max", lambda nn: nn.GINConv(mlp(), aggr="max")),
    Layer("gin mean", lambda nn: nn.GINConv(mlp(), aggr="mean")),
    Layer("gin pair", lambda nn: nn.GINConv(mlp(), train_eps=True), "equal_pair edges"),
    Layer("gin sources", lambda nn: nn.GINConv(mlp()), "source_pair edges sizes"),
    Layer("gin reversed", lambda nn: nn.GINConv(mlp(), flow="target_to_source")),
    Layer("gine", lambda nn: nn.GINEConv(mlp(), train_eps=True), "x edges wide_attr"),
    Layer("gine projected", lambda nn: nn.GINEConv(mlp(), edge_dim=EDGE), "x edges edge_attr"),
    Layer("gine pair", lambda nn: nn.GINEConv(mlp(), edge_dim=EDGE), "equal_pair edges edge_attr"),
    Layer("gine max", lambda nn: nn.GINEConv(mlp(), edge_dim=EDGE, aggr="max"), "x edges edge_attr"),
    Layer("gine reversed", lambda nn: nn.GINEConv(mlp(), edge_dim=EDGE, flow="target_to_source"), "x edges edge_attr"),
    Layer("sage", lambda nn: nn.SAGEConv(IN, OUT)),
    Layer("sage sum", lambda nn: nn.SAGEConv(IN, OUT, aggr="sum")),
    Layer("sage max", lambda nn: nn.SAGEConv(IN, OUT, aggr="max")),
    Layer("sage list", lambda nn: nn.SAGEConv(IN, OUT, aggr=["mean", "max", "min"])),
    Layer("sage normalized", lambda nn: nn.SAGEConv(IN, OUT, normalize=True)),
    Layer("sage no root", lambda nn: nn.SAGEConv(IN, OUT, root_weight=False, bias=False)),
    Layer("sage projected", lambda nn: nn.SAGEConv(IN, OUT, project=True)),
    Layer("sage pair", lambda nn: nn.SAGEConv(_PAIR, OUT, project=True), "pair edges"),
    Layer("sage sources", lambda nn: nn.SAGEConv(IN, OUT), "source_pair edges sizes"),
    Layer("sage lazy", lambda nn: nn.SAGEConv((-1, -1), OUT), "pair edges"),
    Layer("sage lazy list", lambda nn: nn.SAGEConv(-1, OUT, aggr=["mean", "max"])),
    Layer("sage reversed", lambda nn: nn.SAGEConv(IN, OUT, flow="target_to_source")),
]

GAT = [
    Layer("gat", lambda nn: nn.GATConv(IN, OUT, heads=3)),
    Layer("gat no loops", lambda nn: nn.GATConv(IN, OUT, heads=2, add_self_loops=False)),
    Layer("gat mean of heads", lambda nn: nn.GATConv(IN, OUT, heads=3, concat=False, bias=False)),
    Layer("gat residual", lambda nn: nn.GATConv(IN, OUT, heads=2, residual=True)),
    Layer("gat weights", lambda nn: nn.GATConv(IN, OUT, heads=2), call=_ATTENTION),
    Layer("gat steep", lambda nn: nn.GATConv(IN, OUT, negative_slope=0.7)),
    Layer("gat edges", lambda nn: nn.GATConv(IN, OUT, heads=3, edge_dim=EDGE), "x edges edge_attr"),
    Layer("gat edges no loops", lambda nn: nn.GATConv(IN, OUT, heads=3, edge_dim=EDGE, add_self_loops=False),
          "x edges edge_attr"),
    Layer("gat edges weights", lambda nn: nn.GATConv(IN, OUT, heads=2, edge_dim=EDGE, fill_value=0.5),
          "x edges edge_attr", _ATTENTION),
    Layer("gat scalar edges", lambda nn: nn.GATConv(IN, OUT, edge_dim=1), "x edges scalar_attr"),
    Layer("gat unused edges", lambda nn: nn.GATConv(IN, OUT), "x edges edge_attr"),
    Layer("gat fill sum", lambda nn: nn.GATConv(IN, OUT, edge_dim=EDGE, fill_value="add"), "x edges edge_attr"),
    Layer("gat fill max", lambda nn: nn.GATConv(IN, OUT, edge_dim=EDGE, fill_value="max"), "x edges edge_attr"),
    Layer("gat fill min", lambda nn: nn.GATConv(IN, OUT, edge_dim=EDGE, fill_value="min"), "x edges edge_attr"),
    Layer("gat fill tensor", lambda nn: nn.GATConv(IN, OUT, edge_dim=EDGE, fill_value=torch.arange(5.0)),
          "x edges edge_attr"),
    Layer("gat pair", lambda nn: nn.GATConv(_PAIR, OUT, heads=2, residual=True), "pair edges"),
    Layer("gat pair no loops", lambda nn: nn.GATConv(_PAIR, OUT, heads=2, add_self_loops=False, edge_dim=EDGE),
          "pair edges edge_attr", _ATTENTION),
    Layer("gat shared pair", lambda nn: nn.GATConv(IN, OUT, heads=2), "equal_pair edges"),
    Layer("gat sources", lambda nn: nn.GATConv(_PAIR, OUT, heads=2, add_self_loops=False),
          "source_pair edges none sizes"),
    Layer("gat two matrices", lambda nn: nn.GATConv((IN, IN), OUT, heads=2)),
    Layer("gat reversed", lambda nn: nn.GATConv(IN, OUT, heads=2, edge_dim=EDGE, flow="target_to_source"),
          "x edges edge_attr"),
    Layer("gat reversed weights", lambda nn: nn.GATConv(IN, OUT, heads=2, flow="target_to_source"), call=_ATTENTION),
    Layer("gat lazy", lambda nn: nn.GATConv(-1, OUT, heads=2, residual=True)),
    Layer("gat lazy pair", lambda nn: nn.GATConv((-1, -1), OUT, edge_dim=EDGE, fill_value=2.0), "pair edges edge_attr"),
]

GATV2 = [
    Layer("gatv2", lambda nn: nn.GATv2Conv(IN, OUT, heads=3)),
    Layer("gatv2 shared", lambda nn: nn.GATv2Conv(IN, OUT, heads=2, share_weights=True)),
    Layer("gatv2 mean of heads", lambda nn: nn.GATv2Conv(IN, OUT, heads=3, concat=False, bias=False)),
    Layer("gatv2 residual", lambda nn: nn.GATv2Conv(IN, OUT, residual=True, add_self_loops=False)),
    Layer("gatv2 weights", lambda nn: nn.GATv2Conv(IN, OUT, heads=2), call=_ATTENTION),
    Layer("gatv2 edges", lambda nn: nn.GATv2Conv(IN, OUT, heads=2, edge_dim=EDGE), "x edges edge_attr"),
    Layer("gatv2 edges weights", lambda nn: nn.GATv2Conv(IN, OUT, heads=2, edge_dim=EDGE, fill_value="min"),
          "x edges edge_attr", _ATTENTION),
    Layer("gatv2 pair", lambda nn: nn.GATv2Conv(_PAIR, OUT, heads=2, residual=True), "pair edges"),
    Layer("gatv2 shared pair", lambda nn: nn.GATv2Conv(IN, OUT, share_weights=True), "equal_pair edges"),
    Layer("gatv2 reversed", lambda nn: nn.GATv2Conv(IN, OUT, heads=2, flow="target_to_source"), call=_ATTENTION),
    Layer("gatv2 lazy", lambda nn: nn.GATv2Conv(-1, OUT, heads=2, edge_dim=EDGE), "x edges edge_attr"),
]

TRANSFORMER = [
    Layer("transformer", lambda nn: nn.TransformerConv(IN, OUT, heads=3)),
    Layer("transformer gate", lambda nn: nn.TransformerConv(IN, OUT, heads=2, beta=True)),
    Layer("transformer gate of mean", lambda nn: nn.TransformerConv(IN, OUT, heads=2, beta=True, concat=False)),
    Layer("transformer no root", lambda nn: nn.TransformerConv(IN, OUT, heads=2, root_weight=False, bias=False)),
    Layer("transformer weights", lambda nn: nn.TransformerConv(IN, OUT, heads=2), call=_ATTENTION),
    Layer("transformer edges", lambda nn: nn.TransformerConv(IN, OUT, heads=2, edge_dim=EDGE), "x edges edge_attr"),
    Layer("transformer edges weights", lambda nn: nn.TransformerConv(IN, OUT, edge_dim=EDGE), "x edges edge_attr",
          {"return_attention_weights": False}),
    Layer("transformer pair", lambda nn: nn.TransformerConv(_PAIR, OUT, heads=2), "pair edges"),
    Layer("transformer reversed", lambda nn: nn.TransformerConv(IN, OUT, heads=2, flow="target_to_source"),
          call=_ATTENTION),
    Layer("transformer lazy", lambda nn: nn.TransformerConv((-1, -1), OUT), "pair edges"),
]


def _rgcn(name: str) -> list[Layer]:
    def make(inputs: str = "x edges edge_type", channels: Any = IN, **options: Any) -> tuple:
        return lambda nn: getattr(nn, name)(channels, OUT, RELATIONS, **options), inputs

    return [
        Layer(f"{name}", *make()),
        Layer(f"{name} sum", *make(aggr="add")),
        Layer(f"{name} bases", *make(num_bases=3)),
        Layer(f"{name} blocks", *make(num_blocks=2)),
        Layer(f"{name} bare", *make(root_weight=False, bias=False)),
        Layer(f"{name} pair", *make("pair edges edge_type", _PAIR)),
        Layer(f"{name} reversed", *make(flow="target_to_source")),
    ]


def _rgat(inputs: str = "x edges edge_type", **options: Any) -> tuple:
    return lambda nn: nn.RGATConv(IN, OUT, RELATIONS, **options), inputs


RELATIONAL = [
    *_rgcn("RGCNConv"),
    *_rgcn("FastRGCNConv"),
    Layer("rgat", *_rgat(heads=2)),
    Layer("rgat within", *_rgat(heads=2, attention_mechanism="within-relation")),
    Layer("rgat bases", *_rgat(num_bases=2, concat=False, heads=2)),
    Layer("rgat blocks", *_rgat(num_blocks=2, bias=False)),
    Layer("rgat edges", *_rgat("x edges edge_type edge_attr", edge_dim=EDGE, heads=2), _ATTENTION),
    Layer("rgat edges within", *_rgat("x edges edge_type edge_attr", edge_dim=EDGE,
                                      attention_mechanism="within-relation"), _ATTENTION),
    Layer("rgat reversed", *_rgat("x edges edge_type edge_attr", edge_dim=EDGE, flow="target_to_source"), _ATTENTION),
]

LAYERS = GCN + SUMS + GAT + GATV2 + TRANSFORMER + RELATIONAL
