# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by the tests here: expectations, of which one run tells all that fail. What a tested script said stands in
# $work/output.

: "${work:?}"
failures=0
# expect WHAT COMMAND...: that the command succeeds.
expect() {
  local what=$1
  shift
  if ! "$@"; then
    echo "FAILED: $what ($*)"
    if [[ -e $work/output ]]; then sed 's/^/    /' "$work/output"; fi
    ((++failures))
  fi
}
not() { ! "$@"; }
says() { grep -qE -- "$1" "$work/output"; }
# all_met: the test's last word.
all_met() {
  if ((failures > 0)); then
    echo "$failures failed"
    exit 1
  fi
  echo "$(basename "$0"): all expectations met"
}
