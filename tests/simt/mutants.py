#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mutation check of the kernel sources, on the executor.

Each mutant is a copy of one source with one small change. It is compiled, linked into the tests and run by the tests
that launch its kernels; a mutant that all of them pass survives. Survivors that cannot change a result are explained in
mutant_survivors.txt; any other is a gap in the tests.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
KERNELS = ROOT / "kernels"
SURVIVORS = pathlib.Path(__file__).with_name("mutant_survivors.txt")
PROGRAM = "warpgnn_tests_simt"
KERNEL_NAME = re.compile(r"__global__\s+void\s+(?:__launch_bounds__\((?:[^()]|\([^()]*\))*\)\s+)?(\w+)")
INCLUDE = re.compile(r'#include "kernels/([\w./]+)"')

UNITS = 3  # a header's mutant is tried in so many of the units that it changes, small ones first

# What is changed: name, pattern, replacement. One match is one mutant.
RULES = [
    ("drop barrier", re.compile(r"__sync\w+\([^()]*\);"), ";"),
    ("loosen bound", re.compile(r" < "), " <= "),
    ("tighten bound", re.compile(r" <= "), " < "),
    ("loosen bound", re.compile(r" > "), " >= "),
    ("tighten bound", re.compile(r" >= "), " > "),
    ("negate test", re.compile(r" == "), " != "),
    ("negate test", re.compile(r" != "), " == "),
    ("change sign", re.compile(r" \+ "), " - "),
    ("change sign", re.compile(r" - "), " + "),
    ("change sign", re.compile(r" \+= "), " -= "),
    ("drop term", re.compile(r" \+ (?:\w+(?:\.\w+)*(?:\[\w+\])*)(?=[;,)\]])"), ""),
    ("drop factor", re.compile(r" \* (?:\w+(?:\.\w+)*(?:\[\w+\])*)(?=[;,)\] ])"), ""),
    ("drop sum", re.compile(r" \+= "), " = "),
    ("weaken condition", re.compile(r" && "), " || "),
    ("weaken condition", re.compile(r" \|\| "), " && "),
    ("drop negation", re.compile(r"(?<=[(& ])!(?=\w)"), ""),
    ("change mask", re.compile(r"0xffffffffu"), "0x7fffffffu"),
    ("change mask", re.compile(r"1u << "), "2u << "),
    ("change step", re.compile(r" / 2\b"), " / 4"),
    ("swap index", re.compile(r"threadIdx\.x"), "threadIdx.y"),
    ("swap index", re.compile(r"threadIdx\.y"), "threadIdx.x"),
    ("swap index", re.compile(r"\.begin\b"), ".end"),
    ("swap index", re.compile(r"blockIdx\.x"), "blockIdx.y"),
    ("off by one", re.compile(r"(?<=\[)(?!k[A-Z])([a-z]\w*)(?=\])"), r"\1 + 1"),  # not a constant: a length
    ("off by one", re.compile(r" = 0;"), " = 1;"),
    ("skip early exit", re.compile(r"if \([^;{}]*\) (?:return|continue);"), ";"),
]
# Lines that say how fast, not what.
SKIPPED_LINE = re.compile(r"^\s*(//|#|static_assert|template|__global__|using|inline constexpr|struct|namespace)")
SKIPPED_WORDS = re.compile(r"__launch_bounds__|operator|multiprocessors")


@dataclasses.dataclass(frozen=True)
class Mutant:
    source: str
    line: int
    rule: str
    before: str
    after: str
    text: str

    def key(self):
        return f"{self.source}: {self.before.strip()} -> {self.after.strip()}"


def mutants_of(path):
    lines = path.read_text().split("\n")
    for number, line in enumerate(lines):
        code = line.split("//")[0]
        if SKIPPED_LINE.match(line) or SKIPPED_WORDS.search(line):
            continue
        for rule, pattern, replacement in RULES:
            for match in pattern.finditer(code):
                changed = code[: match.start()] + match.expand(replacement) + code[match.end() :]
                text = "\n".join(lines[:number] + [changed] + lines[number + 1 :])
                yield Mutant(name_of(path), number + 1, rule, line, changed, text)


def name_of(path):
    """A source's path within kernels/."""
    return path.relative_to(KERNELS).as_posix()


