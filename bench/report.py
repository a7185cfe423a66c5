# SPDX-License-Identifier: MIT
"""See report.sh."""

import json
import os
import re
import sys

OURS = ("median_us", "best_us", "gather_GBps", "gather_pct_of_copy", "compulsory_pct_of_copy")


def lines_of(path):
    """The objects of a file: what Google Benchmark writes at the end of a run, or a line for each row. A last line that
    was cut off is left out."""
    with open(path) as file:
        text = file.read()
    try:
        whole = json.loads(text)
        if "benchmarks" in whole:
            rows = [row for row in whole["benchmarks"] if row.get("run_type") != "aggregate"]
            return [{"context": whole["context"]}, *rows]
    except json.JSONDecodeError:
        pass
    lines = []
    for line in text.splitlines():
        try:
            lines.append(json.loads(line))
        except json.JSONDecodeError:
            print(f"# {path}: not a row: {line[:60]}")
    return lines


def read(paths):
    """The context, our rows and those of peers; of rows with one name the fastest."""
    context, ours, peers = {}, {}, {}
    for line in (line for path in paths for line in lines_of(path)):
        if "context" in line:
            context |= {key: value for key, value in line["context"].items() if not isinstance(value, (dict, list))}
            continue
        name = re.sub(r"/(manual_time|iterations:\d+|repeats:\d+)", "", line["name"])
        table = peers if "of" in line else ours
        if name not in table or line.get("median_us", 1e30) < table[name].get("median_us", 1e30):
            table[name] = line
    return context, ours, peers


def print_table(heads, rows):
    if rows:
        width = max(len(row[0]) for row in rows)
        print("\n" + f"{heads[0]:{width}}" + "".join(f"{head:>13}" for head in heads[1:]))
    for name, *cells in rows:
        shown = (f"{cell:>13}" if isinstance(cell, str) else f"{cell:13.4f}" for cell in cells)
        print(f"{name:{width}}" + "".join(shown))


def error_of(row):
    asked = row.get("asked")
    error = row.get("error") or row.get("error_message") or "no time"
    return f"  {error}, asked for {asked}" if asked else f"  {error}"


def our_row(name, row):
    if "median_us" not in row:
        return (name, error_of(row))
    rates = [f"{row[key]:.1f}" if key in row else "-" for key in OURS[2:]]
    return (name, row["median_us"] / 1000, row["best_us"] / 1000, *rates)


def peer_row(name, row, ours):
    """Beside the sum of our rows that do the same: the time, ours, and how many times ours it is."""
    if "median_us" not in row:
        return (name, error_of(row))
    same = [ours.get(f"{part}/cuda_cold") or ours.get(f"{part}/cpu") or {} for part in row["of"]]
    if not all("median_us" in part for part in same):
        return (name, row["median_us"] / 1000, "-", "-")
    total = sum(part["median_us"] for part in same)
    return (name, row["median_us"] / 1000, total / 1000, f"{row['median_us'] / total:.2f}")


def main(arguments):
    pattern = "." if os.path.exists(arguments[-1]) else arguments.pop()
    context, ours, peers = read(arguments)
    for key, value in context.items():
        print(f"# {key}: {value}")
    heads = ("row", "median ms", "fastest ms", "GB/s", "copy %", "bound %")
    print_table(heads, [our_row(name, row) for name, row in ours.items() if re.search(pattern, name)])
    heads = ("peer", "median ms", "ours ms", "times ours")
    print_table(heads, [peer_row(name, row, ours) for name, row in peers.items() if re.search(pattern, name)])


if __name__ == "__main__":
    main(sys.argv[1:])
