#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs the tests of scripts/device/op_tests.txt on the executor and fails if a kernel was not launched.
#   listed_tests.sh SOURCE_DIR WARPGNN_TESTS_SIMT
set -euo pipefail

log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
WARPGNN_SIMT_LOG=$log "$2" --gtest_brief=1 --gtest_filter="$("$1/scripts/device/op_tests.sh" filter)"
"$1/tests/simt/kernel_coverage.sh" check "$1/kernels" "$log"
