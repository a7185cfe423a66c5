#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Prints results as a compact table: those of warpgnn_bench (Google Benchmark's JSON, or the lines of --rows) and of
# bench/peers, one beside the other.
#   report.sh RESULTS... [FILTER]     FILTER: a regular expression that rows must match
# Times are medians (of the fastest run where there are several) in ms; "copy" is the bandwidth of the gather model, and
# "bound" the time that the compulsory bytes would take, both in percent of a plain copy.
set -euo pipefail

if (($# == 0)); then
  echo "usage: report.sh RESULTS... [FILTER]" >&2
  exit 2
fi
exec python3 "$(dirname "$0")/report.py" "$@"
