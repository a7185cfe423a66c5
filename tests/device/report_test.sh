#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# bench/report.sh and table.py on the lines of our rows and of peers, report.sh also on Google Benchmark's JSON; the peers'
# sources parse.
#   report_test.sh SOURCE_DIR
set -euo pipefail

readonly source=$1
if ! command -v python3 >/dev/null; then
  echo "python3 is not here"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/device/expect.sh
source "$source/tests/device/expect.sh"

cat >"$work/rows.jsonl" <<'ROWS'
{"context":{"warpgnn":"0.1.0","cuda_copy_GBps":3000.5}}
{"name":"op/forward/g/8x32/cuda_cold","median_us":2000,"best_us":1900,"repetitions":10,"gather_GBps":400,"gather_pct_of_copy":13.3,"compulsory_pct_of_copy":5}
{"name":"op/backward/g/8x32/cuda_cold","median_us":3000,"best_us":2900,"repetitions":10}
{"name":"op/forward/g/4x32/cuda_cold","error":"no memory"}
{"name":"op/forw
ROWS
cat >"$work/peers.jsonl" <<'ROWS'
{"name":"peer/forward/g/8x32","of":["op/forward/g/8x32"],"median_us":5000,"best_us":4000,"repetitions":10}
{"name":"peer/forward_backward/g/8x32","of":["op/forward/g/8x32","op/backward/g/8x32"],"median_us":20000,"best_us":4000}
{"name":"peer/forward/g/4x32","of":["op/forward/g/4x32"],"median_us":5000,"best_us":4000}
{"name":"peer/forward/g/1x128","of":["op/forward/g/1x128"],"error":"out of memory","asked":"109.38 GiB"}
ROWS
cat >"$work/google.json" <<'JSON'
{"context": {"warpgnn": "0.1.0"}, "benchmarks": [
  {"name": "op/forward/g/16/cpu/manual_time", "run_type": "iteration", "median_us": 70.0, "best_us": 60.0},
  {"name": "op/forward/g/16/cpu/manual_time", "run_type": "iteration", "median_us": 50.0, "best_us": 45.0},
  {"name": "op/forward/g/16/cpu/manual_time_mean", "run_type": "aggregate", "median_us": 1.0}]}
JSON

report() { "$source/bench/report.sh" "$@" | tr -s ' ' >"$work/output"; }
report "$work/rows.jsonl" "$work/peers.jsonl"
expect "a line" says '^# cuda_copy_GBps: 3000.5$'
expect "a line" says '^op/forward/g/8x32/cuda_cold 2.0000 1.9000 400.0 13.3 5.0$'
expect "a line" says '^op/backward/g/8x32/cuda_cold 3.0000 2.9000 - - -$'
expect "a line" says '^op/forward/g/4x32/cuda_cold no memory$'
expect "a line" says '^# .*not a row: \{"name":"op/forw$'
expect "a line" says '^peer/forward/g/8x32 5.0000 2.0000 2.50$'
expect "a line" says '^peer/forward_backward/g/8x32 20.0000 5.0000 4.00$'
expect "a line" says '^peer/forward/g/4x32 5.0000 - -$'
expect "a line" says '^peer/forward/g/1x128 out of memory, asked for 109.38 GiB$'
report "$work/google.json" forward
expect "a line" says '^op/forward/g/16/cpu 0.0500 0.0450 - - -$'
report "$work/google.json" backward
expect "no row that the filter leaves out" not says '^op/'

# The table of `make bench-peers`.
cat >"$work/rows.jsonl" <<'ROWS'
{"context":{"cpu":"CPU, 2 threads"}}
{"name":"gat_layer/forward/g/128to4x32/cpu","median_us":2000,"gather_MB":10}
{"name":"linear/forward/g/128to128/cpu","median_us":500,"gather_MB":4}
{"name":"linear/backward/g/128to128/cpu","median_us":1500,"gather_MB":6}
{"name":"aggregate_weighted/forward/g/64/cpu","median_us":20000,"gather_MB":100}
{"name":"training/epoch/mutag/batch32/cpu","median_us":900,"parameters":7}
{"name":"gat_layer/forward/g/128to4x32/cpu","median_us":4000,"gather_MB":10}
ROWS
cat >"$work/peers.jsonl" <<'ROWS'
{"context":{"torch":"2.0"}}
{"name":"pyg_gat_layer/forward/g/128to4x32","of":["gat_layer/forward/g/128to4x32"],"median_us":5000000}
{"name":"torch_linear/forward_backward/g/128to128","of":["linear/forward/g/128to128","linear/backward/g/128to128"],"median_us":3000}
{"name":"pyg_gat_layer_compiled/forward/g/128to4x32","of":["gat_layer/forward/g/128to4x32"],"error":"two graphs"}
{"name":"dgl_gat_layer/forward/g/128to4x32","of":["gat_layer/forward/g/128to4x32"],"median_us":8000}
{"name":"pyg_training_compiled/epoch/mutag/batch32","of":["training/epoch/mutag/batch32"],"median_us":36000,"parameters":7}
ROWS
python3 "$source/bench/table.py" "$work/rows.jsonl" "$work/peers.jsonl" >"$work/output"
expect "versions" says '^cpu CPU, 2 threads, torch 2.0$'
expect "the slower of ours" says '^\| GAT layer, 128 → 4 × 32, forward \| 4.0 \| 2.5 \| 5,000 \| failed \| 8.0 \| 1,250 × \|  \| 2.0 × \|$'
expect "a sum of ours" says '^\| linear layer \(.*\), 128 → 128, forward \+ backward \| 2.0 \| 5.0 \| 3.0 \|  \|  \| 1.5 × \|  \|  \|$'
expect "an epoch" says '^\| training on MUTAG, batches of 32, an epoch \| 0.90 \|  \|  \| 36 \|  \|  \| 40 × \|  \|$'
expect "a row of ours alone" says '^\| weighted aggregation, 64 wide, forward \| 20 \| 5.0 (\|  ){6}\|$'
expect "why a peer failed" says '^pyg_gat_layer_compiled/forward/g/128to4x32:  two graphs$'
sed -i 's/"parameters":7/"parameters":8/' "$work/rows.jsonl"
expect "another model is refused" not python3 "$source/bench/table.py" "$work/rows.jsonl" "$work/peers.jsonl" 2>"$work/output"
expect "and why" says 'expected a model of 8 parameters, got 7'

python3 -c 'import ast, sys; [ast.parse(open(path).read(), path) for path in sys.argv[1:]]' "$source"/bench/*.py "$source"/bench/peers/*.py
all_met
