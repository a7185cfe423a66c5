#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs clang-tidy over all sources and prints each finding once, with its place.

    lint.py [--jobs N] [--slowest N] [PATH...]     with paths: only the sources there

Nearly all the time of a run goes into the headers that a source includes, most of them not ours. So several sources of
a folder are read as one text: their headers are then checked once. Sources that define the same name for themselves are
kept apart, and a text that does not compile is read again one source at a time.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import resource
import shlex
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
FOLDERS = ("include", "host", "kernels", "tests", "bench", "examples")
STUBS = "no_cuda.cpp"
# Not built with the rest: somebody else's project, and faults planted for another check.
FOREIGN = ("tests/consumer/", "tests/address/planted/")

# The analyzer walks the paths through each function. That would cost ten times all other checks, so it gives up a
# function after so many steps (its own limit is eleven times as high), and leaves out tests, which run.
ANALYZER_LIMIT = 20000
NOT_ANALYSED = ("tests/",)
MOST_LINES = 2500  # of sources in one text; more would leave one core idle at the end

# What only gcc knows, or what says how to make code rather than what it means.
DROPPED_OPTIONS = re.compile(r"-c|-fsanitize=.*|-Wno-restrict|-Wshadow|-O\d|-g\d?")
DROPPED_WITH_VALUE = ("-o", "--param")
ADDED_OPTIONS = (
    "-Wno-unknown-warning-option",
    "-Wno-unknown-attributes",  # gnu::no_sanitize
    "-mavx512fp16",  # _Float16, which clang before 15 does not know on a plain x86-64
    *("-Xclang", "-analyzer-config", "-Xclang", f"max-nodes={ANALYZER_LIMIT}"),
    f"-I{ROOT}/tests/address",  # std::source_location, which clang before 16 cannot take from libstdc++
)

FINDING = re.compile(
    r"(?P<file>/[^:\n]+):(?P<line>\d+):\d+: (?:warning|error): (?P<text>.*) \[(?P<check>[^\]\n]+)\]$", re.M)
# Definitions at the start of a line. Overloads of a function are told apart by the rest of the line.
TYPE = re.compile(r"(?:(?:class|struct|enum|enum class|union) |using (?=\w+ =))(\w+)")
PARAMETER_NAME = re.compile(r"\w+(?=[,)=])")
OTHER = re.compile(r"(?!template|using|namespace|[A-Z_]+\()[A-Za-z_][^({=;]*[\s&*>](\w+(?:\(.*)?)\s*(?:[{=;\[]|$)")


@dataclasses.dataclass
class Source:
    path: pathlib.Path
    text: str
    options: tuple  # for clang

    @property
    def name(self):
        return self.path.relative_to(ROOT).as_posix()

    @property
    def lines(self):
        return self.text.count("\n") + 1

    def own_scope(self):
        """The namespace around the unnamed ones: in another, overloads of a function would hide each other."""
        match = re.search(r"^namespace .*(?=\n+namespace \{)", self.text, re.M)
        return match and match[0]

    def own_names(self):
        """What the source defines in unnamed namespaces or as static, found by the house's layout."""
        names, unnamed = set(), False
        for line in self.text.splitlines():
            if line.startswith("namespace {"):
                unnamed = True
            elif line == "}  // namespace":
                unnamed = False
            elif (unnamed or line.startswith("static ")) and (match := TYPE.match(line) or OTHER.match(line)):
                names.add(PARAMETER_NAME.sub("", match[1]))
                names.update(re.findall(r", (\w+) = ", line))  # further constants of the line
        return names


class Group:
    """Sources that are read as one text."""

    def __init__(self, sources=()):
        self.sources, self.names, self.lines = [], set(), 0
        for source in sources:
            self.add(source)

    def add(self, source):
        self.sources.append(source)
        self.names |= source.own_names()
        self.lines += source.lines

    def takes(self, source):
        return self.lines + source.lines <= MOST_LINES and not self.names & source.own_names()

    def write(self, path):
        """Writes the text; origins[n] is then the place that line n + 1 comes from."""
        self.path, self.origins, text = path, [], []
        for source in self.sources:
            macros = dict.fromkeys(re.findall(r"^#define (\w+)", source.text, re.M))
            lines = source.text.splitlines() + [f"#undef {macro}" for macro in macros]
            self.origins += [(source.path, number) for number in range(1, len(lines) + 1)]
            text += lines
        path.write_text("\n".join(text) + "\n")

    def in_sources(self, report):
        """The report with places in the text replaced by those in the sources."""
        def place(match):
            path, line = self.origins[min(int(match[1]), len(self.origins)) - 1]
            return f"{path}:{line}"
        return re.sub(re.escape(str(self.path)) + r":(\d+)", place, report)


def clang_options(command, folder):
    """What clang shall get of a gcc command."""
    kept, words = [], iter(shlex.split(command)[1:])
    for word in words:
        if word in DROPPED_WITH_VALUE:
            next(words)
        elif not DROPPED_OPTIONS.fullmatch(word):
            kept.append(word)
    # The last word is the source.
    return (*kept[:-1], "-iquote", folder, *ADDED_OPTIONS)