def included_by(unit):
    """The headers of kernels/ that a source includes, directly or not."""
    seen, queue = set(), [unit]
    while queue:
        for name in INCLUDE.findall((KERNELS / queue.pop()).read_text()):
            if name not in seen:
                seen.add(name)
                queue.append(name)
    return seen


def kernels_in(sources):
    return {name for source in sources for name in KERNEL_NAME.findall((KERNELS / source).read_text())}


class Build:
    """The commands by which the build makes the test program, and the objects that it makes of unchanged sources."""

    def __init__(self, folder):
        self.folder = folder
        commands = json.loads((folder / "compile_commands.json").read_text())
        self.command = {
            name_of(pathlib.Path(entry["file"])): entry["command"]
            for entry in commands
            if "warpgnn_simt_kernels" in entry["command"]
        }
        ninja = ["ninja", "-C", str(folder), "-t", "commands", f"bin/{PROGRAM}"]
        last = subprocess.run(ninja, check=True, capture_output=True, text=True).stdout.strip().split("\n")[-1]
        self.link = next(part for part in last.split(" && ") if f"-o bin/{PROGRAM}" in part)  # without the test list
        self.unchanged = {}

    def compile(self, unit, work, source=None):
        """Compiles to mutant.o, with the sources in work/kernels before those of the project."""
        command = re.sub(r" -o \S+", f" -o {work}/mutant.o", self.command[unit])
        command = re.sub(r" -M[DTF](?: \S+\.(?:o|d))?", "", command)
        command = command.replace(" -Werror", "").replace(" -O2", " -O1").replace(" -g1", " -g0")
        command = command.replace(" -I", f" -ffile-prefix-map={work}={ROOT} -I{work} -I", 1)
        if source == unit:
            command = re.sub(r" -c \S+", f" -c {work}/kernels/{unit}", command)
        return run(command, self.folder, 300) == 0

    def object_of(self, unit, folder):
        if unit not in self.unchanged:
            with tempfile.TemporaryDirectory(dir=folder) as work:
                if not self.compile(unit, pathlib.Path(work)):
                    sys.exit(f"{unit} does not compile as it is")
                self.unchanged[unit] = (pathlib.Path(work) / "mutant.o").read_bytes()
        return self.unchanged[unit]

    def link_mutant(self, work):
        program = work / PROGRAM
        command = self.link.replace(f"bin/{PROGRAM}", str(program))
        command = re.sub(r"(-o \S+)", rf"\1 {work}/mutant.o", command, count=1)
        return run(command, self.folder, 300) == 0


