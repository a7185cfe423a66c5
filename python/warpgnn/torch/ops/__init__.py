# SPDX-License-Identifier: MIT
"""The operators on a graph's tensors, with their gradients. Users call ``warpgnn.torch.functional``."""

from ._aggregate import aggregate, aggregate_backward_weight, aggregate_backward_x, aggregate_extremum
from ._attention import attention, attention_weights
from ._gat import gat_attention, gat_attention_weights, gat_layer
from ._graph import gcn_norm, gcn_scale, graph_from_coo
from ._messages import edge_softmax, message_aggregate
from ._operator import Parts, accumulator
from ._pool import pool, pool_weights
from ._relation import relation_aggregate, relation_weights

__all__ = [
    "Parts",
    "accumulator",
    "aggregate",
    "aggregate_backward_weight",
    "aggregate_backward_x",
    "aggregate_extremum",
    "attention",
    "attention_weights",
    "edge_softmax",
    "gat_attention",
    "gat_attention_weights",
    "gat_layer",
    "gcn_norm",
    "gcn_scale",
    "graph_from_coo",
    "message_aggregate",
    "pool",
    "pool_weights",
    "relation_aggregate",
    "relation_weights",
]
