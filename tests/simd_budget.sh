#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Whether the CPU's loops are still vectorised: counts of floating-point instructions of each source's object, on vectors
# and on single numbers, beside those of simd_budget.txt.
#   simd_budget.sh check LEVEL COMPILER OBJECT...
#   simd_budget.sh write LEVEL COMPILER OBJECT...   writes the level's lines of simd_budget.txt anew
# COMPILER is what CMake calls it, "GNU 12.2.0". Another release of it vectorises otherwise, so only the one that the
# budget was written with is judged. A loop that falls back to single numbers takes the vector instructions of all its
# template instances with it, far more than the tenth that is let pass.
set -euo pipefail

readonly judged="GNU 12"
here=$(cd "$(dirname "$0")" && pwd)
readonly here budget=$here/simd_budget.txt
readonly mode=$1 level=$2 compiler=$3
shift 3

if [[ $compiler != "$judged".* ]]; then
  echo "the budget is that of $judged, this is $compiler: nothing to check"
  exit 77
fi

# "family/source level vectors singles", one line for each object.
measure() {
  local object
  for object in "$@"; do
    [[ $object == */host/cpu/* ]] || continue
    objdump --disassemble --no-show-raw-insn "$object" |
      awk -v name="${object##*/host/cpu/}" -v level="$level" '
        BEGIN { operation = "^v?(add|sub|mul|div|min|max|sqrt|fn?m(add|sub)[0-9]*)" }
        $2 ~ operation "p[sd]$" { ++vectors }
        $2 ~ operation "s[sd]$" { ++singles }
        END { sub(/\.cpp\.o$/, "", name); printf "%-40s %-9s %6d %6d\n", name, level, vectors, singles }'
  done | LC_ALL=C sort
}

measured=$(measure "$@")

if [[ $mode == write ]]; then
  kept=$(grep -v '^#' "$budget" 2>/dev/null | awk -v level="$level" '$2 != level' || true)
  {
    echo "# Floating-point instructions of each source of host/cpu at each level of x86-64, compiled by $judged: on vectors"
    echo "# and on single numbers. 'make simd-budget' writes this file; 'ctest -R simd_budget' checks it."
    printf '%s\n%s\n' "$kept" "$measured" | sed '/^$/d' | LC_ALL=C sort
  } >"$budget.new"
  mv "$budget.new" "$budget"
  echo "wrote the lines of $level in $budget"
  exit
fi

awk -v level="$level" '
  /^#/ || NF == 0 || $2 != level { next }
  NR == FNR { vectors[$1] = $3; singles[$1] = $4; next }
  !($1 in vectors) { printf "%s: not in simd_budget.txt\n", $1; ++wrong; next }
  { ++seen }
  $3 < 0.9 * vectors[$1] { printf "%s: %d instructions on vectors, expected about %d\n", $1, $3, vectors[$1]; ++wrong }
  $4 > 1.1 * singles[$1] + 20 {
    printf "%s: %d instructions on single numbers, expected about %d\n", $1, $4, singles[$1]
    ++wrong
  }
  END {
    for (name in vectors) ++expected
    if (seen < expected) { printf "%d sources of the budget are not there\n", expected - seen; ++wrong }
    if (wrong) { print "make simd-budget, once the loops are as they should be"; exit 1 }
    printf "%d sources at %s keep to their budget\n", seen, level
  }' "$budget" <(printf '%s\n' "$measured")
