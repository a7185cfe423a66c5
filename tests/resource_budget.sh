#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Registers and local memory of each kernel, from the reports that scripts/compiler_report.sh keeps beside the objects.
#   resource_budget.sh check DIR   compares them with resource_budget.txt
#   resource_budget.sh write DIR   writes resource_budget.txt anew
# A kernel's line holds the worst of its template instances. Registers are budgeted in steps of 8, as the hardware hands
# them out; a spill fails whatever the budget says. Kernels of other libraries are not judged.
set -euo pipefail
shopt -s nullglob

readonly architecture=sm_90
here=$(cd "$(dirname "$0")" && pwd)
readonly here budget=$here/resource_budget.txt
readonly mode=$1 reports=$2

# "kernel registers stack spills", one line for each kernel.
measure() {
  local report source
  for report in "$reports"/*/*.cu.o.ptxas; do
    source=${report#"$reports/"}
    source=${source%.o.ptxas}
    # A report outlives its source in a build folder that is kept.
    if [[ -e $here/../kernels/$source ]]; then cat "$report"; fi
  done | c++filt | awk -v architecture="$architecture" '
    function short_name(name) {
      gsub(/\(anonymous namespace\)::/, "", name)
      while (gsub(/<[^<>]*>/, "", name)) {}
      sub(/\(.*/, "", name)
      sub(/^.* /, "", name)
      return name
    }
    function worst(table, value) { if (!(kernel in table) || value > table[kernel]) table[kernel] = value }
    /Compiling entry function/ {
      kernel = $0
      judged = sub(".*for .*" architecture "[^0-9]*$", "&", kernel)
      sub(/.*Compiling entry function .?/, "", kernel)
      kernel = short_name(kernel)
      judged = judged && sub(/^warpgnn::(kernels::)?/, "", kernel)
    }
    judged && /bytes stack frame/ { worst(stack, $1 + 0); worst(spills, $5 + $9) }
    judged && /Used [0-9]+ registers/ { sub(/.*Used /, ""); worst(registers, $1 + 0) }
    END { for (kernel in registers) print kernel, registers[kernel], stack[kernel], spills[kernel] }' | LC_ALL=C sort
}

measured=$(measure)
if [[ -z $measured ]]; then
  echo "no report for $architecture: nothing to check"
  exit 77
fi

if [[ $mode == write ]]; then
  {
    echo "# Budget of each kernel on $architecture, worst template instance: registers per thread and bytes of stack."
    echo "# 'make resource-budget' writes this file; 'ctest -R resource_budget' checks it."
    awk '{ printf "%-48s %4d %5d\n", $1, int(($2 + 7) / 8) * 8, $3 }' <<<"$measured"
  } >"$budget"
  echo "wrote $budget"
fi

awk '
  FILENAME == ARGV[1] { if ($0 !~ /^(#|$)/) { registers[$1] = $2; stack[$1] = $3 }; next }
  !NF { next }
  { seen[$1] = 1; kernels++ }
  $4 > 0 { complain($1 ": spills " $4 " bytes") }
  !($1 in registers) { complain($1 ": has no line in the budget"); next }
  $2 > registers[$1] { complain($1 ": uses " $2 " registers, the budget is " registers[$1]) }
  $3 > stack[$1] { complain($1 ": uses " $3 " bytes of stack, the budget is " stack[$1]) }
  function complain(text) { print text; failures++ }
  END {
    for (name in registers) if (!(name in seen)) complain(name ": is in the budget but is no kernel")
    printf "%d kernels checked, %d problems\n", kernels, failures
    exit failures > 0
  }' "$budget" - <<<"$measured"
