#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures what others offer for the ops of our benchmark, on the same edges and at the same widths.

Each row is appended to a file as it is measured, one JSON object a line, after a line on the machine:
  {"name": "pyg_gat/forward/arxiv-like/8x32", "of": ["gat_attention/forward/arxiv-like/8x32"], "median_us": ...}
`of` names the rows of ours that together do the same. What could not be measured says why under "error", and how much
memory was asked for where that ran out. Rows that are in the file already are not measured again.
"""

import argparse
import contextlib
import ctypes
import gc
import importlib.metadata
import json
import os
import pathlib
import re
import sys
import time

import clock
import formulas
import graphs
import layers
import our_epochs
import torch
import training

COMPILE_ON = ("arxiv", "smoke")  # compiling takes longer than all the rest; one graph shows what it gains


def short(text):
    """The first line of a message, not too long."""
    lines = [line for line in str(text).splitlines() if line.strip()]
    return (lines[0] if lines else "")[:200]


def error_of(error):
    """How an exception appears in a row."""
    if isinstance(error, torch.OutOfMemoryError):
        asked = re.search(r"Tried to allocate ([\d.]+) (\w+)", str(error))
        return {"error": "out of memory", "asked": " ".join(asked.groups()) if asked else "unknown"}
    return {"error": f"{type(error).__name__}: {short(error)}"}


class RowFile:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.names = set()
        if self.path.exists():
            rows = (json.loads(line) for line in self.path.read_text().splitlines() if line.endswith("}"))
            self.names = {row["name"] for row in rows if "name" in row}

    def append(self, row):
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)


def cudnn_context():
    """Whether cuDNN's operations on graphs are there. PyTorch's wheel brings the library, a package of its own the
    Python interface."""
    try:
        found = hasattr(ctypes.CDLL("libcudnn.so.9"), "cudnnGnnMhaGatForward")
    except OSError as error:
        found = short(error)
    peer = next(peer for peer in layers.EAGER if peer.module == "cudnn.gnn")
    return {
        "cudnn": torch.backends.cudnn.version(),
        "cudnnGnnMhaGatForward": found,
        "import cudnn.gnn": peer.missing() or "works",
    }


def context(device):
    versions = {"torch": torch.__version__, "python": sys.version.split()[0], "peers' threads": torch.get_num_threads()}
    try:
        import torch_geometric

        versions["torch_geometric"] = torch_geometric.__version__
    except ImportError as error:
        versions["torch_geometric"] = short(error)
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        versions["dgl"] = importlib.metadata.version("dgl")
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    return {"context": {"peers on": name, "torch_cuda": torch.version.cuda, **versions, **cudnn_context()}}


def check_all(device):
    """How far each peer is from the formula of our op, on a graph of a few nodes."""
    graph = graphs.PeerGraph("smoke", None, device)
    for peer in layers.EAGER + layers.TURBO:
        if reason := peer.missing():
            print(f"{peer.name}: not here ({reason})")
            continue
        shape = peer.shapes[-1]
        try:
            print(f"{peer.name}: differs from the formula by {formulas.difference(graph, peer, shape):.1e}")
        except Exception as error:  # whatever a peer raises is a finding about it
            print(f"{peer.name}: {error_of(error)}")


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.rows = RowFile(arguments.rows)
        self.clock = clock.CudaClock() if arguments.device == "cuda" else clock.CpuClock()
        self.graph = None

    def open(self, name):
        if self.graph is None or self.graph.name != name:
            self.graph = None
            self.free()
            self.graph = graphs.PeerGraph(name, self.arguments.edges, self.arguments.device)
        return self.graph

    def free(self):
        gc.collect()
        if self.arguments.device == "cuda":
            torch.cuda.empty_cache()

    def measure(self, peers, names):
        for name in names:
            for peer in peers:
                if not peer.missing():
                    for shape in peer.shapes:
                        for dtype in peer.dtypes:
                            self.measure_both(peer, name, shape, dtype)

    def measure_both(self, peer, graph_name, shape, dtype):
        """Forward alone, and forward with backward."""
        suffix = "" if dtype == torch.float32 else "_bfloat16"
        place = self.open(graph_name).shown + "/" + peer.size(shape)
        directions = {"forward": ["forward"], "forward_backward": peer.parts}
        names = {direction: f"{peer.name}{suffix}/{direction}/{place}" for direction in directions}
        if self.rows.names.issuperset(names.values()):
            return
        try:
            subject, error = peer.make(self.graph, shape, dtype), None
        except Exception as failure:  # a peer that cannot be set up is a row too
            subject, error = None, error_of(failure)
        for direction, parts in directions.items():
            row = {"name": names[direction], "of": [f"{peer.ours}{suffix}/{part}/{place}" for part in parts]}
            if row["name"] in self.rows.names:
                continue
            try:
                row |= error or clock.measure(self.clock, subject.run if direction == "forward" else subject.run_both)
            except Exception as failure:
                row |= error_of(failure)
            self.rows.append(row)
            self.free()

    def run(self):
        names = self.arguments.graphs.split(",")
        self.rows.append(context(self.arguments.device))
        if self.arguments.dgl:
            return self.measure(layers.DGL_LAYERS, names)
        if self.arguments.package:
            return self.measure(layers.PACKAGE_LAYERS, names)
        check_all(self.arguments.device)
        if self.arguments.layers:
            self.measure(layers.LAYERS, names)
            self.measure(layers.COMPILED_LAYERS, names)
            return self.measure_training()
        self.measure(layers.EAGER, names)
        self.measure_turbo(names, wait=False)
        self.measure(layers.COMPILED, [name for name in names if name in COMPILE_ON])
        self.measure_turbo(names, wait=True)

    def measure_training(self):
        for compiled in (False, True):
            for batch_size in our_epochs.BATCH_SIZES:
                self.measure_epochs(batch_size, compiled)

    def measure_epochs(self, batch_size, compiled):
        place = f"epoch/mutag/batch{batch_size}"
        row = {"name": f"pyg_training{'_compiled' if compiled else ''}/{place}", "of": [f"training/{place}"]}
        if row["name"] in self.rows.names:
            return
        try:
            subject = training.Training(batch_size, compiled)
            row |= {"parameters": subject.parameters} | clock.measure(self.clock, subject.epoch)
        except Exception as failure:
            row |= error_of(failure)
        self.rows.append(row)

    def measure_turbo(self, names, wait):
        """turbo-gnn is built while the rest is measured; `--turbo` names the folder that appears when it is done."""
        folder = self.arguments.turbo or ""
        while wait and os.path.exists(folder + ".building"):
            time.sleep(1)
        if not os.path.exists(folder):
            print("turbo-gnn:", layers.TURBO[0].missing() or "installed", flush=True)
        elif folder not in sys.path:
            sys.path.insert(0, folder)
            print("turbo-gnn:", layers.TURBO[0].missing() or "built and loaded", flush=True)
        self.measure(layers.TURBO, names)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=os.devnull, help="the file to append to")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--graphs", default="arxiv,products,reddit,hub")
    parser.add_argument("--edges", help="the folder with the exported edges")
    parser.add_argument("--layers", action="store_true", help="whole layers and training epochs instead of ops")
    parser.add_argument("--dgl", action="store_true", help="whole layers of DGL instead")
    parser.add_argument("--package", action="store_true", help="whole layers of our package for PyTorch instead")
    parser.add_argument("--threads", type=int, help="of the CPU")
    parser.add_argument("--turbo", help="the folder where turbo-gnn is being built")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    Bench(arguments).run()


if __name__ == "__main__":
    main()
