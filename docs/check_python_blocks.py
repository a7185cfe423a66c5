#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the Python blocks of pages, a page's in order and in one namespace, in an empty folder. A block that imports a
module which is not installed is skipped, and named.

  check_python_blocks.py PAGE...
"""

import ast
import importlib.util
import os
import pathlib
import re
import sys
import tempfile
import traceback

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def missing(block):
    """The first module that a block imports and that is not there, or none."""
    for node in ast.walk(ast.parse(block)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in [node.module] if isinstance(node, ast.ImportFrom) else names:
            if importlib.util.find_spec(name.split(".")[0]) is None:
                return name
    return None


def run(page):
    text, namespace, ran = page.read_text(), {"__name__": "__main__"}, 0
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start(1))
        if module := missing(block[1]):
            print(f"{page.name}:{line}: skipped, {module} is not installed")
            continue
        exec(compile("\n" * line + block[1], page, "exec"), namespace)
        ran += 1
    print(f"{page.name}: {ran} blocks ran")


def main():
    failures = 0
    for page in [pathlib.Path(name).resolve() for name in sys.argv[1:]]:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                run(page)
            except Exception:
                traceback.print_exc()
                failures += 1
            os.chdir("/")
    sys.exit(min(failures, 1))


if __name__ == "__main__":
    main()
