# SPDX-License-Identifier: MIT
"""Attention on graphs for PyTorch: :class:`Graph`, :mod:`warpgnn.torch.functional`, :mod:`warpgnn.torch.nn`, and
:func:`to_warpgnn`, which swaps the layers of a PyG model."""

from . import functional, nn
from .functional import Batch
from .graph import Graph, SelfLoops
from .swap import to_warpgnn

__all__ = ["Batch", "Graph", "SelfLoops", "functional", "nn", "to_warpgnn"]
