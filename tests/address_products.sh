#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Fails where kernels or loops of the CPU backend address memory with a product of two 32-bit numbers.
#   address_products.sh SOURCE_DIR [INCLUDE_DIR...]
# clang reads kernels through the headers of the executor in tests/simt. Skipped (77) without clang-query.
set -euo pipefail

query=$(command -v clang-query || compgen -c clang-query- | sort -V | tail -n 1 || true)
if [[ -z $query ]]; then
  echo "clang-query is not installed: nothing to check with"
  exit 77
fi

cd "$1"
shift
flags=(-x c++ -std=c++20 -fopenmp -DNDEBUG -DWARPGNN_ISA=baseline "-DWARPGNN_BUILT_LEVELS=1,1,1" -Itests/address -Iinclude -I. -Itests/simt/executor/include)
flags+=(-Wno-everything)
flags+=(-D_Float16=short)  # unknown to older clangs on x86; nothing is computed here
for folder in "$@"; do flags+=(-isystem "$folder"); done

# scan FILE: the places of its narrow products, one a line; fails, with clang's words, if it cannot be read.
scan() {
  local report
  report=$("$query" -f tests/address/narrow_products.query "$1" -- "${flags[@]}" 2>&1) || true
  # Without three answers the file was not read.
  if grep -q 'error:' <<<"$report" || (($(grep -cE '^[0-9]+ match(es)?\.$' <<<"$report") != 3)); then
    printf '%s\n' "$report"
    return 1
  fi
  # A match is two lines: its place, and the source there.
  awk '/: note: "(widened_product|product_as_index|product_as_offset)" binds here$/ {
         sub(/ note: /, " "); sub(/ binds here$/, ""); place = $0
         getline; sub(/^ */, ""); print place ": " $0
       }' <<<"$report" | sort -u
}

# The scan's own test: it finds each product that was planted, and nothing else there.
planted=tests/address/planted/kernels/narrow.cpp
found=$(scan "$planted" | grep -oE 'narrow.cpp:[0-9]+' | sort -u || true)
wanted=$(grep -n '// found' "$planted" | sed -E 's/^([0-9]+):.*/narrow.cpp:\1/' | sort -u)
if [[ $found != "$wanted" ]]; then
  printf 'the scan itself is broken; expected\n%s\ngot\n%s\n' "$wanted" "$found"
  exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mapfile -t files < <(find kernels -name "*.cu" && find host/cpu -name "*.cpp")
scan_to() { scan "$1" >"$2/$(tr / _ <<<"$1")" || touch "$2/failed"; }
workers=$(nproc)
for file in "${files[@]}"; do
  while (($(jobs -rp | wc -l) >= workers)); do wait -n; done
  scan_to "$file" "$work" &
done
wait
products=$(sort -u "$work"/*)
[[ -z $products ]] || printf '%s\n' "$products"
echo "${#files[@]} files, $(grep -c product <<<"$products" || true) narrow products"
[[ -z $products && ! -e $work/failed ]]
