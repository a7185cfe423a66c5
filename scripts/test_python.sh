#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs the Python package beside PyTorch in an environment of its own, and runs its tests.
#   test_python.sh [PYTEST-ARGUMENT...]
#   TORCH=VERSION   of PyTorch, instead of the newest that is tested (python/tests/requirements.txt); the oldest is 2.10.0
set -euo pipefail
cd "$(dirname "$0")/.."

list=python/tests/requirements.txt
torch=${TORCH:-$(sed -n 's/^torch==//p' "$list")}
environment=build/test-python-$torch
readonly list torch environment
export PIP_DISABLE_PIP_VERSION_CHECK=1

# A set-up that was broken off, or was made of another list, is begun again.
if ! cmp -s "$list" "$environment/installed.txt"; then
  echo "test_python: installing PyTorch $torch and what the tests need in $environment (some GB)"
  python3 -m venv --clear "$environment"
  "$environment/bin/python3" -m pip install --quiet --no-cache-dir "torch==$torch" --requirement <(grep -v '^torch==' "$list")
  cp "$list" "$environment/installed.txt"
fi
"$environment/bin/python3" -m pip install --quiet --no-deps --force-reinstall ./python \
  --config-settings=cmake.define.WARPGNN_WERROR=ON
"$environment/bin/python3" -m pytest python/tests --quiet "$@"
