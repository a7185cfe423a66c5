#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Makes the documentation's pages, build/docs/html/index.html, and fails at any warning of Doxygen's.
#   docs.sh
# A member of a class or struct may go without a comment of its own: the comment of the class tells what they are for.
set -euo pipefail
cd "$(dirname "$0")/.."

rm -rf build/docs
mkdir -p build/docs
WARPGNN_VERSION=$(sed -n 's/^#define WARPGNN_VERSION_.* //p' include/warpgnn/version.hpp | paste -sd.)
export WARPGNN_VERSION
doxygen docs/Doxyfile

if grep -vE 'Member .* of (class|struct) .* is not documented' build/docs/warnings; then exit 1; fi
echo "build/docs/html/index.html"
