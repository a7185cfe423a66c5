#!/usr/bin/env bash
# Checks the programs of the `device` preset on this machine's GPU and measures them. Nothing is built.
#   check_device.sh [BIN]
# BIN is where the programs lie: build/device/bin, which is unpacked from build/device.tar.gz if it is not there.
# Runs all tests, then the tests of the operations under compute-sanitizer, then the benchmarks, whose results go to
# bench/results/<gpu>-<date>.json. WARPGNN_SANITIZE_FILTER chooses other tests for compute-sanitizer.
set -uo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
bin=${1:-$root/build/device/bin}
failures=()

if ! gpu=$(nvidia-smi --query-gpu=name --format=csv,noheader --id=0 2>/dev/null) || [[ -z $gpu ]]; then
  echo "no CUDA device on this machine" >&2
  exit 1
fi
if [[ ! -d $bin && -e $root/build/device.tar.gz ]]; then
  mkdir -p "$root/build/device"
  tar -xzf "$root/build/device.tar.gz" -C "$root/build/device"
fi
if [[ ! -x $bin/warpgnn_tests ]]; then
  echo "no programs in $bin: run 'make device' where there is a compiler, and copy build/device.tar.gz here" >&2
  exit 1
fi
echo "GPU: $gpu"

# cuBLAS and cuSPARSE come from this machine's toolkit, or from pip's packages.
library_folders() {
  local folder
  for folder in "$bin" /usr/local/cuda/lib64 /usr/local/cuda-*/lib64; do
    [[ -d $folder ]] && echo "$folder"
  done
  python3 - 2>/dev/null <<'PYTHON'
import glob, site, sys
for root in {*site.getsitepackages(), *sys.path}:
    for folder in glob.glob(f"{root}/nvidia/*/lib"):
        print(folder)
PYTHON
}
LD_LIBRARY_PATH=$(library_folders | paste -sd:)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH

# stage NAME COMMAND...: runs it and remembers a failure.
stage() {
  local name=$1
  shift
  echo "== $name"
  if "$@"; then
    echo "== $name: passed"
  else
    echo "== $name: FAILED"
    failures+=("$name")
  fi
}

stage "tests" "$bin/warpgnn_tests" --gtest_brief=1
if [[ -x $bin/train_graphs_tests ]]; then
  stage "tests of train_graphs" "$bin/train_graphs_tests" --gtest_brief=1
fi

sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda*/bin/compute-sanitizer 2>/dev/null | head -n 1)
if [[ -n $sanitizer ]]; then
  filter=${WARPGNN_SANITIZE_FILTER:-*cuda*}
  for tool in memcheck racecheck; do
    stage "compute-sanitizer $tool" "$sanitizer" --tool "$tool" --error-exitcode 1 --kernel-regex kns=warpgnn \
      "$bin/warpgnn_tests" --gtest_brief=1 --gtest_filter="$filter"
  done
else
  echo "== compute-sanitizer is not on this machine: its checks are left out"
fi

if [[ -x $bin/warpgnn_bench ]]; then
  mkdir -p "$root/bench/results"
  results=$root/bench/results/$("$root/scripts/machine_name.sh")-$(date +%F).json
  stage "benchmarks" "$bin/warpgnn_bench" --device=cuda --benchmark_out="$results" --benchmark_out_format=json
  [[ -s $results ]] && "$root/bench/report.sh" "$results"
fi

if ((${#failures[@]} > 0)); then
  printf 'failed: %s\n' "${failures[@]}" >&2
  exit 1
fi
echo "all checks passed on $gpu"
