#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The listed tests, which launch every kernel, under one tool of compute-sanitizer. Kernels of other libraries are not
# checked: nobody here can mend them, and each costs time.
#   sanitize.sh memcheck|racecheck|synccheck
set -euo pipefail

exec compute-sanitizer --tool "$1" --error-exitcode 1 --print-limit 20 --kernel-name kns=warpgnn \
  "$BIN/warpgnn_tests" --gtest_filter="$("$HELPERS/op_tests.sh" filter)"
