#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What others offer, on the edges that our benchmark measures.
#   peers.sh build     builds turbo-gnn from the source archive in build/, if there is one
#   peers.sh measure   exports the edges and measures; waits for the build before its last rows
set -uo pipefail

readonly turbo=$SCRATCH/turbo
# PyTorch finds its own libraries, and must not get those of the toolkit.
readonly programs_path=$LD_LIBRARY_PATH
export LD_LIBRARY_PATH=$MACHINE_LIBRARY_PATH

build() {
  local archives=("$HELPERS"/../../build/turbo_gnn-*)
  if [[ ! -e ${archives[0]} ]]; then
    echo "turbo-gnn is not in build/"
    return
  fi
  mkdir "$turbo.building"
  # Its folder appears under the name that is waited for when all is in it. What needs more than this is not built.
  TURBO_GNN_FORCE_BUILD=TRUE TORCH_CUDA_ARCH_LIST=9.0 MAX_JOBS=8 nice -n 19 timeout 300 python3 -m pip install --quiet \
    --no-index --no-deps --no-build-isolation --no-compile --target "$turbo.building/site" "${archives[0]}" &&
    mv "$turbo.building/site" "$turbo"
  rm -rf "$turbo.building"
}

# The edges take some GB, and stay in memory where it has room for files.
edges_folder() {
  local room=$SCRATCH
  if (($(df --output=avail /dev/shm 2>/dev/null | tail -n 1) > 6000000)); then room=/dev/shm; fi
  mktemp -d "$room/edges.XXXXXX"
}

measure() {
  local code
  if ! python3 -c 'import torch, sys; sys.exit(not torch.cuda.is_available())'; then
    echo "python3 has no PyTorch with CUDA"
    exit 77
  fi
  edges=$(edges_folder) || exit 1
  trap 'rm -rf "$edges"' EXIT
  trap 'exit 143' TERM
  LD_LIBRARY_PATH=$programs_path "$BIN/warpgnn_bench" --device=cuda --export-graphs="$edges" || exit 1
  PYTHONUNBUFFERED=1 TORCHINDUCTOR_CACHE_DIR=$SCRATCH/inductor TRITON_CACHE_DIR=$SCRATCH/triton \
    python3 "$HELPERS/../../bench/peers/peers.py" --edges "$edges" --turbo "$turbo" --rows "$RESULTS/peers.jsonl"
  code=$?
  cat "$SCRATCH/beside-peers.log" 2>/dev/null
  exit "$code"
}

"$1"
