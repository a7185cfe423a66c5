#!/bin/sh
# SPDX-License-Identifier: MIT
# Compiler launcher for nvcc: keeps what `ptxas -v` says about registers and spills in OBJECT.ptxas, beside the object,
# and passes everything else on.
object=
previous=
for argument in "$@"; do
  [ "$previous" = -o ] && object=$argument
  previous=$argument
done

case $object in
  *.o) ;;
  *) exec "$@" ;;
esac

"$@" 2>"$object.messages"
status=$?
grep -E '^ptxas info|bytes stack frame' "$object.messages" >"$object.ptxas"
grep -vE '^ptxas info|bytes stack frame' "$object.messages" >&2
rm -f "$object.messages"
exit $status
