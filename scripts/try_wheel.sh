#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs the CPU wheel that scripts/wheels.sh made on a bare Debian 12, which gets python3-venv and nothing else, and runs
# the tests of the operators there. Needs root (see scripts/fresh.sh).
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ ${1:-} != inside ]]; then
  compgen -G 'out/wheels/cpu/*.whl' >/dev/null || { echo "try_wheel: expected a wheel in out/wheels/cpu" >&2; exit 1; }
  FRESH_SHARED=$PWD/out/wheels FRESH_CUDA='' scripts/fresh.sh scripts/try_wheel.sh inside
  exit
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
python3 -m venv /opt/trial
/opt/trial/bin/python3 -m pip install --quiet --no-cache-dir ../shared/cpu/*.whl numpy pytest
/opt/trial/bin/python3 -m pytest --quiet python/tests/test_{operators,dtypes,strides}.py
