#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Prints the folder of this machine's CUDA toolkit; nothing, and status 1, where there is no whole one.
# nvcc is asked for it: what PATH names may be a link to it, or a script that starts it somewhere else.
set -euo pipefail

nvcc=$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null) || exit 1
# It says so on its way to refusing a file that is not there.
top=$("$nvcc" --dryrun __no_such_file 2>&1 | sed -n 's/^#\$ TOP=//p' || true)
folder=$(readlink -f "${top:-$(dirname "$nvcc")/..}")
for part in bin/nvcc include/cuda_runtime.h nvvm/libdevice; do
  [[ -e $folder/$part ]] && continue
  echo "cuda_toolkit: $folder, named by $nvcc, has no $part" >&2
  exit 1
done
echo "$folder"