def run(command, folder, limit, environment=None):
    try:
        return subprocess.run(command, shell=isinstance(command, str), cwd=folder, timeout=limit, env=environment,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    except subprocess.TimeoutExpired:
        return -1


class Tests:
    """Which test launches which kernels, and how long it takes."""

    def __init__(self, build, jobs):
        self.program = build.folder / "bin" / PROGRAM
        listing = subprocess.run([self.program, "--gtest_list_tests", "--gtest_filter=*cuda*:Simt*"], check=True,
                                 capture_output=True, text=True).stdout
        names, suite = [], ""
        for line in listing.split("\n"):
            if line and not line.startswith(" ") and line.split()[0].endswith("."):
                suite = line.split()[0]
            elif line.startswith("  "):
                names.append(suite + line.split()[0])
        known = build.folder / "simt_test_kernels.json"
        if known.exists() and known.stat().st_mtime > self.program.stat().st_mtime:
            learned = json.loads(known.read_text())
        else:
            with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
                learned = dict(zip(names, pool.map(self.launched_by, names)))
            known.write_text(json.dumps(learned))
        self.kernels = {name: (seconds, set(launched)) for name, (seconds, launched) in learned.items()}

    def launched_by(self, name):
        with tempfile.TemporaryDirectory() as log:
            start = time.monotonic()
            run([self.program, f"--gtest_filter={name}"], log, 600, {**os.environ, "WARPGNN_SIMT_LOG": log})
            seconds = time.monotonic() - start
            words = [line.split() for file in pathlib.Path(log).glob("*.log") for line in file.read_text().split("\n")]
            return seconds, [word[1] for word in words if word and word[0] == "kernel"]

    def covering(self, kernels, limit):
        """Tests for `limit` seconds that launch one of the kernels (any if none is given) and little else, quick ones
        first."""
        found = sorted((len(launched), seconds, name) for name, (seconds, launched) in self.kernels.items()
                       if launched & kernels or not kernels)
        chosen, total = [], 0
        for _, seconds, name in found:
            if "Error" in name or "Refuse" in name:  # they look at messages, not at results
                continue
            total += seconds
            if chosen and total > limit:
                break
            chosen.append((seconds, name))
        return [name for _, name in sorted(chosen)]


def is_killed(program, tests, folder):
    """Runs the tests in batches of growing length: most mutants die in the first."""
    size = 8
    while tests:
        batch, tests = tests[:size], tests[size:]
        if run([program, "--gtest_fail_fast", "--gtest_filter=" + ":".join(batch)], folder, 240) != 0:
            return True
        size *= 3
    return False


def judge(mutant, units, build, tests, limit, folder):
    """'killed', 'survived', or 'invalid' for a change that does not compile or that no object shows."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        work = pathlib.Path(scratch)
        (work / "kernels" / mutant.source).parent.mkdir(parents=True)
        (work / "kernels" / mutant.source).write_text(mutant.text)
        tried = 0
        for unit in units:
            if not build.compile(unit, work, mutant.source):
                return "invalid"
            if (work / "mutant.o").read_bytes() == build.object_of(unit, folder):
                continue  # this unit has no use for what was changed
            if not build.link_mutant(work):
                return "invalid"
            kernels = kernels_in([mutant.source]) or kernels_in([unit, *included_by(unit)])
            if is_killed(work / PROGRAM, tests.covering(kernels, limit), work):
                return "killed"
            tried += 1
            if tried == UNITS:
                break
        return "survived" if tried > 0 else "invalid"


def explained():
    if not SURVIVORS.exists():
        return {}
    entries = [line for line in SURVIVORS.read_text().split("\n") if line and not line.startswith("#")]
    return dict(entry.split("  # ", 1) for entry in entries)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", type=pathlib.Path, help="build folder that has the test program")
    parser.add_argument("--source", default="", help="only sources whose name contains this")
    parser.add_argument("--per-source", type=int, default=4, help="mutants drawn from each source; 0: all")
    parser.add_argument("--seed", type=int, default=5, help="of the draw")
    parser.add_argument("--limit", type=float, default=100, help="seconds of tests for each mutant and unit")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()

    build = Build(options.build.resolve())
    units = sorted(build.command)
    chosen = []
    for path in sorted(KERNELS.rglob("*.cu*")):
        if options.source in name_of(path):
            all_of_it = list(mutants_of(path))
            random.Random(f"{options.seed} {name_of(path)}").shuffle(all_of_it)
            chosen += all_of_it[: options.per_source or None]
    print(f"{len(chosen)} mutants; learning which tests launch which kernels", flush=True)
    tests = Tests(build, options.jobs)

    def units_of(mutant):
        users = [unit for unit in units if unit == mutant.source or mutant.source in included_by(unit)]
        return sorted(users, key=lambda unit: (KERNELS / unit).stat().st_size)

    reasons, counts = explained(), {"killed": 0, "survived": 0, "explained": 0, "invalid": 0}
    counts["explained"] = sum(mutant.key() in reasons for mutant in chosen)
    chosen = [mutant for mutant in chosen if mutant.key() not in reasons]
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        verdicts = {pool.submit(judge, m, units_of(m), build, tests, options.limit, folder): m for m in chosen}
        for judged in concurrent.futures.as_completed(verdicts):
            mutant, verdict = verdicts[judged], judged.result()
            counts[verdict] += 1
            done = sum(counts.values()) - counts["explained"]
            if done % 20 == 0:
                print(f"{done} of {len(chosen)} done, {counts['killed']} killed", flush=True)
            if verdict == "survived":
                print(f"survived: {mutant.source}:{mutant.line} ({mutant.rule})\n"
                      f"  - {mutant.before.strip()}\n  + {mutant.after.strip()}", flush=True)
    valid = counts["killed"] + counts["survived"]
    share = 100 * counts["killed"] / max(1, valid)
    print(f"{counts['killed']} killed, {counts['survived']} survived, {counts['explained']} equivalent as explained, "
          f"{counts['invalid']} no change or not valid code: {share:.1f} % of those that could be killed")
    return 0 if share >= 95 else 1


if __name__ == "__main__":
    sys.exit(main())
