#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What limits the kernels that matter most, by Nsight Compute: speed of light, memory, warp states, occupancy, launch.
#   profile.sh          measures; text goes to ncu.txt, reports to ncu.tar.gz; rows in ncu.txt are not measured again
#   profile.sh list     prints the rows and the kernels instead
# Clocks stay as they are. Each row is a process of its own, so that what is done stays if time runs out.
set -uo pipefail

# Row of the suite `core`, kernels in it as a regular expression, launches.
readonly profiles='
gat_attention/forward/reddit-like/8x32           gat_attention_forward_by_destination            1
gat_attention/backward/reddit-like/8x32          gat_attention_backward_by_(source|destination)  2
aggregate_weighted/forward/reddit-like/64        aggregate_sum_by_row                            1
gat_attention_bfloat16/forward/reddit-like/8x32  gat_attention_forward_by_destination            1
attention_gatv2/forward/reddit-like/8x32         attention_forward_by_destination                1
attention_gatv2/backward/reddit-like/8x32        attention_backward_by_(source|destination)      2
attention_dot/forward/reddit-like/8x32           attention_forward_by_destination                1
aggregate_weighted/forward/arxiv-like/16         aggregate_sum_by_row                            1'

list() { grep . <<<"$profiles" | tr -s ' '; }
if [[ ${1:-} == list ]]; then
  list
  exit
fi

readonly text=$RESULTS/ncu.txt reports=$SCRATCH/ncu
readonly max_text=$((8 << 20)) max_reports=$((8 << 20))
failed=0

sections=()
for section in SpeedOfLight MemoryWorkloadAnalysis WarpStateStats Occupancy LaunchStats; do
  sections+=(--section "$section")
done

profile() {
  local row=$1 kernels=$2 launches=$3 log=$SCRATCH/ncu.log
  ncu --target-processes application-only --clock-control none --kernel-name "regex:^$kernels.*" \
    --launch-count "$launches" "${sections[@]}" --page details --force-overwrite --export "$reports/${row//\//.}" \
    "$BIN/warpgnn_bench" --device=cuda --suite=core "--benchmark_filter=^$row/cuda_cold" >"$log" 2>&1 </dev/null
  if grep -q 'Section: ' "$log"; then
    { printf '\n===== %s\n' "$row" && grep -v '^==' "$log"; } >>"$text"
    echo "$row: $kernels"
  else
    echo "$row: no profile of $kernels"
    tail -n 8 "$log"
    failed=1
  fi
}

# shellcheck disable=SC2317  # called by the trap
pack() {
  tar -czf "$reports.tar.gz" -C "$SCRATCH" ncu
  if (($(stat -c %s "$reports.tar.gz") <= max_reports)); then
    mv "$reports.tar.gz" "$RESULTS/"
  else
    echo "the reports take more than $max_reports bytes and are left out"
  fi
  if (($(stat -c %s "$text") > max_text)); then truncate -s "$max_text" "$text"; fi
}

mkdir -p "$reports"
touch "$text"
if [[ -e $RESULTS/ncu.tar.gz ]]; then tar -xzf "$RESULTS/ncu.tar.gz" -C "$SCRATCH"; fi
trap pack EXIT
trap 'exit 143' TERM
while read -r row kernels launches; do
  grep -qx "===== $row" "$text" || profile "$row" "$kernels" "$launches"
done < <(list)
exit "$failed"
