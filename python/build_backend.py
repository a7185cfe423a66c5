# SPDX-License-Identifier: MIT
"""scikit-build-core's backend, which asks for PyTorch only where its headers are not there already: it is some GB."""

from scikit_build_core import build as _backend
from scikit_build_core.build import (build_editable, build_sdist, build_wheel,
                                      prepare_metadata_for_build_editable, prepare_metadata_for_build_wheel)

import torch_headers

__all__ = ["build_editable", "build_sdist", "build_wheel", "get_requires_for_build_editable",
           "get_requires_for_build_sdist", "get_requires_for_build_wheel", "prepare_metadata_for_build_editable",
           "prepare_metadata_for_build_wheel"]


def _with_headers(requirements):
    return requirements if torch_headers.find() is not None else [*requirements, "torch>=2.10"]


def get_requires_for_build_wheel(config_settings=None):
    return _with_headers(_backend.get_requires_for_build_wheel(config_settings))


def get_requires_for_build_editable(config_settings=None):
    return _with_headers(_backend.get_requires_for_build_editable(config_settings))


def get_requires_for_build_sdist(config_settings=None):
    return _backend.get_requires_for_build_sdist(config_settings)
