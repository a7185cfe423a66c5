#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests of the CUDA backend on the GPU.
#   tests.sh listed   those of op_tests.txt: each op and each kernel once
#   tests.sh all      all of them, in several processes: most of their time goes to references computed by the CPU
set -uo pipefail

readonly program=$BIN/warpgnn_tests
case $1 in
  listed)
    processes=1
    filter=$("$HELPERS/op_tests.sh" filter)
    ;;
  all)
    processes=$(($(nproc) < 16 ? ($(nproc) + 1) / 2 : 8))
    filter='*cuda*'
    export OMP_NUM_THREADS=2
    ;;
esac

# What was printed until then counts, also where time runs out.
show() {
  local log
  for log in "$SCRATCH"/shard-*.log; do
    cat "$log"
    rm -f "$log"
  done
}
trap show EXIT
trap 'exit 143' TERM

shards=()
for ((k = 0; k < processes; ++k)); do
  GTEST_TOTAL_SHARDS=$processes GTEST_SHARD_INDEX=$k "$program" --gtest_filter="$filter" \
    >"$SCRATCH/shard-$k.log" 2>&1 &
  shards+=($!)
done
failed=0
for shard in "${shards[@]}"; do
  wait "$shard" || failed=1
done

# Where everything was skipped nothing was tested.
counts=$(sed -n 's/^CUDA: \([0-9]*\) ran, \([0-9]*\) skipped.*/\1 \2/p' "$SCRATCH"/shard-*.log |
  awk '{ ran += $1; skipped += $2 } END { print ran + 0, skipped + 0 }')
show
trap - EXIT
echo "on the GPU: ${counts% *} tests ran, ${counts#* } were skipped"
((failed == 0 && ${counts% *} > 0))
