#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Measures our layers and a training beside those of PyTorch Geometric and DGL on this machine's CPU, and prints a table.
# `make bench-peers` builds our programs and calls this. Ours run before and after what runs in PyTorch: our package,
# where that is installed, and the peers.
#   bench_peers.sh [--tiny]     --tiny: on a small graph, to see that all rows work; their times mean nothing
#   PEERS_PYTHON=PROGRAM  a python3 that has PyTorch and PyTorch Geometric; without it build/peers is made, and what
#                         bench/peers/requirements.txt says is installed there (some GB)
#   THREADS=N             for ours and theirs alike (default: all)
# Writes rows.jsonl, peers.jsonl, peers_kept.jsonl and peers.md to bench/results/MACHINE-DATE.*; with --tiny they stay in
# build/bench-peers.
set -euo pipefail
cd "$(dirname "$0")/.."

tiny=() seconds=2 epochs=30
case ${1:-} in
  '') ;;
  --tiny) tiny=(--tiny) seconds=0.01 epochs=2 ;;
  --help) sed -n '3,11s/^# \?//p' "scripts/${0##*/}" && exit ;;
  *) echo "bench_peers: expected nothing, --tiny or --help, got '$1'" >&2 && exit 2 ;;
esac
threads=${THREADS:-$(nproc)}
readonly tiny seconds epochs threads
readonly work=build/bench-peers
readonly rows=$work/rows.jsonl peers=$work/peers.jsonl kept=$work/peers_kept.jsonl
readonly ops='(gat|gatv2|transformer|gcn)_layer|linear|gat_attention|attention_gatv2|aggregate_weighted(_bfloat16)?'

# A set-up that was broken off, or was made of another list, is begun again.
install_peers() {
  local list=bench/peers/requirements.txt mark=build/peers/installed.txt
  if cmp -s "$list" "$mark"; then return; fi
  echo "bench_peers: installing PyTorch and PyTorch Geometric in build/peers" >&2
  python3 -m venv --clear build/peers
  build/peers/bin/python3 -m pip install --quiet --requirement "$list"
  cp "$list" "$mark"
}

measure_ours() {
  build/bench/bin/warpgnn_bench --device=cpu --threads="$threads" --min-time="$seconds" --rows="$rows" "${tiny[@]}" \
    --benchmark_filter="^($ops|baseline_naive_cpu_spmm)/(forward|backward|forward_backward)/yardstick/(128to.*|4x32|128)/"
  python3 bench/peers/our_epochs.py --program build/demo/bin/warpgnn-train --threads "$threads" --epochs "$epochs" \
    --rows "$rows"
}

# measure_peers ROWS ARGUMENT...
measure_peers() {
  OMP_NUM_THREADS=$threads TORCHINDUCTOR_CACHE_DIR=$PWD/$work/inductor DGLBACKEND=pytorch "$python" \
    bench/peers/peers.py --device cpu --threads "$threads" --edges "$work/edges" --graphs yardstick --rows "$1" "${@:2}"
}

# All that runs in PyTorch. measure_all ROWS
measure_all() {
  measure_peers "$1" --package
  measure_peers "$1" --layers
  PYTHONPATH=$work/dgl:${PYTHONPATH:-} measure_peers "$1" --dgl
}

python=${PEERS_PYTHON:-build/peers/bin/python3}
[[ -n ${PEERS_PYTHON:-} ]] || install_peers
rm -rf "$work"
mkdir -p "$work"
printf '{"context": {"revision": "%s"}}\n' "$(git describe --always --dirty)" >"$rows"

build/bench/bin/warpgnn_bench --device=cpu "${tiny[@]}" --export-graphs="$work/edges" --graphs=yardstick
# Whether DGL can be installed and loads is no condition: rows say why not.
"$python" -m pip install --quiet --no-deps --target "$work/dgl" --requirement bench/peers/requirements_dgl.txt || true

# PyTorch asks for memory anew for every result, and glibc may give it back to the system in between, and get it again
# page by page. So all are measured as a user finds them, and with glibc told to keep it.
measure_ours
measure_all "$peers"
MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=17179869184 measure_all "$kept"
measure_ours

{
  python3 bench/table.py "$rows" "$peers"
  printf '\nWith MALLOC_MMAP_THRESHOLD_=1073741824 and MALLOC_TRIM_THRESHOLD_=17179869184 in the environment of PyTorch:\n\n'
  python3 bench/table.py "$rows" "$kept"
} | tee "$work/peers.md"
if ((${#tiny[@]} == 0)); then
  name=bench/results/$(scripts/machine_name.sh cpu)-$(date +%F)
  mkdir -p bench/results
  for part in rows.jsonl peers.jsonl peers_kept.jsonl peers.md; do cp "$work/$part" "$name.$part"; done
fi
