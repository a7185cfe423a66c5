# SPDX-License-Identifier: MIT
import importlib.metadata

import pytest
import torch
import torch._inductor.config


def pytest_report_header() -> str:
    versions = [f"PyTorch {torch.__version__}"]
    try:
        versions.append(f"PyTorch Geometric {importlib.metadata.version('torch_geometric')}")
    except importlib.metadata.PackageNotFoundError:
        versions.append("no PyTorch Geometric: what compares with it is skipped")
    return ", ".join(versions)


# Threads wait for each other longer than these small graphs take; test_determinism.py uses more.
torch.set_num_threads(1)

# To find out which vector instructions a compiler knows takes longer than all that is compiled here.
torch._inductor.config.cpp.vec_isa_ok = False


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def pyg():
    """PyG's layers."""
    layers = pytest.importorskip("torch_geometric.nn", reason="PyTorch Geometric is not installed")
    layers.SAGEConv(1, 1)  # after a first one with a list of reductions PyG's takes no sparse matrix any more
    return layers
