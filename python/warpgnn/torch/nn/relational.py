# SPDX-License-Identifier: MIT
"""Layers over edges that have types."""

from __future__ import annotations

from typing import Any, Optional, Union

import torch
from torch import Tensor
from torch.nn import Parameter

from .. import functional as WF
from ..graph import Graph
from ._conv import Adjacency, Channels, Conv, as_matrix, channels_pair
from ._linear import Linear, glorot, zeros


class RGCNConv(Conv):
    """R-GCN (Schlichtkrull et al. 2018): y_i = sum over relations r of W_r (mean of x_j over the in-edges of relation
    r) + W_0 x_i + b.

    For each node stand the sums of every relation (or basis) side by side, [N_dst, R, in], which one matrix multiplies.

    Args:
        in_channels: width of x, or of (x of sources, x of destinations); without x, the number of nodes.
        out_channels: width of the result.
        num_relations: R.
        num_bases: W_r = sum over b of comp_rb V_b, of so many V_b.
        num_blocks: W_r has so many blocks on its diagonal and nothing else. Excludes `num_bases`.
        aggr: "mean", or "add" for the sum.
        root_weight: whether W_0 x_i takes part.
        is_sorted: taken and not needed.
        bias: whether there is a b.

    Parameters: ``weight`` [R, in, out], [B, in, out] with bases or [R, B, in / B, out / B] with blocks, ``comp``
    [R, B], ``root`` [in, out] (Glorot), ``bias`` [out] (zeros).
    """

    def __init__(self, in_channels: Channels, out_channels: int, num_relations: int, num_bases: Optional[int] = None,
                 num_blocks: Optional[int] = None, aggr: str = "mean", root_weight: bool = True,
                 is_sorted: bool = False, bias: bool = True, **kwargs: Any) -> None:
        super().__init__(("mean", "add", "sum"), aggr=aggr, **kwargs)
        if num_bases is not None and num_blocks is not None:
            raise ValueError("RGCNConv: num_blocks: expected none beside num_bases")
        sources, destinations = channels_pair(in_channels)
        if num_blocks is not None and (sources % num_blocks or out_channels % num_blocks):
            raise ValueError(f"RGCNConv: num_blocks: expected a divisor of {sources} and {out_channels}, got "
                             f"{num_blocks}")
        self.in_channels, self.out_channels, self.num_relations = in_channels, out_channels, num_relations
        self.num_bases, self.num_blocks, self.is_sorted = num_bases, num_blocks, is_sorted
        self.in_channels_l = sources
        if num_blocks is not None:
            shape = (num_relations, num_blocks, sources // num_blocks, out_channels // num_blocks)
        else:
            shape = (num_relations if num_bases is None else num_bases, sources, out_channels)
        self.weight = Parameter(torch.empty(shape))
        if num_bases is None:
            self.register_parameter("comp", None)
        else:
            self.comp = Parameter(torch.empty(num_relations, num_bases))
        if root_weight:
            self.root = Parameter(torch.empty(destinations, out_channels))
        else:
            self.register_parameter("root", None)
        if bias:
            self.bias = Parameter(torch.empty(out_channels))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Starts the parameters anew."""
        for parameter in (self.weight, self.comp, self.root):
            glorot(parameter)
        zeros(self.bias)

    def forward(self, x: Union[Optional[Tensor], tuple[Optional[Tensor], Tensor]], edge_index: Adjacency,
                edge_type: Optional[Tensor] = None) -> Tensor:
        """x [N, in], a pair, or ids of nodes [N] whose rows of W are their features; None: all ids. edge_type [E]."""
        sources, destinations = x if isinstance(x, tuple) else (x, x)
        all_ids = sources is None
        if all_ids:
            sources = torch.arange(self.in_channels_l, device=self.weight.device)
        if destinations is None:
            destinations = sources
        graph, value = self._make_graph(edge_index, sources, destinations)
        edge_type = value if edge_type is None else edge_type
        if edge_type is None:
            raise ValueError("RGCNConv: edge_type: expected the edges' relations [E], got none")
        weight = None
        if self.aggr == "mean":
            like, relations = self.weight.flatten(1), self.num_relations
            weight = graph.derived_of(edge_type, ("relation_weights", relations, like.dtype),
                                      lambda: WF.relation_weights(graph, edge_type, relations, like))
        if sources.is_floating_point():
            y = self._of_features(graph, sources, edge_type, weight)
        else:
            y = self._of_ids(graph, sources, all_ids, edge_type, weight)
        if self.root is not None:
            y = y + (destinations @ self.root if destinations.is_floating_point() else self.root[destinations])
        return y if self.bias is None else y + self.bias

    def _of_features(self, graph: Graph, x: Tensor, edge_type: Tensor, weight: Optional[Tensor]) -> Tensor:
        coefficient = self.comp
        if coefficient is None:
            coefficient = torch.eye(self.num_relations, dtype=WF.ops.accumulator(x.dtype), device=x.device)
        sums = WF.relation_aggregate(graph, x, edge_type, coefficient, weight)
        if self.num_blocks is None:
            return sums.flatten(1) @ self.weight.flatten(0, 1)
        blocks = sums.unflatten(2, (self.num_blocks, self.weight.shape[2]))
        return torch.einsum("nrbi,rbio->nbo", blocks, self.weight).flatten(1)

    def _of_ids(self, graph: Graph, ids: Tensor, all_ids: bool, edge_type: Tensor,
                weight: Optional[Tensor]) -> Tensor:
        """Node j's message is row ids_j of its relation's matrix: a sum over a graph from (relation, id) to nodes."""
        if self.num_blocks is not None:
            raise ValueError("RGCNConv: x: expected features, not ids, with num_blocks")
        table = self.weight
        if self.comp is not None:
            table = (self.comp @ table.flatten(1)).view(self.num_relations, *table.shape[1:])

        def make() -> Graph:
            rows = edge_type.long() * table.shape[1] + (graph.source if all_ids else ids[graph.source])
            return Graph(torch.stack([rows, graph.destination]), (table.shape[0] * table.shape[1],
                                                                  graph.num_destinations))

        # Ids of the caller's may be others next time.
        lookup = graph.derived_of(edge_type, ("ids", table.shape[:2]), make) if all_ids else make()
        return WF.aggregate(lookup, table.flatten(0, 1), weight)

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, num_relations={self.num_relations}"


class FastRGCNConv(RGCNConv):
    """RGCNConv, under the name of PyG's other implementation."""


class RGATConv(Conv):
    """Relational attention (Busbridge et al. 2019) with additive logits: z = W_r x, the score of an edge (j -> i) of
    relation r LeakyReLU(q z_i + k z_j + e W_e f_e), its value z_j. q and k see all heads' channels at once and are
    shared by the relations, as in PyG.

    z has a row for each node and relation, and nothing else of that size is made; PyG makes a matrix for each edge.

    Args:
        in_channels: width of x.
        out_channels: width of a head.
        num_relations: R.
        num_bases, num_blocks: as RGCNConv's.
        attention_mechanism: "across-relation", or "within-relation" for a softmax over the edges of each relation.
        heads, concat, negative_slope, dropout, edge_dim, bias: as GATConv's.
        mod, attention_mode, dim: PyG's None, "additive-self-attention" and 1; others are refused.

    Parameters: ``weight`` [R, in, H C] (or ``att`` and ``basis``, or blocks), ``q`` and ``k`` [H C, H],
    ``lin_edge.weight`` and ``e`` (Glorot), ``bias`` (zeros), and PyG's ``w``, ``l1``, ``b1``, ``l2``, ``b2``, which
    only a `mod` uses.
    """

    def __init__(self, in_channels: int, out_channels: int, num_relations: int, num_bases: Optional[int] = None,
                 num_blocks: Optional[int] = None, mod: Optional[str] = None,
                 attention_mechanism: str = "across-relation", attention_mode: str = "additive-self-attention",
                 heads: int = 1, dim: int = 1, concat: bool = True, negative_slope: float = 0.2, dropout: float = 0.0,
                 edge_dim: Optional[int] = None, bias: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if attention_mechanism not in ("across-relation", "within-relation"):
            raise ValueError("RGATConv: attention_mechanism: expected 'across-relation' or 'within-relation', got "
                             f"{attention_mechanism!r}")
        for name, value, only in (("mod", mod, None), ("dim", dim, 1),
                                  ("attention_mode", attention_mode, "additive-self-attention")):
            if value != only:
                raise NotImplementedError(f"RGATConv: {name}: expected {only!r}, got {value!r}")
        if num_bases is not None and num_blocks is not None:
            raise ValueError("RGATConv: num_blocks: expected none beside num_bases")
        width = heads * out_channels
        if num_blocks is not None and (in_channels % num_blocks or width % num_blocks):
            raise ValueError(f"RGATConv: num_blocks: expected a divisor of {in_channels} and {width}, got {num_blocks}")
        self.in_channels, self.out_channels, self.num_relations = in_channels, out_channels, num_relations
        self.num_bases, self.num_blocks, self.attention_mechanism = num_bases, num_blocks, attention_mechanism
        self.mod, self.attention_mode, self.dim = mod, attention_mode, dim
        self.heads, self.concat, self.negative_slope, self.dropout = heads, concat, negative_slope, dropout
        self.edge_dim = edge_dim
        self.q = Parameter(torch.empty(width, heads))
        self.k = Parameter(torch.empty(width, heads))
        if bias:
            self.bias = Parameter(torch.empty(width if concat else out_channels))
        else:
            self.register_parameter("bias", None)
        if edge_dim is None:
            self.lin_edge = None
            self.register_parameter("e", None)
        else:
            self.lin_edge = Linear(edge_dim, width, bias=False, weight_initializer="glorot")
            self.e = Parameter(torch.empty(width, heads))
        if num_bases is not None:
            self.att = Parameter(torch.empty(num_relations, num_bases))
            self.basis = Parameter(torch.empty(num_bases, in_channels, width))
        elif num_blocks is not None:
            self.weight = Parameter(torch.empty(num_relations, num_blocks, in_channels // num_blocks,
                                                width // num_blocks))
        else:
            self.weight = Parameter(torch.empty(num_relations, in_channels, width))
        self.w = Parameter(torch.empty(out_channels))
        self.l1 = Parameter(torch.empty(1, out_channels))
        self.b1 = Parameter(torch.empty(1, out_channels))
        self.l2 = Parameter(torch.empty(out_channels, out_channels))
        self.b2 = Parameter(torch.empty(1, out_channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Starts the parameters anew."""
        for name in ("basis", "att", "weight", "q", "k"):
            glorot(getattr(self, name, None))
        if self.lin_edge is not None:
            self.lin_edge.reset_parameters()
            glorot(self.e)
        for parameter, value in ((self.w, 1), (self.l1, 1), (self.b1, 0), (self.l2, 1 / self.out_channels),
                                 (self.b2, 0)):
            torch.nn.init.constant_(parameter, value)
        zeros(self.bias)

    def forward(self, x: Tensor, edge_index: Adjacency, edge_type: Optional[Tensor] = None,
                edge_attr: Optional[Tensor] = None, size: Optional[tuple[int, int]] = None,
                return_attention_weights: Optional[bool] = None) -> Any:
        """x [N, in], edge_type [E], edge_attr [E, edge_dim] or [E]: [N, H C] (or C), and if asked for also (edge_index,
        alpha) with alpha [E, H] before dropout."""
        graph, value = self._make_graph(edge_index, x, None, size)
        edge_type = value if edge_type is None else edge_type
        if edge_type is None:
            raise ValueError("RGATConv: edge_type: expected the edges' relations [E], got none")
        relations, within = self.num_relations, self.attention_mechanism == "within-relation"
        z = self._projected(x)  # [N, R, H C]
        source_score, destination_score = z @ self.k, z @ self.q  # [N, R, H]
        typed = graph.derived_of(edge_type, ("typed", relations, within),
                                 lambda: self._typed_graph(graph, edge_type.long(), within))
        edge_score = self._edge_score(edge_attr)
        if within:
            destination_score = destination_score.flatten(0, 1)
        else:  # the score of an edge's end hangs on the edge's relation
            of_edges = destination_score[graph.destination.long(), edge_type.long()]
            edge_score = of_edges if edge_score is None else edge_score + of_edges
            destination_score = destination_score.new_zeros(graph.num_destinations, self.heads)
        operands = (typed, z.view(-1, self.heads, self.out_channels), source_score.flatten(0, 1), destination_score,
                    edge_score)
        y = WF.gat_attention(*operands, negative_slope=self.negative_slope,
                             dropout=self.dropout if self.training else 0.0)
        if within:
            y = y.view(-1, relations, self.heads, self.out_channels).sum(1)
        y = y.flatten(1) if self.concat else y.mean(dim=1)
        y = y if self.bias is None else y + self.bias
        if not isinstance(return_attention_weights, bool):
            return y
        alpha = WF.gat_attention(*operands, negative_slope=self.negative_slope, return_weights=True)[1]
        return y, (self._edges_of(graph), alpha)

    def _projected(self, x: Tensor) -> Tensor:
        if self.num_blocks is not None:
            blocks = x.unflatten(1, (self.num_blocks, self.weight.shape[2]))
            return torch.einsum("nbi,rbio->nrbo", blocks, self.weight).flatten(2)
        weight = self.weight if self.num_bases is None else torch.einsum("rb,bio->rio", self.att, self.basis)
        matrix = weight.transpose(0, 1).flatten(1)  # [in, R H C]
        return (x @ matrix).unflatten(1, (self.num_relations, weight.shape[2]))

    def _typed_graph(self, graph: Graph, edge_type: Tensor, within: bool) -> Graph:
        """Nodes stand once for each relation among the sources, and within relations among the destinations too."""
        relations = self.num_relations
        if not torch.compiler.is_compiling() and bool(((edge_type < 0) | (edge_type >= relations)).any()):
            raise IndexError(f"RGATConv: edge_type: expected relations in [0, {relations}), got "
                             f"{int(edge_type.min())} to {int(edge_type.max())}")
        source = graph.source.long() * relations + edge_type
        destination = graph.destination.long()
        rows = graph.num_destinations
        if within:
            destination, rows = destination * relations + edge_type, rows * relations
        return Graph(torch.stack([source, destination]), (graph.num_sources * relations, rows))

    def _edge_score(self, edge_attr: Optional[Tensor]) -> Optional[Tensor]:
        if edge_attr is None:
            return None
        if self.lin_edge is None:
            raise ValueError("RGATConv: edge_attr: expected none without edge_dim")
        return as_matrix(edge_attr) @ (self.lin_edge.weight.t() @ self.e)

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, heads={self.heads}"
