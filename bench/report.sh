#!/usr/bin/env bash
# Prints the results of warpgnn_bench as a compact table.
#   report.sh RESULTS.json [FILTER]     FILTER: a regular expression that rows must match
# Times are medians (of the fastest repetition where there are several) in ms; "copy" is the bandwidth of the gather
# model, and "bound" the time that the compulsory bytes would take, both in percent of a plain copy.
set -euo pipefail

results=${1:?usage: report.sh RESULTS.json [FILTER]}
filter=${2:-.}

awk -v filter="$filter" '
  function number(line) { sub(/^[^:]*: */, "", line); sub(/,? *$/, "", line); return line + 0 }
  function text(line) { sub(/^[^:]*: *"/, "", line); sub(/",? *$/, "", line); return line }
  function flush_row() {
    if (name != "" && name ~ filter && median > 0) {
      if (!(name in best)) order[++rows] = name
      if (!(name in best) || median < best[name]) {
        best[name] = median; fastest[name] = least
        rate[name] = gbps; copy[name] = gather_percent; bound[name] = compulsory_percent
      }
    }
    name = ""; median = 0
  }
  /"(warpgnn|cpu_model|instruction_level|cpu|cuda|cpu_copy_GBps|cuda_copy_GBps|host_name)":/ && !started {
    line = $0; gsub(/[",]/, "", line); sub(/^ */, "", line); print "# " line
  }
  /"benchmarks":/ { started = 1 }
  /"name":/ { flush_row(); name = text($0); sub(/\/manual_time$/, "", name) }
  /"run_type": "aggregate"/ { name = "" }
  /"median_us":/ { median = number($0) }
  /"best_us":/ { least = number($0) }
  /"gather_GBps":/ { gbps = number($0) }
  /"gather_pct_of_copy":/ { gather_percent = number($0) }
  /"compulsory_pct_of_copy":/ { compulsory_percent = number($0) }
  END {
    flush_row()
    printf "%-60s %12s %12s %9s %7s %7s\n", "row", "median ms", "fastest ms", "GB/s", "copy %", "bound %"
    for (k = 1; k <= rows; ++k) {
      row = order[k]
      printf "%-60s %12.4f %12.4f %9.1f %7.1f %7.1f\n", row, best[row] / 1000, fastest[row] / 1000, rate[row], copy[row],
             bound[row]
    }
  }' "$results"
