# SPDX-License-Identifier: MIT
"""Prints our rows beside those of peers, measured in one run on one machine, as a table in Markdown.
  table.py RESULTS...     the lines of warpgnn_bench --rows, our_epochs.py and peers.py --layers
Ours run before and after the peers: of rows with one name the slowest median stands.
"""

import re
import sys

import report

PEERS = ("ours in PyTorch", "PyG", "PyG compiled", "DGL")
OPS = {
    "gat_layer": "GAT layer",
    "gatv2_layer": "GATv2 layer",
    "transformer_layer": "Transformer layer",
    "gcn_layer": "GCN layer",
    "linear": "linear layer (torch's)",
    "training": "training on MUTAG",
    "gat_attention": "fused GAT attention alone",
    "attention_gatv2": "fused GATv2 attention alone",
    "aggregate_weighted": "weighted aggregation",
    "aggregate_weighted_bfloat16": "weighted aggregation in bfloat16",
    "baseline_naive_cpu_spmm": "weighted aggregation by a plain scalar loop",
}
DIRECTIONS = {"forward": "forward", "forward_backward": "forward + backward", "epoch": "an epoch"}
SIZES = ((r"batch(\d+)", r"batches of \1"), ("x", " × "), ("to", " → "), (r"^\d+$", r"\g<0> wide"))
CONTEXT = ("revision", "compiler", "cpu_model", "cpu", "python", "torch", "torch_geometric", "dgl", "peers' threads")


def read(paths):
    """The context, our rows by name and those of peers; of rows with one name the slowest."""
    context, ours, peers = {}, {}, {}
    for line in (line for path in paths for line in report.lines_of(path)):
        if "context" in line:
            context |= line["context"]
            continue
        table, name = (peers, line["name"]) if "of" in line else (ours, line["name"].removesuffix("/cpu"))
        if name not in table or line.get("median_us", 1e30) > table[name].get("median_us", 1e30):
            table[name] = line
    return context, ours, peers


def peer_of(op):
    if op.startswith("warpgnn_"):
        return "ours in PyTorch"
    return "DGL" if op.startswith("dgl_") else "PyG compiled" if op.endswith("_compiled") else "PyG"


def rows_of_table(ours, peers):
    """By what is shown, a direction and the names of our rows that make it up: the rows of each peer. What peers do too
    comes first."""
    rows = {}
    for row in peers.values():
        op, direction, *_ = row["name"].split("/")
        rows.setdefault((direction, *row["of"]), {})[peer_of(op)] = row
    for name in ours:
        op, direction, *_ = name.split("/")
        if op in OPS and direction in DIRECTIONS:
            rows.setdefault((direction, name), {})
    return rows


def title(direction, name):
    op, *_, size = name.split("/")
    for pattern, shown in SIZES:
        size = re.sub(pattern, shown, size)
    return f"{OPS[op]}, {size}, {DIRECTIONS[direction]}"


def number(value):
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def total_of(key, rows):
    """The sum of a number over our rows, or None where one of them lacks it."""
    return sum(row[key] for row in rows) if all(key in row for row in rows) else None


def our_cells(parts):
    time, moved = total_of("median_us", parts), total_of("gather_MB", parts)
    return [number(time / 1000) if time else "", f"{1000 * moved / time:.1f}" if time and moved else ""]


def peer_cells(row, parts):
    """The time, and how many times ours it is."""
    if row is None:
        return "", ""
    if "median_us" not in row:
        return "failed", ""
    time, parameters = total_of("median_us", parts), total_of("parameters", parts)
    if row.get("parameters") != parameters:
        raise SystemExit(f"{row['name']}: expected a model of {parameters} parameters, got {row.get('parameters')}")
    return number(row["median_us"] / 1000), number(row["median_us"] / time) + " ×" if time else ""


def cells(key, row_of, peers, ours):
    direction, *names = key
    parts = [ours.get(name, {}) for name in names]
    times, ratios = zip(*(peer_cells(row_of.get(peer), parts) for peer in peers))
    return [title(direction, names[0]), *our_cells(parts), *times, *ratios]


def print_row(cells):
    print("| " + " | ".join(cells) + " |")


def main(paths):
    context, ours, theirs = read(paths)
    rows = rows_of_table(ours, theirs)
    peers = [peer for peer in PEERS if any(peer in row_of for row_of in rows.values())]
    if not peers:
        raise SystemExit(f"table: expected rows of {' or '.join(PEERS)}, found none in {', '.join(paths)}")
    print(", ".join(f"{key} {context[key]}" for key in CONTEXT if key in context) + "\n")
    heads = ["what", "ours, ms", "GB/s gathered"]
    heads += [f"{peer}, ms" for peer in peers] + [f"{peer} / ours" for peer in peers]
    print_row(heads)
    print("|---" * len(heads) + "|")
    for key, row_of in rows.items():
        print_row(cells(key, row_of, peers, ours))
    failed = {}
    for row in [*ours.values(), *theirs.values()]:
        if "median_us" not in row:
            failed.setdefault(report.error_of(row), []).append(row["name"])
    for error, names in failed.items():
        print(f"\n{', '.join(names)}:{error}")


main(sys.argv[1:])
