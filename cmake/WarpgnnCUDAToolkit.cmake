# SPDX-License-Identifier: MIT
# Finds the CUDA toolkit. CMake 3.25 sets a property of nvToolsExt for projects that ask for 3.25, and fails where that
# library is gone, as it is from CUDA 13.
set(_warpgnn_minimum "${CMAKE_MINIMUM_REQUIRED_VERSION}")
set(CMAKE_MINIMUM_REQUIRED_VERSION 3.24)
find_package(CUDAToolkit REQUIRED)
set(CMAKE_MINIMUM_REQUIRED_VERSION "${_warpgnn_minimum}")
unset(_warpgnn_minimum)
