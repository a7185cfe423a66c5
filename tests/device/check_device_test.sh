#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs scripts/check_device.sh on stand-ins for programs, tools and stages, in a folder of its own.
#   check_device_test.sh SOURCE_DIR
set -uo pipefail

readonly source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
readonly work project=$work/project
export CALLS=$work/calls TMPDIR=$work/temporary
mkdir -p "$project/build" "$work/bin" "$work/tools" "$TMPDIR"
cp -r "$source/scripts" "$project/"
for program in warpgnn_tests warpgnn_bench warpgnn-train; do cp "$source/tests/device/stand_in.sh" "$work/bin/$program"; done
for tool in nvidia-smi ncu compute-sanitizer python3; do cp "$source/tests/device/stand_in.sh" "$work/tools/$tool"; done
: >"$CALLS"
PATH=$work/tools:$PATH

# shellcheck source=tests/device/expect.sh
source "$source/tests/device/expect.sh"

# check CODE ARGUMENT...: calls the script, whose words go to $work/output, and expects this exit code.
check() {
  local code=$1
  shift
  "$project/scripts/check_device.sh" "$@" >"$work/output" 2>&1
  local found=$?
  expect "exit code of: $*" test "$found" = "$code"
}
# running PATTERN: whether a process has such a command line.
running() {
  local place
  for place in /proc/[0-9]*/cmdline; do { tr '\0' ' ' <"$place" && echo; } 2>/dev/null; done | grep "^$1" >/dev/null
}
called() { grep -qE -- "$1" "$CALLS"; }
forget() {
  rm -rf "$project/out" "$work/out"
  unset OUT
  : >"$CALLS"
}
# A table of stages of its own, from standard input.
table() { cat >"$work/table.sh"; }

# --- The plan: no GPU, no programs ----------------------------------------------------------------------------------------

