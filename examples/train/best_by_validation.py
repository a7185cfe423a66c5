#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What --select valid gives when some options are chosen by validation too.

Reads the --log files of trainings of one data set on the same folds (the same --seed, --folds, --repeats and
--select valid), one file per choice of options. Every fold takes the choice whose best epoch in validation is best
(accuracy, then loss; the first of equals), and counts that epoch's test accuracy.
"""

import argparse
import json
import statistics


def best_epochs(path):
    """The best epoch of every fold, by (repeat, fold)."""
    best = {}
    with open(path, encoding="utf-8") as log:
        for line in log:
            epoch = json.loads(line)
            if "valid_accuracy" not in epoch:
                raise SystemExit(f"{path} has no validation: train with --select valid")
            fold = (epoch["repeat"], epoch["fold"])
            if fold not in best or rank(epoch) < rank(best[fold]):
                best[fold] = epoch
    return best


def rank(epoch):
    return -epoch["valid_accuracy"], epoch["valid_loss"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", nargs="+", help="a --log file of warpgnn-train graphs")
    logs = parser.parse_args().log
    choices = [best_epochs(path) for path in logs]
    if any(choice.keys() != choices[0].keys() for choice in choices):
        raise SystemExit("the logs do not have the same folds")
    accuracies, taken = [], [0] * len(logs)
    for fold in sorted(choices[0]):
        chosen = min(range(len(logs)), key=lambda i: rank(choices[i][fold]))
        taken[chosen] += 1
        accuracies.append(100 * choices[chosen][fold]["test_accuracy"])
    deviation = statistics.stdev(accuracies) if len(accuracies) > 1 else 0
    print(f"{statistics.mean(accuracies):.1f} +- {deviation:.1f} %")
    for path, count in zip(logs, taken):
        print(f"  {count:3} of {len(accuracies)} folds take {path}")


if __name__ == "__main__":
    main()
