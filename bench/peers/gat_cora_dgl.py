#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""python/examples/gat_cora.py with the layers of DGL, which take other arguments and give a result for each head.
  PYTHONPATH=FOLDER_OF_DGL gat_cora_dgl.py --data FOLDER [--seeds N] [--epochs N] [--threads N]
"""

import pathlib
import sys

import torch

from layers import import_dgl

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python" / "examples"))
import gat_cora  # noqa: E402


class GATConv(torch.nn.Module):
    """DGL's layer as the example calls it."""

    def __init__(self, in_channels, out_channels, heads, concat=True, dropout=0.0):
        super().__init__()
        self.layer = import_dgl().nn.GATConv(in_channels, out_channels, heads, attn_drop=dropout)
        self.concat = concat

    def forward(self, x, graph):
        y = self.layer(graph, x)
        return y.flatten(1) if self.concat else y.mean(dim=1)


def looped(edge_index, nodes):
    """DGL's layer adds no loops itself."""
    return import_dgl().add_self_loop(import_dgl().graph((edge_index[0], edge_index[1]), num_nodes=nodes))


if __name__ == "__main__":
    gat_cora.main({"dgl": lambda: (GATConv, looped)})
