# SPDX-License-Identifier: MIT
"""torch.export with graphs of any size, saved and loaded, and ahead-of-time compilation to a program without Python."""

import pathlib

import torch
import warpgnn.torch.nn as ours_nn
from torch import Tensor
from torch.export import Dim
from warpgnn.torch import Batch, Graph

from compare import close
from layers import IN, OUT


# Of a program that is compiled once and runs for milliseconds.
QUICK = {"aot_inductor.compile_wrapper_opt_level": "O0"}


class Model(torch.nn.Module):
    """One layer, with a Graph and with other edges of the same nodes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = ours_nn.GATConv(IN, OUT, heads=2)

    def forward(self, x: Tensor, graph: Graph, edge_index: Tensor) -> tuple[Tensor, Tensor]:
        return self.conv(x, graph).relu(), self.conv(x, edge_index)


class Readout(torch.nn.Module):
    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        return ours_nn.global_max_pool(x, batch)


def example(nodes: int, edges: int, hubs: int = 0) -> tuple[Tensor, Graph, Tensor]:
    """Each hub has a long row of in-edges and one of out-edges."""
    edge_index, others = torch.randint(0, nodes, (2, edges)), torch.randint(0, nodes, (2, edges + 7))
    if hubs > 0:
        hub, ends = torch.arange(600 * hubs) % hubs, torch.randint(0, nodes, (600 * hubs,))
        edge_index = torch.cat([edge_index, torch.stack([hub, ends]), torch.stack([ends, hub])], dim=1)
    return torch.randn(nodes, IN), Graph(edge_index, nodes), others


def exported(model: torch.nn.Module) -> torch.export.ExportedProgram:
    """For any number of nodes and edges. A Graph's parts are tensors, whose sizes the export is told are any: all but
    that of {0, N} and of the two orders of rows, which no graph on a CPU has. Sizes of 0 or 1 it would take for fixed,
    so that the example has two hubs."""
    x, graph, edge_index = example(50, 300, hubs=2)
    parts = [None if k in (6, 10, 14) else {0: Dim.DYNAMIC} for k in range(len(graph.all_parts))]
    with torch.no_grad():
        return torch.export.export(model, (x, graph, edge_index),
                                   dynamic_shapes=({0: Dim.DYNAMIC}, [{1: Dim.DYNAMIC}, *parts], {1: Dim.DYNAMIC}))


def test_export(tmp_path: pathlib.Path) -> None:
    model = Model().eval()
    program = exported(model)
    torch.export.save(program, tmp_path / "model.pt2")
    loaded = torch.export.load(tmp_path / "model.pt2")
    package = torch._inductor.aoti_compile_and_package(loaded, package_path=str(tmp_path / "aoti.pt2"),
                                                       inductor_configs=QUICK)
    ahead = torch._inductor.aoti_load_package(package)
    for nodes, edges, hubs in ((50, 300, 2), (60, 200, 0), (70, 200, 1)):
        given = example(nodes, edges, hubs)
        with torch.no_grad():
            expected = model(*given)
            for run in (program.module(), loaded.module(), ahead):
                for place, (found, wanted) in enumerate(zip(run(*given), expected, strict=True)):
                    close(found, wanted, 1e-6, f"output {place}")


def test_export_of_a_batch() -> None:
    batch = Batch(torch.arange(20) // 6, 4)
    x = torch.randn(20, IN)
    program = torch.export.export(Readout(), (x, batch), dynamic_shapes=({0: Dim.DYNAMIC}, [{0: Dim.DYNAMIC}] * 2))
    other = Batch(torch.arange(30) // 5, 6)
    y = torch.randn(30, IN)
    close(program.module()(y, other), Readout()(y, other), 0, "output")
