# SPDX-License-Identifier: MIT
"""DistributedDataParallel over gloo: two processes with a graph each learn what one learns from both."""

import pathlib
import tempfile

import torch
import torch.distributed
import torch.multiprocessing
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel
from warpgnn.torch import Graph
from warpgnn.torch.nn import GATConv, GCNConv

PROCESSES, NODES, WIDTH = 2, 30, 6


class Model(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = GATConv(WIDTH, 4, heads=2), GCNConv(8, 3)

    def forward(self, x: Tensor, graph: Graph) -> Tensor:
        return self.second(self.first(x, graph).relu(), graph)


def part(rank: int) -> tuple[Tensor, Tensor]:
    """The features and edges of one process's graph."""
    generator = torch.Generator().manual_seed(rank)
    return (torch.randn(NODES, WIDTH, generator=generator, dtype=torch.float64),
            torch.randint(0, NODES, (2, 90), generator=generator))


def make_model() -> Model:
    torch.manual_seed(5)
    return Model().double()


def train(rank: int, folder: str) -> None:
    """Two steps of one process; the first leaves its parameters behind."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/group", rank=rank,
                                         world_size=PROCESSES)
    model = make_model()
    parallel = DistributedDataParallel(model)
    x, edges = part(rank)
    steps(parallel, x, Graph(edges, NODES))
    if rank == 0:
        torch.save(model.state_dict(), pathlib.Path(folder) / "parameters.pt")
    torch.distributed.destroy_process_group()


def steps(model: torch.nn.Module, x: Tensor, graph: Graph) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        model(x, graph).square().mean().backward()
        optimizer.step()


def test_two_processes_learn_what_one_does_of_the_joined_batch() -> None:
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(train, (folder,), nprocs=PROCESSES)
        found = torch.load(pathlib.Path(folder) / "parameters.pt")
    parts = [part(rank) for rank in range(PROCESSES)]
    joined = torch.cat([edges + rank * NODES for rank, (_, edges) in enumerate(parts)], dim=1)
    model = make_model()
    steps(model, torch.cat([x for x, _ in parts]), Graph(joined, PROCESSES * NODES))
    start = make_model().state_dict()
    for name, expected in model.state_dict().items():
        torch.testing.assert_close(found[name], expected, rtol=1e-10, atol=1e-12)
        assert not torch.equal(found[name], start[name])
