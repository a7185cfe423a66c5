#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Objects of an instruction-set level may only define functions of that level's own namespace. Any other one, an inline
# function of a shared header say, could be the copy that the linker keeps for every caller, and would then run AVX code
# on a machine without it.
#   simd_symbols.sh LEVEL OBJECT...
set -euo pipefail

readonly level=$1
shift
foreign=$(nm -C --defined-only --extern-only "$@" | awk -v own="::$level::" '$2 ~ /^[TWi]$/ && !index($0, own)' | sort -u)
if [[ -n $foreign ]]; then
  printf 'functions outside warpgnn::backend::%s:\n%s\n' "$level" "$foreign"
  exit 1
fi
echo "$# objects define no function outside warpgnn::backend::$level"
