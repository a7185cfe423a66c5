#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests scripts/cuda_toolkit.sh: the toolkit is found through a link and through a script, and half a one is refused.
#   cuda_toolkit_test.sh SOURCE_DIR
set -euo pipefail

script=$1/scripts/cuda_toolkit.sh
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder"/{link,script,half/bin,whole/{bin,include,nvvm/libdevice}}

fail() {
  echo "cuda_toolkit: $1" >&2
  exit 1
}

# A stand-in for nvcc, which says where it is as the real one does.
cat >"$folder/half/bin/nvcc" <<'END'
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
printf '#$ _HERE_=%s\n#$ TOP=%s/..\n' "$here" "$here" >&2
exit 1
END
chmod +x "$folder/half/bin/nvcc"
cp "$folder/half/bin/nvcc" "$folder/whole/bin/"
touch "$folder/whole/include/cuda_runtime.h"

ln -s "$folder/whole/bin/nvcc" "$folder/link/nvcc"
printf '#!/bin/sh\nexec %s "$@"\n' "$folder/whole/bin/nvcc" >"$folder/script/nvcc"
chmod +x "$folder/script/nvcc"
for way in whole/bin link script; do
  found=$(PATH=$folder/$way:$PATH "$script") || fail "finds no toolkit by $way"
  [[ $found == "$(readlink -f "$folder/whole")" ]] || fail "finds $found by $way"
done

if said=$(PATH=$folder/half/bin:$PATH "$script" 2>&1); then fail "takes half a toolkit: $said"; fi
[[ $said == *"$folder/half"*"include/cuda_runtime.h"* ]] || fail "does not say what is missing: $said"
