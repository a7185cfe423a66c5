# SPDX-License-Identifier: MIT
"""The benchmark's graphs, from the edges that `warpgnn_bench --export-graphs` wrote."""

import json
import pathlib

import numpy
import torch


def _smoke_edges():
    generator = numpy.random.default_rng(1)
    edges = numpy.unique(generator.integers(0, 50, (2, 300)), axis=1).astype(numpy.int32)
    return {"nodes": 50, "edges": edges.shape[1], "graph": "smoke"}, edges[0], edges[1]


def _exported_edges(folder, name):
    place = pathlib.Path(folder) / name
    about = json.loads(place.with_name(name + ".json").read_text())
    source, destination = (
        numpy.fromfile(place.with_name(f"{name}.{end}.i32"), dtype="<i4") for end in ("source", "destination")
    )
    if not len(source) == len(destination) == about["edges"]:
        raise ValueError(f"{name}: {len(source)} and {len(destination)} ids instead of {about['edges']}")
    return about, source, destination


class PeerGraph:
    """Edges sorted by destination, which suits every peer, and random weights for them. `smoke` is made here.
    `name` is that of the files, `shown` how the rows of the benchmark call the graph."""

    def __init__(self, name, folder, device):
        about, source, destination = _smoke_edges() if name == "smoke" else _exported_edges(folder, name)
        self.name, self.shown, self.nodes, self.edges = name, about["graph"], about["nodes"], about["edges"]
        source = torch.from_numpy(source).to(device)
        destination, order = torch.sort(torch.from_numpy(destination).to(device), stable=True)
        self.source, self.destination = source[order], destination
        self.weight = torch.rand(self.edges, generator=torch.Generator(device).manual_seed(2), device=device)
        self._edge_index = None

    @property
    def device(self):
        return self.source.device

    @property
    def edge_index(self):
        """As PyTorch Geometric takes edges: 64-bit."""
        if self._edge_index is None:
            self._edge_index = torch.stack([self.source, self.destination]).long()
        return self._edge_index

    def rows(self):
        """CSR by destination: offsets and sources."""
        return self._offsets(self.destination), self.source

    def columns(self):
        """CSR by source: offsets and destinations."""
        source, order = torch.sort(self.source, stable=True)
        return self._offsets(source), self.destination[order]

    def _offsets(self, sorted_ids):
        offsets = torch.zeros(self.nodes + 1, dtype=torch.int32, device=self.device)
        offsets[1:] = torch.bincount(sorted_ids, minlength=self.nodes).cumsum(0)
        return offsets
