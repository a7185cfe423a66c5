#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Which kernels the tests launched on the executor.
#   kernel_coverage.sh names KERNELS       the names of all __global__ functions in the folder of kernels
#   kernel_coverage.sh count KERNELS       how many there are
#   kernel_coverage.sh clear LOG           begins a new log
#   kernel_coverage.sh check KERNELS LOG   fails if one of them is in no log of the tests
set -euo pipefail

kernel_names() {
  find "$1" -name "*.cu*" -exec cat {} + |
    grep -Pzo '__global__\s+void\s+(__launch_bounds__\((?:[^()]|\([^()]*\))*\)\s+)?\K\w+' | tr '\0' '\n' | sort -u
}

case $1 in
  names) kernel_names "$2" ;;
  count) kernel_names "$2" | wc -l ;;
  clear)
    rm -rf "$2"
    mkdir -p "$2"
    ;;
  check)
    launched=$(cat "$3"/*.log | awk '$1 == "kernel" { print $2 }' | sort -u)
    launches=$(cat "$3"/*.log | awk '$1 == "launches" { sum += $2 } END { print sum }')
    mapfile -t missing < <(comm -23 <(kernel_names "$2") <(echo "$launched"))
    total=$(kernel_names "$2" | wc -l)
    echo "SIMT executor: $launches launches, $((total - ${#missing[@]})) of $total kernels"
    ((${#missing[@]} == 0)) || { printf 'never launched: %s\n' "${missing[@]}"; exit 1; }
    ;;
  *)
    echo "kernel_coverage: unknown command '$1'" >&2
    exit 2
    ;;
esac
