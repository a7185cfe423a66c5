#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Stands in for the programs and tools that check_device.sh runs, under their names. Notes each call in $CALLS and does
# the little that the stages wait for.
set -uo pipefail

name=$(basename "$0")
printf '%s %s\n' "$name" "$*" >>"$CALLS"
case $name in
  nvidia-smi) echo "Stand-in GPU" ;;
  warpgnn_tests)
    if [[ $* == *--gtest_filter=* ]]; then echo "CUDA: 3 ran, 0 skipped"; fi
    ;;
  warpgnn_bench)
    if [[ $* == --help ]]; then echo "--suite {smoke,core,steps,variants}"; fi
    for argument in "$@"; do
      case $argument in
        --rows=*)
          printf '{"context": {}}\n{"name":"op/forward/graph.1/8/cuda_cold","median_us":1.5}\n' >>"${argument#*=}"
          printf '{"name":"op/backward/graph.1/8/cuda_cold","error":"too bad"}\n' >>"${argument#*=}"
          ;;
        --export-graphs=*) mkdir -p "${argument#*=}" ;;
      esac
    done
    ;;
  ncu)
    echo "==PROF== Connected"
    echo "    Section: GPU Speed Of Light Throughput"
    while (($# > 0)); do
      if [[ $1 == --export ]]; then echo report >"$2.ncu-rep"; fi
      shift
    done
    ;;
  python3)
    while (($# > 0)); do
      if [[ $1 == --rows ]]; then echo '{"name": "peer/forward", "of": []}' >>"$2"; fi
      shift
    done
    ;;
esac
