# SPDX-License-Identifier: MIT
"""A training epoch on MUTAG with the model of `warpgnn-train graphs`, as one writes it with PyTorch Geometric."""

import gzip
import pathlib
import tempfile

import torch

DATA = pathlib.Path(__file__).resolve().parents[2] / "examples" / "data" / "MUTAG"
TRAINING_GRAPHS = 169  # of 188, as most of ten folds leave


def dataset():
    from torch_geometric.datasets import TUDataset

    with tempfile.TemporaryDirectory() as folder:
        raw = pathlib.Path(folder) / "MUTAG" / "raw"
        raw.mkdir(parents=True)
        for packed in DATA.glob("*.txt.gz"):
            (raw / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
        return TUDataset(folder, "MUTAG")


def make_model(inputs, classes):
    """Two GCN layers, the mean over each graph's nodes with a learnt gate, a linear classifier."""
    from torch_geometric.nn import GCNConv, global_mean_pool

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = GCNConv(inputs, 32), GCNConv(32, 64)
            self.gate = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1))
            self.classifier = torch.nn.Linear(64, classes)

        def forward(self, x, edge_index, batch, batch_size):
            x = self.first(x, edge_index).relu()
            x = self.second(x, edge_index).relu()
            return self.classifier(global_mean_pool(self.gate(x) * x, batch, batch_size))

    return Model()


class Training:
    """Epochs over the same graphs, each in a new order. GCNConv normalises every batch, as it does unless told not to,
    where `warpgnn-train` normalises all graphs once."""

    def __init__(self, batch_size, compiled):
        from torch_geometric.loader import DataLoader

        torch.manual_seed(1)
        graphs = dataset()
        train = graphs[torch.randperm(len(graphs))[:TRAINING_GRAPHS]]
        self.loader = DataLoader(train, batch_size=batch_size, shuffle=True)
        self.model = make_model(graphs.num_features, graphs.num_classes)
        self.parameters = sum(parameter.numel() for parameter in self.model.parameters())
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.01)
        if compiled:
            torch.compiler.reset()
            self.model = torch.compile(self.model, fullgraph=True, dynamic=True)  # batches differ in size

    def epoch(self):
        """Returns the mean loss."""
        total = 0
        for data in self.loader:
            self.optimizer.zero_grad()
            out = self.model(data.x, data.edge_index, data.batch, data.num_graphs)
            loss = torch.nn.functional.cross_entropy(out, data.y)
            loss.backward()
            self.optimizer.step()
            total += loss.item() * data.num_graphs
        return total / TRAINING_GRAPHS
