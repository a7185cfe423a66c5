#!/usr/bin/env bash
# Packs what check_device.sh needs, and no more: the programs that run on the GPU and the libraries that travel beside
# them. Fails if they need what another machine may not have, or if the archive is too large to carry.
#   archive.sh BIN ARCHIVE.tar.xz
set -euo pipefail

readonly max_bytes=$((60 << 20))
helpers=$(cd "$(dirname "$0")" && pwd)
archive=$(realpath -m "$2")
readonly helpers archive programs=(warpgnn_tests warpgnn_bench train_graphs)

cd "$1"
shopt -s nullglob
files=("${programs[@]}" *.so.*)
"$helpers/needed_libraries.sh" "${files[@]}"
# Blocks of their own can be unpacked by several processors.
tar -C .. -cf - "${files[@]/#/bin/}" | xz -T0 --block-size=16MiB >"$archive.part"
bytes=$(stat -c %s "$archive.part")
if ((bytes > max_bytes)); then
  echo "$archive would take $bytes bytes, more than $max_bytes" >&2
  rm "$archive.part"
  exit 1
fi
mv "$archive.part" "$archive"
echo "$archive: $(((bytes + (1 << 20) - 1) >> 20)) MiB of at most $((max_bytes >> 20))"
