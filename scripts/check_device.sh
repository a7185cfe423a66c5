#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Checks and measures the programs of the `device` preset on this machine's GPU, in stages of bounded time.
#   check_device.sh [--dry-run] [--bin DIR] [--only STAGE]... [--budget SECONDS] [--stages FILE]
#     --dry-run   prints what would be run and when; needs no GPU and no programs
#     --bin       where the programs lie; else build/device/bin, which is unpacked from build/device.tar.xz
#     --only      this stage alone, even if it is done
#     --budget    seconds for this call (570); a stage that might take longer than what is left is not begun
#     --stages    another table than scripts/device/stages.sh
# Results go to the folder that the variable OUT names, else to out/device, where they are kept in any case: at most 8
# files of 16 MiB. A second call goes on where the first stopped: first stages that never ran, then those that failed or
# ran out of time. To go on with results from another machine, bring its files to out/device here.
# The exit code is 0 if all stages are done, 1 if one failed, 2 if none could be run, 3 if some remain for another call.
set -uo pipefail

readonly max_files=8 max_bytes=$((15 << 20)) max_log=$((256 << 10))
root=$(cd "$(dirname "$0")/.." && pwd)
readonly root keep=$root/out/device
export HELPERS=$root/scripts/device

stages=() only=()
declare -A limit=() needs=() command=() beside=() result=() seconds=() why=()
stage() { stages+=("$1") limit[$1]=$2 needs[$1]=$3 command[$1]=$4; }
beside() { beside[$1]=$2; }

stop() {
  echo "check_device: $1" >&2
  exit 2
}

# --- Options --------------------------------------------------------------------------------------------------------------

bin="" budget=570 table=$HELPERS/stages.sh dry_run="" forced=""
while (($# > 0)); do
  case $1 in
    --dry-run) dry_run=yes ;;
    --bin | --only | --budget | --stages)
      (($# > 1)) || stop "$1 wants a value"
      case $1 in
        --bin) bin=$2 ;;
        --only) only+=("$2") ;;
        --budget) budget=$2 ;;
        --stages) table=$2 ;;
      esac
      shift
      ;;
    *) stop "unknown option '$1'" ;;
  esac
  shift
done
[[ $budget =~ ^[0-9]+$ ]] || stop "--budget wants whole seconds, not '$budget'"
# shellcheck source=scripts/device/stages.sh
source "$table" || stop "cannot read $table"
for name in "${only[@]}"; do
  [[ -n ${limit[$name]:-} ]] || stop "there is no stage '$name'; there are: ${stages[*]}"
