#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What check_device.sh asks of our programs is there: tests, rows of the benchmark, kernels, options.
#   programs_test.sh SOURCE_DIR BIN
set -uo pipefail

readonly source=$1 bin=$2 helpers=$1/scripts/device
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/device/expect.sh
source "$source/tests/device/expect.sh"
# fails_with WORDS COMMAND...
fails_with() {
  local words=$1
  shift
  ! "$@" >"$work/words" 2>&1 && grep -qE -- "$words" "$work/words"
}

# --- Tests: one for each op at least ----------------------------------------------------------------------------------------

"$bin/warpgnn_tests" --gtest_list_tests >"$work/tests"
expect "ops and tests" "$helpers/op_tests.sh" check "$source/host/core/ops.def" "$work/tests"
{ cat "$source/host/core/ops.def" && echo 'WARPGNN_OP(planted_op, PlantedOp)'; } >"$work/ops.def"
expect "an op without a test" fails_with '^planted_op: this op has no test' \
  "$helpers/op_tests.sh" check "$work/ops.def" "$work/tests"
: >"$work/no-tests"
expect "a test that is not there" fails_with 'there is no such test' \
  "$helpers/op_tests.sh" check "$source/host/core/ops.def" "$work/no-tests"
listed=$("$bin/warpgnn_tests" --gtest_filter="$("$helpers/op_tests.sh" filter)" --gtest_list_tests | grep -c '^ ')
expect "the filter finds each" test "$listed" = "$(grep -v '^#' "$helpers/op_tests.txt" | awk '{ print $2 }' | sort -u | wc -l)"
expect "tests of the CUDA backend" grep -q '^  .*/cuda' "$work/tests"

# --- Kernels and rows that are profiled -------------------------------------------------------------------------------------

"$source/tests/simt/kernel_coverage.sh" names "$source/kernels" >"$work/kernels"
if [[ -x $bin/warpgnn_bench ]]; then
  "$bin/warpgnn_bench" --suite=core --device=cpu --benchmark_list_tests >"$work/rows"
  "$bin/warpgnn_bench" --help >"$work/help"
  for option in --suite --device --rows --export-graphs; do
    expect "benchmark's option $option" grep -q -- "$option" "$work/help"
  done
  for suite in smoke core steps; do
    expect "benchmark's suite $suite" grep -q -- "$suite" "$work/help"
  done
fi
while read -r row kernels launches; do
  expect "launches of $kernels" test "$(grep -cE "^$kernels" "$work/kernels")" -ge "$launches"
  if [[ -e $work/rows ]]; then expect "the row" grep -qE "^$row/cpu" "$work/rows"; fi
done < <("$helpers/profile.sh" list)

# --- The demo ---------------------------------------------------------------------------------------------------------------

if [[ -x $bin/warpgnn-train ]]; then
  "$bin/warpgnn-train" graphs --help >"$work/help"
  for option in --device --out; do expect "the demo's option $option" grep -q -- "$option" "$work/help"; done
fi

# --- The archive ------------------------------------------------------------------------------------------------------------

mkdir -p "$work/bin"
for program in warpgnn_tests warpgnn_bench warpgnn-train warpgnn_tests_simt; do cp /bin/true "$work/bin/$program"; done
expect "an archive" "$helpers/archive.sh" "$work/bin" "$work/device.tar.xz"
expect "the programs in it, and nothing of the executor" test "$(tar -tf "$work/device.tar.xz" | paste -sd' ')" = \
  "bin/warpgnn_tests bin/warpgnn_bench bin/warpgnn-train"
if readelf -d "$bin/warpgnn_tests" | grep -q 'NEEDED.*libgomp'; then
  expect "a library that another machine may not have" fails_with 'warpgnn_tests needs libgomp' \
    "$helpers/needed_libraries.sh" "$bin/warpgnn_tests"
fi

all_met
