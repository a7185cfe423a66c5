#!/bin/sh
# SPDX-License-Identifier: MIT
# Compiler launcher: keeps what a compiler says that matches a pattern in OBJECT.SUFFIX, beside the object, and passes
# everything else on.
#   compiler_report.sh SUFFIX PATTERN COMPILER...     e.g.  compiler_report.sh ptxas '^ptxas info' nvcc -c -o x.o x.cu
suffix=$1 pattern=$2
shift 2
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
grep -E "$pattern" "$object.messages" >"$object.$suffix"
grep -vE "$pattern" "$object.messages" >&2
rm -f "$object.messages"
exit $status