done
if ((${#only[@]} > 0)); then forced=yes; else only=("${stages[@]}"); fi

# --- The plan -------------------------------------------------------------------------------------------------------------

print_plan() {
  local clock=0 call=1 name
  printf 'call %d\n' "$call"
  for name in "${only[@]}"; do
    if ((clock > 0 && clock + limit[$name] > budget)); then
      clock=0
      printf 'call %d\n' $((++call))
    fi
    printf '  %2d:%02d  %-10s %4d s  %s\n' $((clock / 60)) $((clock % 60)) "$name" "${limit[$name]}" "${command[$name]}"
    if [[ -n ${beside[$name]:-} ]]; then printf '         beside it, from the start: %s\n' "${beside[$name]}"; fi
    ((clock += limit[$name]))
  done
}

if [[ -n $dry_run ]]; then
  print_plan
  exit 0
fi

# --- The machine and the programs -----------------------------------------------------------------------------------------

gpu=$(nvidia-smi --query-gpu=name --format=csv,noheader --id=0 2>/dev/null)
[[ -n $gpu ]] || stop "no CUDA device on this machine"

archive=$root/build/device.tar.xz
unpack() {
  if command -v xz >/dev/null; then
    tar -I 'xz -T0' -xf "$archive" -C "$1"
  else
    python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$archive" "$1"
  fi
}
if [[ -z $bin ]]; then
  bin=$root/build/device/bin
  if [[ -e $archive && (! -d $bin || (-e $bin/.unpacked && $archive -nt $bin/.unpacked)) ]]; then
    mkdir -p "$root/build/device"
    unpack "$root/build/device" || stop "cannot unpack $archive"
    touch "$bin/.unpacked"
  fi
fi
[[ -d $bin ]] || stop "no programs in $bin: run 'make device' where there is a compiler, and bring build/device.tar.xz here"
BIN=$(cd "$bin" && pwd)
export BIN

# Tools and libraries come from this machine's toolkit, or from pip's packages.
library_folders() {
  local folder
  for folder in "$BIN" /usr/local/cuda/lib64 /usr/local/cuda-*/lib64; do
    [[ -d $folder ]] && echo "$folder"
  done
  python3 - 2>/dev/null <<'PYTHON'
import glob, site, sys
for folder in {*site.getsitepackages(), *sys.path}:
    for libraries in glob.glob(f"{folder}/nvidia/*/lib"):
        print(libraries)
PYTHON
}
for folder in /usr/local/cuda/bin /usr/local/cuda-*/bin /opt/nvidia/nsight-compute/*; do
  [[ -d $folder ]] && PATH=$PATH:$folder
done
export MACHINE_LIBRARY_PATH=${LD_LIBRARY_PATH:-}
LD_LIBRARY_PATH=$(library_folders | paste -sd:)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export PATH LD_LIBRARY_PATH

# missing STAGE: what it needs and does not find. Our own programs must be there: without them the check is not whole.
missing() {
  local need
  for need in ${needs[$1]//,/ }; do
    case $need in
      warpgnn[_-]*) [[ -x $BIN/$need ]] || printf 'failed\t%s is not in %s\n' "$need" "$BIN" ;;
      *) command -v "$need" >/dev/null || printf 'skipped\t%s is not on this machine\n' "$need" ;;
    esac
  done | head -n 1
}

# --- Results and done-marks -----------------------------------------------------------------------------------------------

RESULTS=${OUT:-$keep}
mkdir -p "$RESULTS" || stop "cannot make $RESULTS"
RESULTS=$(cd "$RESULTS" && pwd)
export RESULTS
cd "$root" || exit 2

# Marks belong to the programs that earned them; results of others are put aside.
programs="# programs $(cd "$BIN" && stat -c '%n %s %Y' warpgnn[_-]* 2>/dev/null | cksum | cut -d ' ' -f 1)"
of_others() { [[ -e $1/stages.tsv && $(head -n 1 "$1/stages.tsv") != "$programs" ]]; }
if of_others "$keep"; then
  mv "$keep" "$keep-$(date +%Y%m%d-%H%M%S)"
  mkdir -p "$RESULTS"
fi
if of_others "$RESULTS"; then stop "$RESULTS holds results of other programs"; fi
mkdir -p "$keep"
if [[ ! $RESULTS -ef $keep ]]; then cp -n "$keep"/* "$RESULTS"/ 2>/dev/null; fi
[[ -e $RESULTS/stages.tsv ]] || echo "$programs" >"$RESULTS/stages.tsv"
while IFS=$'\t' read -r name outcome time reason; do
  [[ $name == '#'* ]] || result[$name]=$outcome seconds[$name]=$time why[$name]=$reason
done <"$RESULTS/stages.tsv"

SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/check_device.XXXXXX") || stop "no room for temporary files"
export SCRATCH

keep_results() {
  local file
  for file in "$RESULTS"/*; do
    (($(stat -c %s "$file") > max_bytes)) || continue
    echo "  $(basename "$file") is larger than $max_bytes bytes: the rest is cut off"
    truncate -s "$max_bytes" "$file"
  done
  if [[ ! $RESULTS -ef $keep ]]; then cp -u "$RESULTS"/* "$keep"/; fi
}

# The beginning and the end of what a stage printed.
keep_log() {
  local log=$1 size
  size=$(stat -c %s "$log")
  head -c "$max_log" "$log"
  if ((size > 2 * max_log)); then printf '\n... %d bytes left out ...\n' $((size - 2 * max_log)); fi
  if ((size > max_log)); then tail -c "$((size < 2 * max_log ? size - max_log : max_log))" "$log"; fi
}

mark() {
  result[$1]=$2 seconds[$1]=$3 why[$1]=$4
  printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" >>"$RESULTS/stages.tsv"
  printf '  %-10s %s in %s s%s\n' "$1" "$2" "$3" "${4:+: $4}"
}

# --- Running --------------------------------------------------------------------------------------------------------------

child=
declare -A helper_group=()
end_beside() {
  local group=${helper_group[$1]:-}
  if [[ -n $group ]]; then kill -- "-$group" 2>/dev/null; fi
  unset "helper_group[$1]"
}
clean_up() {
  local name
  for name in "${!helper_group[@]}"; do end_beside "$name"; done
  keep_results
  rm -rf "$SCRATCH"
}
trap clean_up EXIT
# Whoever ends this script early still finds what was written until then.
trap '[[ -n $child ]] && kill "$child" 2>/dev/null; exit 143' TERM INT

run_stage() {
  local name=$1 log=$SCRATCH/$1.log began=$SECONDS code took last
  timeout --kill-after=3 "${limit[$name]}" bash -c "${command[$name]}" >"$log" 2>&1 </dev/null &
  child=$!
  wait "$child"
  code=$?
  child=
  took=$((SECONDS - began))
  last=$(tail -c 4096 "$log" | tr -cd '[:print:]\n' | grep -v '^ *$' | tail -n 1 | cut -c 1-160)
  { printf '\n===== %s, %s: exit code %d after %d s\n' "$name" "$(date -u +%FT%TZ)" "$code" "$took" && keep_log "$log"; } \
    >>"$RESULTS/stages.log"
  if ((code == 0)); then
    mark "$name" passed "$took" ""
  elif ((code == 77)); then
    mark "$name" skipped "$took" "$last"
  elif ((took >= limit[$name])); then
    mark "$name" "ran out of time" "$took" ""
  else
    mark "$name" failed "$took" "$last"
    tail -c 2000 "$log" | tail -n 12 | sed 's/^/    | /'
  fi
  end_beside "$name"
  keep_results
}

# Stages that never ran come before those that failed or ran out of time: running these again may find the same again.
pending() {
  local name fresh=() again=()
  for name in "${only[@]}"; do
    case ${result[$name]:-} in
      passed) [[ -n $forced ]] && again+=("$name") ;;
      '' | skipped) fresh+=("$name") ;;
      *) again+=("$name") ;;
    esac
  done
  ((${#fresh[@]} + ${#again[@]} == 0)) || printf '%s\n' "${fresh[@]}" "${again[@]}" | grep .
}

mapfile -t queue < <(pending)
echo "$gpu: ${#queue[@]} of ${#only[@]} stages to do in $budget s; results in $RESULTS"
for name in "${queue[@]}"; do
  if [[ -n ${beside[$name]:-} && -z $(missing "$name") ]]; then
    setsid bash -c "${beside[$name]}" >"$SCRATCH/beside-$name.log" 2>&1 </dev/null &
    helper_group[$name]=$!
  fi
done
for name in "${queue[@]}"; do
  if lack=$(missing "$name") && [[ -n $lack ]]; then
    mark "$name" "${lack%%$'\t'*}" 0 "${lack#*$'\t'}"
  elif ((SECONDS + limit[$name] > budget)); then
    printf '  %-10s not begun: it may take %d s, and %d of %d s are left\n' "$name" "${limit[$name]}" \
      $((budget - SECONDS)) "$budget"
  else
    run_stage "$name"
  fi
done

# --- Summary --------------------------------------------------------------------------------------------------------------

failed=0 remaining=0
echo
printf '%-10s  %-16s %7s\n' stage result seconds
for name in "${only[@]}"; do
  case ${result[$name]:=not run} in
    failed) ((++failed)) ;;
    'not run' | 'ran out of time') ((++remaining)) ;;
  esac
  printf '%-10s  %-16s %7s  %s\n' "$name" "${result[$name]}" "${seconds[$name]:--}" "${why[$name]:-}"
done
file_count=$(find "$RESULTS" -type f | wc -l)
if ((file_count > max_files)); then
  echo "$RESULTS holds $file_count files, more than $max_files"
  ((++failed))
fi
if ((failed > 0)); then
  echo "$failed failed, $remaining remain"
  exit 1
elif ((remaining > 0)); then
  echo "$remaining remain: call again"
  exit 3
fi
echo "all stages are done on $gpu"
