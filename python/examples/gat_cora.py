#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""GAT on Cora, as it is written for PyTorch Geometric: which library the layers come from is one import.

  gat_cora.py [--layers warpgnn|pyg] [--compile] [--data FOLDER] [--seeds N] [--epochs N] [--threads N]

Two layers of 8 heads, 8 channels each, and of one head (Velickovic et al. 2018); the epoch of the best validation
accuracy counts. Without --data, PyTorch Geometric fetches the data set; FOLDER holds it as OGB lays out raw data.
"""

import argparse
import gzip
import pathlib
import resource
import statistics
import time

import torch
import torch.nn.functional as F


class GAT(torch.nn.Module):
    def __init__(self, GATConv, in_channels, hidden_channels, out_channels, heads):
        super().__init__()
        self.conv1 = GATConv(in_channels, hidden_channels, heads, dropout=0.6)
        self.conv2 = GATConv(hidden_channels * heads, out_channels, heads=1, concat=False, dropout=0.6)

    def forward(self, x, edge_index):
        x = F.dropout(x, p=0.6, training=self.training)
        x = F.elu(self.conv1(x, edge_index))
        x = F.dropout(x, p=0.6, training=self.training)
        return self.conv2(x, edge_index)


class Data:
    """Features with rows of sum 1, edges in both directions, classes, and the public split."""

    def __init__(self, x, edge_index, y, split):
        self.x = x / x.sum(dim=1, keepdim=True).clamp(min=1)
        self.edge_index, self.y, self.split = edge_index, y, split
        self.classes = int(y.max()) + 1


def table(path, dtype):
    """A compressed CSV of numbers."""
    with gzip.open(path, "rt") as file:
        rows = [[float(value) for value in line.split(",")] for line in file if line.strip()]
    return torch.tensor(rows).to(dtype)


def load_folder(folder):
    raw, split = pathlib.Path(folder) / "raw", pathlib.Path(folder) / "split" / "public"
    x, edges = table(raw / "node-feat.csv.gz", torch.float32), table(raw / "edge.csv.gz", torch.int64)
    y = table(raw / "node-label.csv.gz", torch.int64).view(-1)
    parts = {name: table(split / f"{name}.csv.gz", torch.int64).view(-1) for name in ("train", "valid", "test")}
    return Data(x, edges.t().contiguous(), y, parts)


def load_planetoid(folder):
    from torch_geometric.datasets import Planetoid

    data = Planetoid(folder, "Cora")[0]
    masks = {"train": data.train_mask, "valid": data.val_mask, "test": data.test_mask}
    return Data(data.x, data.edge_index, data.y, {name: mask.nonzero().view(-1) for name, mask in masks.items()})


def accuracy(logits, y, nodes):
    return (logits[nodes].argmax(dim=1) == y[nodes]).float().mean().item()


def train(data, graph, arguments, GATConv, seed):
    """The test accuracy, and the seconds of each epoch's step and of each evaluation."""
    torch.manual_seed(seed)
    model = GAT(GATConv, data.x.shape[1], 8, data.classes, heads=8)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005, weight_decay=5e-4)
    run = torch.compile(model, fullgraph=True) if arguments.compile else model
    best = test = 0.0
    steps, forwards = [], []
    for _ in range(arguments.epochs):
        start = time.perf_counter()
        model.train()
        optimizer.zero_grad()
        nodes = data.split["train"]
        F.cross_entropy(run(data.x, graph)[nodes], data.y[nodes]).backward()
        optimizer.step()
        stepped = time.perf_counter()
        model.eval()
        with torch.no_grad():
            logits = run(data.x, graph)
        steps.append(stepped - start)
        forwards.append(time.perf_counter() - stepped)
        valid = accuracy(logits, data.y, data.split["valid"])
        if valid > best:
            best, test = valid, accuracy(logits, data.y, data.split["test"])
    return test, steps, forwards


def warpgnn_layers():
    from warpgnn.torch import Graph
    from warpgnn.torch.nn import GATConv

    return GATConv, Graph  # the edges sorted once; edge_index itself would do too


def pyg_layers():
    from torch_geometric.nn import GATConv

    return GATConv, lambda edge_index, nodes: edge_index


def main(libraries):
    """`libraries`: by name, what gives a library's layer and what makes its graph of edges."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", choices=libraries, default=next(iter(libraries)))
    parser.add_argument("--compile", action="store_true", help="through torch.compile(fullgraph=True)")
    parser.add_argument("--data", help="a folder with Cora in OGB's raw layout")
    parser.add_argument("--root", default="out/planetoid", help="where PyTorch Geometric keeps what it fetches")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    data = load_folder(arguments.data) if arguments.data else load_planetoid(arguments.root)

    GATConv, make_graph = libraries[arguments.layers]()
    graph = make_graph(data.edge_index, data.x.shape[0])
    runs = [train(data, graph, arguments, GATConv, seed) for seed in range(arguments.seeds)]
    tests = [100 * test for test, _, _ in runs]
    spread = statistics.stdev(tests) if len(tests) > 1 else 0.0
    step = statistics.median(time for _, steps, _ in runs for time in steps)
    forward = statistics.median(time for _, _, forwards in runs for time in forwards)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{arguments.layers}{' compiled' if arguments.compile else ''}: test accuracy {statistics.mean(tests):.1f} "
          f"+- {spread:.1f} % over {len(tests)} seeds; forward {1e3 * forward:.2f} ms, training step "
          f"{1e3 * step:.2f} ms, epoch {1e3 * (step + forward):.2f} ms, peak memory {peak:.0f} MiB")


if __name__ == "__main__":
    main({"warpgnn": warpgnn_layers, "pyg": pyg_layers})
