#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The same family of ops lies under the same name in every room, and each op of ops.def in its family's files. The ops'
# comments keep their form.
#   tree_test.sh SOURCE_DIR
# A family is a header of include/warpgnn/ops; its group is the folder that it has in host/cpu and in kernels.
set -euo pipefail
cd "$1"

readonly groups="aggregate attention dense pool"
readonly every="address error gradients half_error threads broadcast"  # tests about ops of all families
failures=0
complain() {
  echo "$*"
  failures=$((failures + 1))
}
has() { compgen -G "$1" >/dev/null; }

# family_of FILE: the longest family name that the file's name begins with.
family_of() {
  local name best=
  name=$(basename "$1")
  name=${name%%.*}
  for family in "${families[@]}"; do
    if [[ $name == "$family" || $name == "$family"_* ]] && ((${#family} > ${#best})); then best=$family; fi
  done
  echo "$best"
}

families=()
for header in include/warpgnn/ops/*.hpp; do
  grep -q "(const Context& context" "$header" || continue  # vocabulary that families share
  families+=("$(basename "$header" .hpp)")
done

for header in include/warpgnn/nn/*.hpp; do
  [[ $header == */nn.hpp ]] || grep -q "\"${header#include/}\"" include/warpgnn/nn/nn.hpp || complain "$header: not in nn.hpp"
done

declare -A group_of
for family in "${families[@]}"; do
  for group in $groups; do
    if [[ -e kernels/$group/$family.cu ]]; then group_of[$family]=$group; fi
  done
  group=${group_of[$family]:-}
  [[ -n $group ]] || { complain "$family: no kernels/*/$family.cu"; continue; }
  has "host/cpu/$group/$family*.cpp" || complain "$family: no host/cpu/$group/$family*.cpp"
  [[ -e host/ops/$family.cpp ]] || complain "$family: no host/ops/$family.cpp"
  [[ -e tests/ops/${family}_test.cpp ]] || complain "$family: no tests/ops/${family}_test.cpp"
  grep -q "\"warpgnn/ops/$family.hpp\"" include/warpgnn/warpgnn.hpp || complain "$family: not in warpgnn.hpp"
done

# Nothing lies where it does not belong.
for file in host/ops/*.cpp host/cpu/{aggregate,attention,dense,pool}/*.cpp kernels/{aggregate,attention,dense,pool}/*.cu; do
  family=$(family_of "$file")
  [[ -n $family ]] || { complain "$file: belongs to no family"; continue; }
  folder=$(basename "$(dirname "$file")")
  [[ $folder == ops || $folder == "${group_of[$family]:-}" ]] || complain "$file: its family is in ${group_of[$family]:-no group}"
done
for file in tests/ops/*_test.cpp; do
  name=$(basename "$file" _test.cpp)
  known=$(family_of "$file")
  for word in $groups $every; do
    if [[ $name == "$word" || $name == "$word"_* ]]; then known=$word; fi
  done
  [[ -n $known ]] || complain "$file: about no family, group or all ops"
done
for group in $groups; do
  [[ -e bench/cases/$group.cpp ]] || complain "$group: no bench/cases/$group.cpp"
done

# The labels of an op's comment begin lines, which clang-format leaves as long as they are.
labels="(Options|Shapes|Dtypes|Workspace|Saved for backward|Writes|Determinism|Errors|Source)\."
while IFS= read -r line; do
  complain "$line: a label within a line, or more than 120 columns"
done < <(grep -rnE "^ *///.*[^/ ] +$labels( |$)|^ *//.{119,}" include || true)

# Each op, by its parts and its name. ops.def may break a line.
while IFS=', ' read -r op arguments part _; do
  header=$(grep -l "^struct ${part:-$arguments} {" include/warpgnn/ops/*.hpp || true)
  [[ $(wc -w <<<"$header") == 1 ]] || { complain "$op: struct ${part:-$arguments} is in '$header'"; continue; }
  family=$(basename "$header" .hpp) group=${group_of[$(basename "$header" .hpp)]:-none}
  grep -q "checked(const Context& context, const $arguments& op)" "host/ops/$family.cpp" ||
    complain "$op: host/ops/$family.cpp does not check it"
  grep -q "^void $op(const CpuExec&" "host/cpu/$group/$family"*.cpp || complain "$op: not in host/cpu/$group/$family*.cpp"
  grep -q "^void $op(const CudaExec&" "kernels/$group/$family"*.cu || complain "$op: not in kernels/$group/$family*.cu"
done < <(sed -nE 's/^WARPGNN_(FLAT_)?OP(_WITH_WORKSPACE)?\(([^()]*)\)?$/\3/p' host/core/ops.def)

# A heading that was too long for its line.
while IFS= read -r line; do
  complain "$line: a heading in two lines"
done < <(grep -rnE '^ *// -{20,}$' include host kernels tests bench examples || true)

while read -r file; do
  [[ $(head -n 2 "$file") == *"SPDX-License-Identifier: MIT"* ]] || complain "$file: says no license"
done < <(find include host kernels tests bench examples scripts cmake -regex '.*\.\(hpp\|cpp\|h\|c\|cu\|cuh\|def\|cmake\|sh\|py\)')

echo "${#families[@]} families, $failures out of place"
((failures == 0))
