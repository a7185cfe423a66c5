#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What this machine is, whether our programs find their libraries, and the first op on the GPU. One small benchmark
# measures the bandwidth of copies and of L2 on the way, and leaves the clocks warm.
set -uo pipefail

say() {
  printf '\n--- %s\n' "$*"
  "$@" 2>&1
}

say nvidia-smi
say nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.sm,clocks.mem,clocks.max.sm,clocks.max.mem --format=csv
say nvcc --version
say ncu --version
say compute-sanitizer --version
say ldd --version | head -n 3
say nproc
say df -h /dev/shm /tmp
say python3 - <<'PYTHON'
import importlib.metadata as packages
for name in ("torch", "torch-geometric", "triton", "cupy-cuda13x", "nvidia-cublas", "nvidia-cusparse", "nvidia-cudnn-cu13"):
    try:
        print(name, packages.version(name))
    except packages.PackageNotFoundError:
        print(name, "is not here")
PYTHON

if unresolved=$(ldd "$BIN"/warpgnn[_-]* 2>/dev/null | grep 'not found'); then
  printf 'libraries not found:\n%s\n' "$unresolved"
  exit 1
fi
say "$BIN/warpgnn_bench" --device=cuda --suite=smoke '--benchmark_filter=^aggregate_sum/forward/' || exit 1
say nvidia-smi --query-gpu=clocks.sm,clocks.mem,power.draw,temperature.gpu --format=csv
