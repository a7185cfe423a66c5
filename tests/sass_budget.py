#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The machine code of the main kernels' inner loops, held to a budget.

    sass_budget.py check KERNELS TOOLS     compares the objects of folder KERNELS with sass_budget.txt
    sass_budget.py write KERNELS TOOLS     writes sass_budget.txt anew

For each instance that the budget names: how many instructions the loop over a row's edges (or a graph's nodes) has for
each and a warp, how many loads it issues before it looks at what any of them has brought, and how many there are.
A head has eight lanes where lanes add up a dot product. Instructions that a group's size only known at run time would
cost (MATCH, REDUX, votes), conversions from double and spills may not be in such a loop at all.

cuobjdump and nvdisasm come from the toolkit, or by pip into the folder TOOLS. Without them, or with another release of
nvcc than the budget's, there is nothing to check (exit status 77).
"""

import collections
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BUDGET = HERE / "sass_budget.txt"
ARCHITECTURE = "sm_90"
RELEASE = "13.0"  # of nvcc
PACKAGES = ("nvidia-cuda-cuobjdump==13.2.51", "nvidia-cuda-nvdisasm==13.2.51")
LANE_STEPS = 3  # of a sum over the lanes of a head
GROWTH = 1.03  # what a budget lets pass

# The edges of one turn of an instance's loop, by its name and template arguments.
IN_FLIGHT = 4
FORBIDDEN = ("MATCH", "REDUX", "VOTE", "VOTEU", "F2F", "LDL", "STL", "WARPSYNC")


def edges_per_turn(name, arguments):
    if name == "aggregate_sum_by_row":
        return IN_FLIGHT // 2 if arguments[2] == "(Message)2" else IN_FLIGHT
    if any("EdgeMessage" in argument for argument in arguments) and name != "message_aggregate_backward_by_source":
        is_of_edges_alone = any("(EdgeMessage)3" in argument for argument in arguments)
        return IN_FLIGHT if is_of_edges_alone else IN_FLIGHT // 2
    if name == "gat_attention_backward_by_source":
        return IN_FLIGHT // int(arguments[2])
    if name in ("message_aggregate_backward_by_source", "attention_backward_by_destination",
                "attention_backward_by_source"):
        return IN_FLIGHT // 2
    return IN_FLIGHT


SOURCES = ("aggregate/aggregate", "aggregate/message_aggregate", "aggregate/relation", "attention/attention",
           "attention/attention_backward", "attention/edge_softmax", "attention/gat_attention",
           "attention/gat_attention_backward", "pool/pool")
KERNEL = re.compile(r"(aggregate_(?:sum|extremum)|message_aggregate_sum|message_aggregate_backward|relation_sum|"
                    r"(?:gat_)?attention_forward|gat_attention_backward(?=_by_source)|attention_backward)"
                    r"_by_(?:row|source|destination)|edge_rows_short|pool_forward_by_graph")
DTYPES = ("float", "BFloat16")
WIDTHS = ("1", "4", "8")


@dataclasses.dataclass
class Loop:
    instructions: float  # an edge and warp
    loads: int
    in_flight: int  # of the loads
    forbidden: list

    def line(self, instance):
        return f"{instance:<78} {self.instructions:6.1f} {self.in_flight:3} {self.loads:3}"


# --- Reading machine code ---------------------------------------------------------------------------------------------


def find_tools(folder):
    """The environment in which cuobjdump finds nvdisasm, or why there is none."""
    nvcc = shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc"
    places = [os.path.dirname(nvcc), *map(str, folder.glob("nvidia/*/bin"))]
    environment = dict(os.environ, PATH=os.pathsep.join([*places, os.environ.get("PATH", "")]))
    have = all(shutil.which(tool, path=environment["PATH"]) for tool in ("cuobjdump", "nvdisasm"))
    return environment if have else None


def install_tools(folder):
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), *PACKAGES]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    for tool in folder.glob("nvidia/*/bin/*"):
        tool.chmod(0o755)
    return done.stderr.strip()


def functions(path, environment):
    """(demangled name, [(address, instruction)]) of each function in an object."""
    text = subprocess.run(["cuobjdump", "-arch", ARCHITECTURE, "-sass", path], env=environment, check=True,
                          capture_output=True, text=True).stdout
    parts = re.split(r"\n\s*Function : ", text)[1:]
    names = [part.split("\n", 1)[0].strip() for part in parts]
    demangled = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True).stdout
    for name, part in zip(demangled.splitlines(), parts):
        code = re.findall(r"^\s*/\*([0-9a-f]{4,6})\*/\s+(.*?);", part, re.M)
        yield name, [(int(address, 16), re.sub(r"^@!?U?P\w+\s+", "", text.strip())) for address, text in code]


def operation(text):
    return text.split()[0].split(".")[0]


def loops_of(code):
    """(first, last) index of each loop: from where a branch leads back to the branch."""
    index = {address: k for k, (address, _) in enumerate(code)}
    for k, (address, text) in enumerate(code):
        target = re.search(r"^BRA\S*\s.*?0x([0-9a-f]+)", text)
        if target and int(target[1], 16) <= address and int(target[1], 16) in index:
            yield index[int(target[1], 16)], k


def loads_in_flight(body):
    """How many loads are issued before the first instruction that reads what one of them brings."""
    pending, count = set(), 0
    for _, text in body:
        name, _, rest = text.partition(" ")
        operands = [operand.strip() for operand in rest.split(",")]
        reads = rest if name.startswith("ST") else ",".join(operands[1:])
        if pending & {int(register) for register in re.findall(r"\bR(\d+)\b", reads)}:
            return count
        if name.startswith("LDG"):
            width = 4 if ".128" in name else 2 if ".64" in name else 1
            first = int(operands[0][1:])
            pending |= set(range(first, first + width))
            count += 1
    return count


def edge_loop(code, edges):
    """The smallest loop that loads, apart from copies for lanes that have lost each other."""
    loops = sorted(loops_of(code), key=lambda loop: loop[1] - loop[0])
    for first, last in loops:
        body = code[first : last + 1]
        counts = collections.Counter(operation(text) for _, text in body)
        if not counts["LDG"] or counts["WARPSYNC"]:
            continue
        nested = sum(b - a + 1 for a, b in loops if first < a and b <= last)
        instructions = len(body) + (LANE_STEPS - 1) * nested
        forbidden = [name for name in FORBIDDEN if counts[name]]
        return Loop(instructions / edges, counts["LDG"], loads_in_flight(body), forbidden)
    return None


def in_budget(arguments):
    """Whether an instance is of the types and widths that the budget holds; some have a type only within another."""
    dtype = re.search(r"\w+(?=>*$)", arguments[0].replace(" ", ""))[0]
    return dtype in DTYPES and (len(arguments) == 1 or arguments[1] in WIDTHS)


def measure(kernels, environment):
    measured = {}
    for source in SOURCES:
        for name, code in functions(kernels / f"{source}.cu.o", environment):
            name = re.sub(r"\(anonymous namespace\)::|warpgnn::|kernels::|math::", "", name)
            match = re.match(r"void ((\w+)<(.*)>)\(", name)
            if not match or not KERNEL.fullmatch(match[2]):
                continue
            arguments = match[3].split(", ")
            if not in_budget(arguments):
                continue
            instance = re.sub(r",GatScore<\w+>", "", match[1].replace(" ", ""))
            loop = edge_loop(code, edges_per_turn(match[2], arguments))
            if loop is not None:
                measured[instance] = loop
    return measured


# --- The budget -------------------------------------------------------------------------------------------------------


def write(measured):
    lines = [
        f"# Machine code of the loops over edges on {ARCHITECTURE}, nvcc {RELEASE}: instructions for an edge and warp, "
        "loads in",
        "# flight, loads. 'make sass-budget' writes this file; 'ctest -R sass_budget' checks it.",
        *(loop.line(instance) for instance, loop in sorted(measured.items())),
    ]
    BUDGET.write_text("\n".join(lines) + "\n")
    print(f"wrote {BUDGET}")


def check(measured):
    problems = []
    budget = {}
    for line in BUDGET.read_text().splitlines():
        if not line.startswith("#"):
            instance, *numbers = line.split()
            budget[instance] = numbers
    for instance in sorted(budget.keys() - measured.keys()):
        problems.append(f"{instance}: in the budget, but no kernel has this loop")
    for instance, loop in sorted(measured.items()):
        if loop.forbidden:
            problems.append(f"{instance}: {', '.join(loop.forbidden)} in its loop")
        if instance not in budget:
            problems.append(f"{instance}: not in the budget")
            continue
        instructions, in_flight = float(budget[instance][0]), int(budget[instance][1])
        if loop.instructions > GROWTH * instructions:
            problems.append(f"{instance}: {loop.instructions:.1f} instructions for an edge, budget {instructions:.1f}")
        if loop.in_flight < in_flight:
            problems.append(f"{instance}: {loop.in_flight} loads in flight, budget {in_flight}")
    for problem in problems:
        print(problem)
    print(f"{len(measured)} loops checked, {len(problems)} problems")
    return 1 if problems else 0


def main():
    mode, kernels, tools = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    nvcc = shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc"
    version = subprocess.run([nvcc, "--version"], capture_output=True, text=True).stdout
    if f"release {RELEASE}," not in version:
        print(f"the budget is that of nvcc {RELEASE}: nothing to check")
        return 77
    environment = find_tools(tools)
    if environment is None:
        reason = install_tools(tools)
        environment = find_tools(tools)
        if environment is None:
            print(f"no cuobjdump and nvdisasm, and none to be had: {reason}")
            return 77
    measured = measure(kernels, environment)
    if mode == "write":
        write(measured)
    return check(measured)


if __name__ == "__main__":
    sys.exit(main())