planned() { awk '$3 ~ /^[0-9]+$/ { print $2 }' "$work/output" | paste -sd' '; }
PATH=${PATH#"$work/tools:"} check 0 --dry-run
expect "order of the plan" test "$(planned)" = \
  "versions op-tests tests core peers ncu steps demo memcheck racecheck synccheck variants again"
expect "a first call and a second" test "$(grep -c '^call' "$work/output")" = 2
expect "the second begins with variants" grep -qE '^ +0:00 +variants' "$work/output"
# shellcheck disable=SC2016  # awk's words
expect "no stage ends after the budget" awk '$3 ~ /^[0-9]+$/ { split($1, t, ":"); if (t[1] * 60 + t[2] + $3 > 570) exit 1 }' \
  "$work/output"
check 0 --dry-run --only core
expect "a plan of one stage" test "$(planned)" = core

# --- What cannot be run ---------------------------------------------------------------------------------------------------

check 2 --surprise
expect "the unknown option" says "unknown option '--surprise'"
check 2 --only surprise
expect "the known stages" says 'no stage .surprise.*versions op-tests'
check 2 --budget soon
check 2 --bin "$work/nowhere"
expect "what to do without programs" says "no programs in .*make device"
mv "$work/tools/nvidia-smi" "$work/"
printf '#!/bin/sh\nexit 9\n' >"$work/tools/nvidia-smi" && chmod +x "$work/tools/nvidia-smi"
check 2 --bin "$work/bin"
expect "no GPU" says "no CUDA device"
mv "$work/nvidia-smi" "$work/tools/"

# --- All stages, on programs from an archive ------------------------------------------------------------------------------

forget
tar -C "$work" -cf - bin | xz >"$project/build/device.tar.xz"
export OUT=$work/out
check 0
expect "the programs of the archive" test -x "$project/build/device/bin/warpgnn_bench"
expect "all is done" says "all stages are done on Stand-in GPU"
order=$(awk '$1 == "warpgnn_bench" && match($0, /--suite=[a-z]+/) { print substr($0, RSTART + 8, RLENGTH - 8) }
  /^warpgnn_tests .*=\*cuda\*$/ { print "tests" }
  /^ncu --target/ { print "ncu" }
  /^warpgnn-train/ { print "demo" }
  /^compute-sanitizer --tool/ { print $3 }' "$CALLS" | uniq | paste -sd' ')
expect "order of the calls" test "$order" = \
  "smoke tests core ncu steps demo memcheck racecheck synccheck variants core"
expect "one test for each op, without and with sanitizers" test "$(grep -c 'gtest_filter=On/' "$CALLS")" -ge 4
expect "a row is measured once" test "$(grep -cF -- '-^(op/forward/graph\.1/8/cuda_cold)(/|$)' "$CALLS")" = 1
expect "files that can be fetched" test "$(find "$OUT" -type f | wc -l)" -le 8
expect "no deep folders" test -z "$(find "$OUT" -mindepth 1 -type d)"
expect "rows" grep -q cuda_cold "$OUT/rows.jsonl"
expect "peers" grep -q peer/forward "$OUT/peers.jsonl"
expect "profiles" grep -q 'Speed Of Light' "$OUT/ncu.txt"
expect "reports" tar -tzf "$OUT/ncu.tar.gz" >"$work/reports"
expect "eight reports" test "$(grep -c ncu-rep "$work/reports")" = 8
expect "a log of each stage" test "$(grep -c '^=====' "$OUT/stages.log")" = 13
expect "nothing temporary is left" test -z "$(ls "$TMPDIR")"

# A profile that is there is not taken again, and its report stays.
sed -i '/^ncu/d' "$OUT/stages.tsv" "$project/out/device/stages.tsv"
sed -i '/aggregate_weighted.*arxiv/,$d' "$OUT/ncu.txt"
: >"$CALLS"
check 0
expect "one profile" test "$(grep -c '^ncu --target' "$CALLS")" = 1
expect "all profiles" test "$(grep -c '^=====' "$OUT/ncu.txt")" = 8
expect "still eight reports" test "$(tar -tzf "$OUT/ncu.tar.gz" | grep -c ncu-rep)" = 8

# The next call finds its results though OUT is empty again.
rm -rf "$OUT" && : >"$CALLS"
check 0
expect "nothing to do" says "0 of 13 stages"
expect "nothing is called" test "$(grep -vc '^nvidia-smi\|^python3 -' "$CALLS")" = 0
expect "the earlier results" grep -q cuda_cold "$OUT/rows.jsonl"
check 0 --only demo
expect "one stage by name, though it is done" called '^warpgnn-train graphs --device cuda --out'

# Other programs: other results.
touch "$project/build/device/bin/warpgnn_bench"
rm -rf "$OUT"
check 0 --only versions
expect "marks of other programs do not count" test "$(grep -c passed "$OUT/stages.tsv")" = 1
expect "their results are kept aside" test -e "$(echo "$project"/out/device-*/rows.jsonl)"
unset OUT

# Tests that were all skipped are no tests.
forget
cp -r "$work/bin" "$work/skipping"
printf '#!/bin/sh\necho "CUDA: 0 ran, 7 skipped (no CUDA device)"\n' >"$work/skipping/warpgnn_tests"
check 1 --bin "$work/skipping" --only tests
expect "what was skipped" says '^tests +failed .*: 0 tests ran, [0-9]+ were skipped'

# --- Limits, failures, resuming -------------------------------------------------------------------------------------------

forget
table <<'TABLE'
stage quick    5 warpgnn_tests   'echo quick >>$CALLS; pwd -P'
stage slow     1 warpgnn_tests   'echo slow >>$CALLS; [[ -e $RESULTS/../mended ]] || { echo begun; sleep 61.5; }'
stage broken   5 warpgnn_tests   'echo broken >>$CALLS; [[ -e $RESULTS/../mended ]] || { echo the reason; exit 3; }'
stage last     5 warpgnn_tests   'echo last >>$CALLS'
stage absent   5 warpgnn_nothing 'echo absent'
stage toolless 5 no-such-tool    'echo toolless'
stage unable   5 warpgnn_tests   'echo not possible here; exit 77'
TABLE
began=$SECONDS
check 1 --bin "$work/bin" --stages "$work/table.sh"
expect "a slow stage is cut" test $((SECONDS - began)) -le 8
expect "nothing of it goes on" not running 'sleep 61.5'
expect "the others run" test "$(grep -vE '^(nvidia|python3)' "$CALLS" | paste -sd' ')" = "quick slow broken last"
expect "passed" says '^quick +passed'
expect "ran out of time" says '^slow +ran out of time'
expect "failed, and why" says '^broken +failed +[0-9]+ +the reason'
expect "a missing program is named" says '^absent +failed .*warpgnn_nothing is not in'
expect "a missing tool is named" says '^toolless +skipped .*no-such-tool is not on this machine'
expect "what a stage could not do" says '^unable +skipped .*not possible here'
expect "stages run in the root of the project" grep -qx "$(cd "$project" && pwd -P)" "$project/out/device/stages.log"
expect "what was printed until then" grep -q begun "$project/out/device/stages.log"

: >"$CALLS"
touch "$project/out/mended"
sed -i '/absent/d' "$work/table.sh"
check 0 --bin "$work/bin" --stages "$work/table.sh"
expect "what failed or was cut is repeated, what passed is not" \
  test "$(grep -vE '^(nvidia|python3)' "$CALLS" | paste -sd' ')" = "slow broken"

forget
table <<'TABLE'
stage first  4 warpgnn_tests 'sleep 2'
stage second 4 warpgnn_tests 'echo second'
TABLE
check 3 --bin "$work/bin" --stages "$work/table.sh" --budget 5
expect "no stage begins that might not end" says 'second +not begun: it may take 4 s'
check 0 --bin "$work/bin" --stages "$work/table.sh" --budget 5

# --- Sizes ----------------------------------------------------------------------------------------------------------------

forget
table <<'TABLE'
stage large     9 warpgnn_tests 'truncate -s 20M $RESULTS/large.bin'
stage talkative 9 warpgnn_tests 'echo the beginning; yes | head -c 2000000; echo the end'
TABLE
check 0 --bin "$work/bin" --stages "$work/table.sh"
expect "a file is cut to size" test "$(stat -c %s "$project/out/device/large.bin")" -le $((16 << 20))
log=$project/out/device/stages.log
expect "a log is bounded" test "$(stat -c %s "$log")" -le 600000
expect "with its beginning" grep -q 'the beginning' "$log"
expect "and its end" grep -q 'the end' "$log"
table <<'TABLE'
stage many 9 warpgnn_tests 'touch $RESULTS/{1,2,3,4,5,6,7,8,9}'
TABLE
check 1 --bin "$work/bin" --stages "$work/table.sh"
expect "too many files" says 'more than 8'

# --- Ended early ----------------------------------------------------------------------------------------------------------

forget
table <<'TABLE'
stage before 9 warpgnn_tests 'echo before'
stage long  60 warpgnn_tests 'echo row >$RESULTS/rows.jsonl; sleep 62.5'
beside long 'sleep 63.5'
TABLE
OUT=$work/out "$project/scripts/check_device.sh" --bin "$work/bin" --stages "$work/table.sh" >"$work/output" 2>&1 &
sleep 1.5
expect "what goes on beside a stage" running 'sleep 63.5'
kill "$!"
wait "$!"
expect "what was done stays" grep -q '^before.passed' "$project/out/device/stages.tsv"
expect "what was begun stays" grep -q row "$project/out/device/rows.jsonl"
sleep 0.3
expect "nothing goes on" not running 'sleep 6[23].5'

all_met
