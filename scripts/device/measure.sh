#!/usr/bin/env bash
# Measures one suite of the benchmark on the GPU and goes on where an earlier call was stopped.
#   measure.sh SUITE ROWS     ROWS: the file to which each row is appended as it is measured
set -euo pipefail

suite=$1 rows=$2
options=(--device=cuda --suite="$suite" --rows="$rows")
measured=
if [[ -e $rows ]]; then measured=$(sed -n 's/^{"name": *"\([^"]*\)".*/\1/p' "$rows" | sed 's/[][.*+?(){}|^$\\]/\\&/g' | paste -sd'|'); fi
if [[ -n $measured ]]; then options+=("--benchmark_filter=-^($measured)(/|\$)"); fi
exec "$BIN/warpgnn_bench" "${options[@]}"
