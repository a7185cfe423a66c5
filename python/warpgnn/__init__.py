# SPDX-License-Identifier: MIT
"""warpgnn: attention on graphs, fused, deterministic, forward and backward. For PyTorch: ``import warpgnn.torch``."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("warpgnn")
except PackageNotFoundError:  # not installed: used from a checkout
    __version__ = "0"

__all__ = ["__version__"]
