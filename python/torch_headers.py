# SPDX-License-Identifier: MIT
"""Prints where PyTorch's headers are: where WARPGNN_TORCH_INCLUDE says, or of the PyTorch that can be imported, else of
that beside the Python that builds, which an isolated build does not see otherwise."""

import importlib.util
import os
import pathlib
import sys
import sysconfig


def folders():
    if os.environ.get("WARPGNN_TORCH_INCLUDE"):
        yield pathlib.Path(os.environ["WARPGNN_TORCH_INCLUDE"])
    found = importlib.util.find_spec("torch")
    if found is not None and found.origin:
        yield pathlib.Path(found.origin).parent / "include"
    for name in ("platlib", "purelib"):
        yield pathlib.Path(sysconfig.get_path(name)) / "torch" / "include"


def find():
    for include in folders():
        if (include / "torch" / "csrc" / "stable" / "library.h").exists():
            return include
    return None


if __name__ == "__main__":
    include = find()
    if include is None:
        sys.exit("warpgnn: PyTorch's headers were not found; please install torch 2.10 or newer, or set "
                 "WARPGNN_TORCH_INCLUDE")
    print(include)
