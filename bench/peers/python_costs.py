#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What our package for PyTorch costs beside its kernels, and what it saves: microseconds of one small call, and the
peak memory of a training step of GATv2 with ours and with PyTorch Geometric's layer, each in a process of its own.
  python_costs.py [--nodes N] [--edges E] [--threads T]
"""

import argparse
import resource
import subprocess
import sys
import time

import torch

WIDTH, HEADS = 32, 4
MODULES = {"ours": "warpgnn.torch.nn", "PyG": "torch_geometric.nn"}


def microseconds(call, repetitions=2000):
    """The best of five runs: the others were disturbed."""
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(repetitions):
            call()
        best = min(best, time.perf_counter() - start)
    return 1e6 * best / repetitions


def print_overheads():
    from warpgnn.torch import Graph, functional

    graph = Graph(torch.randint(0, 100, (2, 400)), 100)
    x = torch.randn(100, 16)
    value = torch.randn(100, 2, 8)
    leaf, ones = x.clone().requires_grad_(), torch.ones(100, 16)
    rows = {
        "aggregate": lambda: functional.aggregate(graph, x),
        "aggregate, recording": lambda: functional.aggregate(graph, leaf),
        "aggregate, forward + backward": lambda: torch.autograd.grad(functional.aggregate(graph, leaf), leaf, ones),
        "attention": lambda: functional.attention(graph, value, value),
        "torch.relu, recording": lambda: torch.relu(leaf),
        "torch.relu, forward + backward": lambda: torch.autograd.grad(torch.relu(leaf), leaf, ones),
    }
    for name, call in rows.items():
        print(f"{name}, 100 nodes, 400 edges: {microseconds(call):.1f} us")


def peak_of_step(module, nodes, edges):
    """MiB above what the process has with the model and its input."""
    import importlib

    layer = importlib.import_module(module).GATv2Conv(128, WIDTH, HEADS, add_self_loops=False)
    x = torch.randn(nodes, 128, requires_grad=True)
    edge_index = torch.randint(0, nodes, (2, edges))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    layer(x, edge_index).square().mean().backward()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=42_336)
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--peak-of", choices=MODULES, help="print the peak of one layer alone")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.peak_of:
        print(peak_of_step(MODULES[arguments.peak_of], arguments.nodes, arguments.edges))
        return
    print_overheads()
    peaks = {}
    for name in MODULES:
        command = [sys.executable, __file__, "--peak-of", name, "--nodes", str(arguments.nodes), "--edges",
                   str(arguments.edges), "--threads", str(arguments.threads)]
        peaks[name] = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(f"GATv2Conv(128, {WIDTH}, heads={HEADS}), {arguments.nodes} nodes, {arguments.edges} edges, a step, "
              f"{name}: {peaks[name]:.0f} MiB above its start")
    print(f"PyG / ours: {peaks['PyG'] / peaks['ours']:.1f}")


if __name__ == "__main__":
    main()
