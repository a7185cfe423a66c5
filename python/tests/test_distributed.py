# SPDX-License-Identifier: MIT
"""More than one process: gradients averaged by DistributedDataParallel, graphs from a loader's worker."""

import pathlib

import torch
import torch.distributed
import warpgnn.torch.nn as ours_nn
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Dataset
from warpgnn.torch import Batch, Graph

from compare import close

GRAPHS, WIDTH, WORLD = 8, 6, 2


class Model(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = ours_nn.GATConv(WIDTH, 4, heads=2), ours_nn.SAGEConv(8, 5, aggr=["mean", "max"])
        self.pool, self.out = ours_nn.AttentionPool(5, 4), torch.nn.Linear(5, 1)

    def forward(self, x: Tensor, graph: Graph, batch: Batch) -> Tensor:
        return self.out(self.pool(self.second(self.first(x, graph).relu(), graph), batch)).squeeze(1)


def joined(graphs: range) -> tuple[Tensor, Graph, Batch, Tensor]:
    """Some of the graphs, each of which has random edges of its own, as one, and what the model is to find."""
    xs, edges, owners, targets, nodes = [], [], [], [], 0
    for place, number in enumerate(graphs):
        generator = torch.Generator().manual_seed(number)
        size = 3 + number
        xs.append(torch.randn(size, WIDTH, generator=generator))
        edges.append(torch.randint(0, size, (2, 4 * size), generator=generator) + nodes)
        owners.append(torch.full((size,), place))
        targets.append(torch.randn(1, generator=generator))
        nodes += size
    return torch.cat(xs), Graph(torch.cat(edges, dim=1), nodes), Batch(torch.cat(owners)), torch.cat(targets)


def gradients(model: torch.nn.Module, graphs: range) -> list[Tensor]:
    x, graph, batch, target = joined(graphs)
    (model(x, graph, batch) - target).square().mean().backward()
    return [parameter.grad for parameter in model.parameters()]


def work(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=WORLD)
    torch.manual_seed(rank)  # DistributedDataParallel gives all the first one's parameters
    model = DistributedDataParallel(Model())
    half = GRAPHS // WORLD
    found = gradients(model, range(rank * half, (rank + 1) * half))
    torch.save({"gradients": found, "state": model.module.state_dict()}, f"{folder}/{rank}.pt")
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def test_distributed_data_parallel(tmp_path: pathlib.Path) -> None:
    """Averaged over two halves of a batch of graphs, the gradients are those of the whole."""
    torch.multiprocessing.spawn(work, (str(tmp_path),), nprocs=WORLD)
    results = [torch.load(tmp_path / f"{rank}.pt") for rank in range(WORLD)]
    model = Model()
    model.load_state_dict(results[0]["state"])
    expected = gradients(model, range(GRAPHS))
    for result in results:
        for (name, _), found, wanted in zip(model.named_parameters(), result["gradients"], expected, strict=True):
            close(found, wanted, 1e-5, name)


class Graphs(Dataset):
    def __len__(self) -> int:
        return 3

    def __getitem__(self, place: int) -> tuple[Graph, Batch]:
        torch.set_num_threads(1)
        _, graph, batch, _ = joined(range(place, place + 2))
        return graph, batch


def test_a_loaders_worker_hands_over_graphs() -> None:
    for place, (graph, batch) in enumerate(DataLoader(Graphs(), batch_size=None, num_workers=1)):
        _, expected, expected_batch, _ = joined(range(place, place + 2))
        assert all(map(torch.equal, graph.all_parts, expected.all_parts))
        assert torch.equal(batch.offsets, expected_batch.offsets)