def read_sources(build, paths):
    """The sources with their options, and those that this build knows nothing about."""
    options, folder_options = {}, {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        if "nvcc" in shlex.split(entry["command"])[0]:
            continue
        # A source that is compiled in several ways is checked in the last: the loops of host/cpu at the highest level.
        options[path] = clang_options(entry["command"], str(path.parent))
        folder_options[path.parent] = options[path]
    sources, unknown = [], []
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix not in (".c", ".cpp", ".cu") or name.startswith(FOREIGN):
                continue
            if paths and not any(path.is_relative_to(wanted) for wanted in paths):
                continue
            if path.name == STUBS:  # a build with CUDA leaves them out: they are compiled like the rest of their folder
                options.setdefault(path, folder_options[path.parent])
            if path in options:
                sources.append(Source(path, path.read_text(), options[path]))
            else:
                unknown.append(name)
    return sources, unknown


def grouped(sources):
    groups = collections.defaultdict(list)
    for source in sources:
        is_stub = source.path.name == STUBS  # of functions that others define
        like = groups[source.path.parent, source.options, source.own_scope(), is_stub]
        group = next((group for group in like if group.takes(source)), None)
        if group is None:
            like.append(group := Group())
        group.add(source)
    return sorted(sum(groups.values(), []), key=lambda group: -group.lines)


class Linter:
    def __init__(self, tidy, work):
        self.tidy, self.work = tidy, work
        self.split = []  # why texts had to be read one source at a time: the first error of each
        self.seconds = {}  # that each text took

    def run_tidy(self, group):
        first = group.sources[0]
        suffix = "" if len(group.sources) == 1 else f"+{len(group.sources) - 1}"
        language = ".c" if first.path.suffix == ".c" else ".cpp"
        group.write(self.work / (first.name.replace("/", "_").removesuffix(first.path.suffix) + suffix + language))
        checks = ["--checks=-clang-analyzer-*"] if first.name.startswith(NOT_ANALYSED) else []
        command = [self.tidy, "--quiet", f"--config-file={ROOT}/.clang-tidy", *checks, str(group.path), "--"]
        started = time.monotonic()
        done = subprocess.run(command + [*first.options], capture_output=True, text=True, errors="replace")
        self.seconds[group.path.name] = time.monotonic() - started
        report = group.in_sources(done.stdout).replace(",-warnings-as-errors]", "]")
        if done.returncode != 0 and not FINDING.search(report):
            names = " ".join(source.name for source in group.sources)
            report += f"{group.path}:1:1: error: clang-tidy failed on {names}: {done.stderr.strip()} [lint]\n"
        return report

    def reports(self, group):
        """clang-tidy's reports on a group."""
        report = self.run_tidy(group)
        if len(group.sources) == 1 or "[clang-diagnostic-error]" not in report:
            return [report]
        self.split += re.findall(r"(\S+: error: .*) \[clang-diagnostic-error\]", report)[:1]
        return [self.run_tidy(Group([source])) for source in group.sources]


def findings_of(report):
    """Each finding's key and text, with the notes and excerpts that follow it."""
    starts = [*FINDING.finditer(report)]
    ends = [match.start() for match in starts[1:]] + [len(report)]
    for match, end in zip(starts, ends):
        yield (match["file"], int(match["line"]), match["check"], match["text"]), report[match.start() : end].rstrip()


def show_progress(done, total, found, started):
    if sys.stderr.isatty():
        line = f"\rclang-tidy: {done} of {total} texts, {found} findings, {time.monotonic() - started:.0f} s"
        print(line, end="" if done < total else "\n", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("paths", nargs="*", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/lint", help="has compile_commands.json")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--slowest", type=int, default=0, help="name so many texts that took longest")
    arguments = parser.parse_args()

    tidy = shutil.which("clang-tidy")
    if tidy is None:
        sys.exit("lint: clang-tidy is not installed")
    if not (arguments.build / "compile_commands.json").exists():
        sys.exit("lint: no sources are known; call cmake --preset lint first")
    started = time.monotonic()
    sources, unknown = read_sources(arguments.build, arguments.paths)
    if not sources:
        sys.exit("lint: no sources there")
    groups = grouped(sources)
    work = arguments.build / "lint"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    linter = Linter(tidy, work)

    seen = set()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        pending = [pool.submit(linter.reports, group) for group in groups]
        for done, future in enumerate(concurrent.futures.as_completed(pending), 1):
            for key, text in (finding for report in future.result() for finding in findings_of(report)):
                if key not in seen:
                    seen.add(key)
                    print(text.replace(f"{ROOT}/", ""), flush=True)
            show_progress(done, len(groups), len(seen), started)

    for name in sorted(linter.seconds, key=linter.seconds.get, reverse=True)[:arguments.slowest]:
        print(f"{linter.seconds[name]:6.1f} s  {name}")
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    if unknown:
        print(f"not in this build and so not checked: {', '.join(unknown)}")
    if linter.split:
        print(f"{len(linter.split)} of {len(groups)} texts did not compile and were read one source at a time:")
        print("\n".join(f"  {reason}" for reason in linter.split).replace(f"{ROOT}/", ""))
    print(f"clang-tidy: {len(seen)} findings in {len(sources)} sources; {time.monotonic() - started:.0f} s, "
          f"{usage.ru_utime + usage.ru_stime:.0f} s of processor time")
    sys.exit(1 if seen else 0)


if __name__ == "__main__":
    main()
