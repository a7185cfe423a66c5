#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Checks that the tools and libraries for the given tasks are there and installs what is missing (Debian, Ubuntu).
#   setup.sh [build] [test] [bench] [device] [lint] [demo] [mutants] [docs] [peers] [python]
# What `demo` adds is only wished for: without it the demo draws no pictures. So are clang-query and pip, without each of
# which one test is skipped.
# CUDA is never installed: it is used where nvcc is found.
set -euo pipefail

needed_packages=() missing=() wished=()

# A tool counts as present wherever it comes from.
has() { command -v "$1" >/dev/null; }

for task in "$@"; do
  case $task in
    build)
      has "${CXX:-c++}" || missing+=(g++)
      has cmake || missing+=(cmake)
      has ninja || missing+=(ninja-build)
      needed_packages+=(libdnnl-dev libeigen3-dev libcli11-dev nlohmann-json3-dev zlib1g-dev)
      ;;
    test)
      needed_packages+=(libboost-context-dev libgtest-dev libgmock-dev libbenchmark-dev libdlpack-dev)
      has xz || missing+=(xz-utils)
      has python3 || missing+=(python3)
      has clang-query || wished+=(clang-tools)
      has cuobjdump || python3 -m pip --version >/dev/null 2>&1 || wished+=(python3-pip)
      ;;
    bench) needed_packages+=(libbenchmark-dev) ;;
    device) has xz || missing+=(xz-utils) ;;
    mutants) has python3 || missing+=(python3) ;;
    lint)
      has clang-format-14 || missing+=(clang-format-14)
      has clang-tidy || missing+=(clang-tidy)
      has shellcheck || missing+=(shellcheck)
      has python3 || missing+=(python3)
      has pyflakes3 || missing+=(pyflakes3)
      has pycodestyle || missing+=(pycodestyle)
      needed_packages+=(libomp-dev)  # omp.h for clang
      ;;
    docs)
      has doxygen || missing+=(doxygen)
      has python3 || missing+=(python3)
      ;;
    peers)
      has python3 || missing+=(python3)
      # Where the caller has no Python with the peers, one is set up. torch.compile compiles against Python's headers.
      if [[ -z ${PEERS_PYTHON:-} ]]; then
        needed_packages+=(python3-venv python3-dev)
      fi
      ;;
    python)
      has "${CXX:-c++}" || missing+=(g++)
      has cmake || missing+=(cmake)
      has ninja || missing+=(ninja-build)
      has python3 || missing+=(python3)
      needed_packages+=(python3-venv python3-dev)  # torch.compile compiles against Python's headers
      ;;
    demo)
      has dot || wished+=(graphviz)
      ;;
    *)
      echo "setup: unknown task '$task'" >&2
      exit 2
      ;;
  esac
done

if has dpkg-query; then
  installed=
  if ((${#needed_packages[@]} > 0)); then
    installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${needed_packages[@]}" 2>/dev/null || true)
  fi
  for package in "${needed_packages[@]}"; do
    grep -qx "$package installed" <<<"$installed" || missing+=("$package")
  done
else
  echo "setup: no Debian or Ubuntu system; the build looks for ${needed_packages[*]} itself" >&2
fi
if ((${#missing[@]} + ${#wished[@]} == 0)); then
  exit 0
fi

as_root=()
if ((EUID != 0)); then
  as_root=(sudo -n)
fi
apt_install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    "${missing[@]}" "${wished[@]}"
}

# give_up REASON: fails if anything is needed, and only says so if it is wished for.
give_up() {
  echo "setup: $1; please install: ${missing[*]} ${wished[*]}" >&2
  exit $((${#missing[@]} > 0))
}

if ! has apt-get || ! "${as_root[@]}" true 2>/dev/null; then
  give_up "may not install packages here"
fi
echo "setup: installing ${missing[*]} ${wished[*]}"
if ! apt_install >/dev/null 2>&1; then
  { "${as_root[@]}" apt-get update && apt_install; } || give_up "installation failed"
fi
