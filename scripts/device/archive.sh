#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Packs what check_device.sh needs, and no more: the programs that run on the GPU and the libraries that travel beside
# them. Fails if the programs need what another machine may not have, or if the archive is too large to
# carry.
#   archive.sh BIN ARCHIVE.tar.xz
set -euo pipefail
shopt -s nullglob

readonly max_bytes=$((60 << 20))
helpers=$(cd "$(dirname "$0")" && pwd)
bin=$(cd "$1" && pwd)
readonly helpers bin archive=$2 programs=(warpgnn_tests warpgnn_bench warpgnn-train)

libraries=("$bin"/*.so.*)
"$helpers/needed_libraries.sh" "${programs[@]/#/$bin/}" "${libraries[@]}"
members=(-C "$bin/..")
for file in "${programs[@]}" "${libraries[@]##*/}"; do members+=("bin/$file"); done
# Blocks of their own can be unpacked by several processors.
tar -cf - "${members[@]}" | xz -T0 --block-size=16MiB >"$archive.part"
bytes=$(stat -c %s "$archive.part")
if ((bytes > max_bytes)); then
  echo "$archive would take $bytes bytes, more than $max_bytes" >&2
  rm "$archive.part"
  exit 1
fi
mv "$archive.part" "$archive"
echo "$archive: $(((bytes + (1 << 20) - 1) >> 20)) MiB of at most $((max_bytes >> 20))"
