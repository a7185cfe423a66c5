# SPDX-License-Identifier: MIT
"""Appends rows on training epochs of `warpgnn-train graphs` on MUTAG to a file, as warpgnn_bench writes its rows."""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile

BATCH_SIZES = (32, 1)


def epoch_row(program, threads, epochs, batch_size):
    """Ten trainings, one for each fold. What is timed of an epoch are its training steps."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        options = {"threads": threads, "epochs": epochs, "batch-size": batch_size, "out": out, "log": out / "log.jsonl"}
        options |= {"dataset": "MUTAG", "device": "cpu", "pictures": 0}
        command = [program, "graphs", *(f"--{name}={value}" for name, value in options.items())]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times = [json.loads(line)["milliseconds"] * 1000 for line in (out / "log.jsonl").read_text().splitlines()]
        parameters = json.loads((out / "metrics.json").read_text())["parameters"]
    return {
        "name": f"training/epoch/mutag/batch{batch_size}/cpu",
        "parameters": parameters,
        "median_us": statistics.median(times),
        "best_us": min(times),
        "repetitions": len(times),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="warpgnn-train")
    parser.add_argument("--rows", required=True, help="the file to append to")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--epochs", type=int, default=30, help="of each of the ten folds")
    arguments = parser.parse_args()
    with open(arguments.rows, "a") as file:
        for batch_size in BATCH_SIZES:
            row = epoch_row(arguments.program, arguments.threads, arguments.epochs, batch_size)
            file.write(json.dumps(row) + "\n")
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
