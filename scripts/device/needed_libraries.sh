#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Fails if a program needs a shared library, or a glibc, that a machine with CUDA 13 and PyTorch may not have.
#   needed_libraries.sh PROGRAM...
# What lies beside a program is found there. cuBLAS and cuSPARSE come from the toolkit or from PyTorch's packages, the
# C++ runtime is what PyTorch needs as well; all else is glibc's.
set -euo pipefail

readonly newest_glibc=2.39
known='ld-linux-x86-64.so.2 libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1
libstdc++.so.6 libgcc_s.so.1 libcublas.so.13 libcublasLt.so.13 libcusparse.so.12 libcudart.so.13'

problems=$(
  for program in "$@"; do
    needed=$(readelf -d "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
    for library in $needed; do
      [[ " ${known//$'\n'/ } " == *" $library "* || -e $(dirname "$program")/$library ]] ||
        echo "$program needs $library"
    done
    glibc=$(readelf -V "$program" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1)
    if [[ $(printf '%s\n' "${glibc#GLIBC_}" "$newest_glibc" | sort -V | tail -n 1) != "$newest_glibc" ]]; then
      echo "$program needs $glibc"
    fi
  done
)
if [[ -n $problems ]]; then
  echo "$problems" >&2
  exit 1
fi
