#!/usr/bin/env bash
# What limits the kernels that matter most, by Nsight Compute: speed of light, memory, warp states, occupancy, launch.
#   profile.sh          measures; text goes to ncu.txt, reports to ncu.tar.gz
#   profile.sh list     prints the rows and the kernels instead
# Clocks stay as they are. Each row is a process of its own, so that what is done stays if time runs out.
set -uo pipefail

readonly text=${RESULTS:-}/ncu.txt reports=${SCRATCH:-}/ncu
readonly max_text=$((8 << 20)) max_reports=$((8 << 20))
sections=()
for section in SpeedOfLight MemoryWorkloadAnalysis WarpStateStats Occupancy LaunchStats; do
  sections+=(--section "$section")
done
failed=0

# profile ROW KERNEL [LAUNCHES]: the first launches of kernels with names like KERNEL, in the benchmark's row.
profile() {
  local row=$1 kernel=$2 launches=${3:-1} name
  name=$(tr -c 'a-z0-9\n' _ <<<"$row")
  if ! ncu --target-processes application-only --clock-control none --kernel-name "regex:^$kernel.*" \
    --launch-count "$launches" "${sections[@]}" --page details --force-overwrite --export "$reports/$name" \
    "$BIN/warpgnn_bench" --device=cuda --suite=core "--benchmark_filter=^$row/cuda_cold" >"$SCRATCH/ncu.log" 2>&1 ||
    ! grep -q 'Section: ' "$SCRATCH/ncu.log"; then
    echo "no profile of $kernel in $row:"
    tail -n 8 "$SCRATCH/ncu.log"
    failed=1
    return
  fi
  { printf '\n===== %s\n' "$row" && sed -n '/^ *[a-z_0-9]*.*(/,$p' "$SCRATCH/ncu.log"; } >>"$text"
  echo "profiled $kernel in $row"
}

print_row() { printf '%s\t%s\t%s\n' "$1" "$2" "${3:-1}"; }

each_row() {
  "$1" attention/forward/reddit-like/8x32 attention_forward_by_destination
  "$1" attention/backward/reddit-like/8x32 'attention_backward_by_(source|destination)' 2
  "$1" aggregate_weighted/forward/reddit-like/64 aggregate_sum_by_row
  "$1" attention_bfloat16/forward/reddit-like/8x32 attention_forward_by_destination
  "$1" pair_attention_gatv2/forward/reddit-like/8x32 pair_attention_forward_by_destination
  "$1" pair_attention_gatv2/backward/reddit-like/8x32 'pair_attention_backward_by_(source|destination)' 2
  "$1" pair_attention_dot/forward/reddit-like/8x32 pair_attention_forward_by_destination
  "$1" aggregate_weighted/forward/arxiv-like/16 aggregate_sum_by_row
}

pack_reports() {
  [[ -d $reports && $(du -sb "$reports" | cut -f 1) -le $((8 * max_reports)) ]] || return
  tar -czf "$SCRATCH/ncu.tar.gz" -C "$SCRATCH" ncu
  if (($(stat -c %s "$SCRATCH/ncu.tar.gz") <= max_reports)); then
    mv "$SCRATCH/ncu.tar.gz" "$RESULTS/"
  else
    echo "the reports are larger than $max_reports bytes and are left out"
  fi
  if (($(stat -c %s "$text" 2>/dev/null || echo 0) > max_text)); then truncate -s "$max_text" "$text"; fi
}

if [[ ${1:-} == list ]]; then
  each_row print_row
  exit
fi
mkdir -p "$reports"
trap pack_reports EXIT
trap 'exit 143' TERM
each_row profile
exit "$failed"
