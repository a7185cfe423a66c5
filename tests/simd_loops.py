#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether GCC makes vectors of each loop of host/ that is marked so.

    simd_loops.py LEVEL BUILD [JOBS]     LEVEL: one that the build folder BUILD compiles

"#pragma omp simd" allows vectors, it does not promise them: a number that the loop reads through a pointer, and that a
store might change, is enough for a branch that stays one. simd_budget.txt sees a loop fall back; this sees one that was
never vectorised. The sources are compiled again, and GCC says what it did of each loop. A loop
that no instance of any template vectorises is a failure. Exit status 77: there is nothing to ask.
"""

import collections
import concurrent.futures
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
REPORT = re.compile(r"^(/\S+?):(\d+):\d+: optimized: +loop vectorized", re.M)


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


def commands(level, build):
    """(command, folder) for each source of the level, with neither a compiler cache nor an object of its own."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        if f"warpgnn_simd_{level}.dir" not in entry["command"]:
            continue
        if "ccache" in words[0]:
            words = words[1:]
        output = words.index("-o")
        yield words[:output] + words[output + 2:], entry["directory"]


def vectorised(command, folder):
    with tempfile.TemporaryDirectory() as scratch:
        report = pathlib.Path(scratch) / "report"
        subprocess.run([*command, f"-fopt-info-vec-optimized={report}", "-o", f"{scratch}/object"], cwd=folder, check=True)
        return [(pathlib.Path(file).resolve(), int(line)) for file, line in REPORT.findall(report.read_text())]


def main():
    level, build = sys.argv[1], pathlib.Path(sys.argv[2])
    jobs = int(sys.argv[3]) if len(sys.argv) > 3 else 2
    if not (build / "compile_commands.json").exists():
        print("no compile_commands.json: nothing to ask")
        return 77
    work = list(commands(level, build))
    version = subprocess.run([work[0][0][0], "--version"], capture_output=True, text=True, check=True).stdout
    if "Free Software Foundation" not in version:
        print("the compiler is not GCC: nothing to ask")
        return 77

    lines_of, count = marked_loops(), collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for places in pool.map(lambda job: vectorised(*job), work):
            count.update(lines_of[place] for place in places if place in lines_of)
    loops = sorted(set(lines_of.values()))
    missed = [loop for loop in loops if not count[loop]]
    for path, line in missed:
        print(f"{path.relative_to(ROOT)}:{line}: not vectorised in any instance")
    print(f"{len(loops)} loops marked simd, {len(missed)} not vectorised")
    return 1 if missed or not loops else 0


if __name__ == "__main__":
    sys.exit(main())
