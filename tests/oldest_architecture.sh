#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Reads every kernel for the oldest architecture that nvcc knows, which the default of all of them has to build for: an
# instruction that came later shows. Unoptimised, for it is quicker.
#   oldest_architecture.sh NVCC SOURCE_DIR
set -euo pipefail
nvcc=$1
cd "$2"

oldest=$("$nvcc" --list-gpu-arch | head -n 1)
failures=0
for source in kernels/*/*.cu; do
  if ! output=$("$nvcc" -G -ptx -std=c++20 "-arch=$oldest" -I include -I . "$source" -o /dev/null 2>&1); then
    grep -m 3 error <<<"$output" || echo "$output"
    failures=$((failures + 1))
  fi
done
echo "$oldest: $failures sources with errors"
((failures == 0))
