#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether GCC makes vectors of each loop of host/ that is marked so.

    simd_loops.py OBJECT...     objects of one level, each with what GCC said of its loops beside it, as OBJECT.vec

"#pragma omp simd" allows vectors, it does not promise them: a number that the loop reads through a pointer, and that a
store might change, is enough for a branch that stays one. simd_budget.txt sees a loop fall back; this sees one that was
never vectorised. A loop that no instance of any template vectorises is a failure.
"""

import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
REPORT = re.compile(r"^\S*/(host/\S+?):(\d+):\d+: optimized: +loop vectorized", re.M)


def marked_loops():
    """{(file, line): (file, line of the loop)} for every line of every marked loop."""
    lines_of = {}
    for path in sorted((ROOT / "host").rglob("*.[ch]pp")):
        lines = path.read_text().splitlines()
        for k, line in enumerate(lines):
            if "#pragma omp simd" not in line:
                continue
            first = next(n for n in range(k + 1, len(lines)) if "for (" in lines[n])
            last = first
            if lines[first].endswith("{"):
                indent = re.match(" *", lines[first])[0]
                last = next(n for n in range(first, len(lines)) if lines[n] == indent + "}")
            for n in range(first, last + 1):
                lines_of[path, n + 1] = path, first + 1
    return lines_of


def vectorised(report):
    for file, line in REPORT.findall(report.read_text()):
        yield ROOT / file, int(line)


def main():
    lines_of, count = marked_loops(), collections.Counter()
    for name in sys.argv[1:]:
        count.update(lines_of[place] for place in vectorised(pathlib.Path(f"{name}.vec")) if place in lines_of)
    loops = sorted(set(lines_of.values()))
    missed = [loop for loop in loops if not count[loop]]
    for path, line in missed:
        print(f"{path.relative_to(ROOT)}:{line}: not vectorised in any instance")
    print(f"{len(loops)} loops marked simd, {len(missed)} not vectorised")
    return 1 if missed or not loops else 0


if __name__ == "__main__":
    sys.exit(main())
