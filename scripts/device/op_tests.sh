#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Reads op_tests.txt.
#   op_tests.sh filter           its tests as a --gtest_filter
#   op_tests.sh check OPS LIST   fails if an op of host/core/ops.def has no test there, or if a test is not in LIST, which is
#                                what --gtest_list_tests prints
set -euo pipefail

table=$(dirname "$0")/op_tests.txt
readonly table
rows() { grep -v '^ *\(#\|$\)' "$table"; }

case $1 in
  filter) rows | awk '!seen[$2]++ { print $2 }' | paste -sd: ;;
  check)
    ops=$(sed -n 's/^WARPGNN_\(FLAT_\)\{0,1\}OP[A-Z_]*(\([a-z_0-9]*\),.*/\2/p' "$2" | sort)
    listed=$(rows | awk '$1 != "-" { print $1 }' | sort -u)
    tests=$(awk '/^[^ ]/ { suite = $1 } /^ / { print suite $1 }' "$3" | sort -u)
    problems=$(
      comm -23 <(echo "$ops") <(echo "$listed") | sed 's/$/: this op has no test/'
      comm -13 <(echo "$ops") <(echo "$listed") | sed 's/$/: there is no such op/'
      comm -13 <(echo "$tests") <(rows | awk '{ print $2 }' | sort -u) | sed 's/$/: there is no such test/'
    )
    [[ -z $problems ]] || { echo "$problems"; exit 1; }
    echo "$(wc -l <<<"$ops") ops, $(rows | awk '!seen[$2]++' | wc -l) tests"
    ;;
  *)
    echo "op_tests: unknown command '$1'" >&2
    exit 2
    ;;
esac
