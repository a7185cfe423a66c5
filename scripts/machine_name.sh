#!/bin/sh
# SPDX-License-Identifier: MIT
# The first GPU's name, else the processor's, as part of a file name; with the argument `cpu` always the processor's.
[ "${1:-}" != cpu ] && name=$(nvidia-smi --query-gpu=name --format=csv,noheader --id=0 2>/dev/null) ||
  name=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
printf '%s' "${name:-$(uname -m)}" | tr -cs '[:alnum:]' '-'
