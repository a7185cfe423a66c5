# SPDX-License-Identifier: MIT
"""Graph layers with the arguments, defaults and state_dict keys of PyTorch Geometric's of the same name."""

from ._linear import Linear
from .gat import AdditiveAttentionConv, GATConv, GATv2Conv
from .gcn import GCNConv, GraphConv
from .gin import GINConv, GINEConv
from .pool import (AttentionalAggregation, AttentionPool, Set2Set, SoftmaxAggregation, global_add_pool,
                   global_max_pool, global_mean_pool)
from .relational import FastRGCNConv, RGATConv, RGCNConv
from .sage import SAGEConv
from .select import SAGPooling, TopKPooling
from .transformer import TransformerConv

__all__ = [
    "AdditiveAttentionConv",
    "AttentionPool",
    "AttentionalAggregation",
    "FastRGCNConv",
    "GATConv",
    "GATv2Conv",
    "GCNConv",
    "GINConv",
    "GINEConv",
    "GraphConv",
    "Linear",
    "RGATConv",
    "RGCNConv",
    "SAGEConv",
    "SAGPooling",
    "Set2Set",
    "SoftmaxAggregation",
    "TopKPooling",
    "TransformerConv",
    "global_add_pool",
    "global_max_pool",
    "global_mean_pool",
]
