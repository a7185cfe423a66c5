#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Measures one suite of the benchmark on the GPU and goes on where an earlier call was stopped.
#   measure.sh SUITE ROWS     ROWS: the file to which each row is appended as it is measured
set -uo pipefail

readonly suite=$1 rows=$2
if ! "$BIN/warpgnn_bench" --help | grep -qw "$suite"; then
  echo "the benchmark has no suite '$suite'"
  exit 77
fi
options=(--device=cuda --suite="$suite" --rows="$rows")
measured=$(sed -n '/"median_us":/s/^{"name": *"\([^"]*\)".*/\1/p' "$rows" 2>/dev/null |
  sed 's/[].*+?(){}|^$\\[]/\\&/g' | paste -sd'|')
if [[ -n $measured ]]; then options+=("--benchmark_filter=-^($measured)(/|\$)"); fi

"$BIN/warpgnn_bench" "${options[@]}" 2>&1 | tee "$SCRATCH/measure.log"
code=${PIPESTATUS[0]}
if [[ -n $measured ]] && grep -q 'no row was chosen' "$SCRATCH/measure.log"; then
  echo "every row was measured by an earlier call"
  exit 0
fi
exit "$code"
