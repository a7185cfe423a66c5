# SPDX-License-Identifier: MIT
"""What the headers of include/warpgnn/ops declare, as far as the C interface can have it: see c_interface.py."""

import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
HEADERS = "include/warpgnn/ops"
BY_HAND = {"RelationGraph", "expand_relations", "top_k_count"}  # not made of views and options

COMMENT = re.compile(r"((?:^///[^\n]*\n)+)", re.M)
TYPE = re.compile(COMMENT.pattern + r"(?P<kind>struct|enum class) (?P<name>\w+)[^{;\n]*\{(?P<body>[^;\n]*?|.*?^)\};$",
                  re.M | re.S)
FIELD = re.compile(r"  (?P<type>[\w:<> ]+?) (?P<name>\w+)(?:\{\}| = (?P<default>[^;]+))?;(?: +///< (?P<comment>.*))?")
ENUMERATOR = re.compile(r"(?P<name>\w+),?(?: +///< (?P<comment>.*))?")
FUNCTION = re.compile(r"^(?:void|std::size_t|Owned<\w+>|\w+) (?P<name>\w+)\((?P<parameters>[^)]*)\);$", re.M)
PARAMETER = re.compile(r"(?:const )?(?P<type>[\w:]+)&? (?P<name>\w+)(?: = .*)?")

# A type's members are fields, or (name, comment) of enumerators. A function's parts are (struct, parameter). `results`
# says which result `allocate` makes of which problem.
Field = collections.namedtuple("Field", "type name default comment")
Type = collections.namedtuple("Type", "name comment members is_enum")
Function = collections.namedtuple("Function", "name parts workspace")
Header = collections.namedtuple("Header", "name comment types functions results")


def fail(message):
    sys.exit(f"c_interface: {message}")


def enumerators(path, name, body):
    """In order: their values count from 0."""
    items = [item for line in body.splitlines()
             for item in (re.split(r", (?=\w)", line.strip()) if "///<" not in line else [line.strip()]) if item]
    result = []
    for item in items:
        match = ENUMERATOR.fullmatch(item) or fail(f"{path}: {name}: not an enumerator: {item}")
        result.append((match["name"], match["comment"]))
    return result


def fields(path, name, body):
    return [Field(**(FIELD.fullmatch(line) or fail(f"{path}: {name}: not a field: {line}")).groupdict())
            for line in body.strip("\n").splitlines()]


def types(path, text):
    found = [match for match in TYPE.finditer(text) if match["name"] not in BY_HAND]
    known = re.findall(r"^(?:struct|enum class) (\w+)\b[^;]*\{", text, re.M)
    if missed := set(known) - {match["name"] for match in found} - BY_HAND:
        fail(f"{path}: no comment, or another form: {', '.join(sorted(missed))}")
    for match in found:
        is_enum = match["kind"] == "enum class"
        members = (enumerators if is_enum else fields)(path, match["name"], match["body"])
        yield Type(match["name"], match[1], members, is_enum)


def functions(path, text):
    """The ops' functions, and which result `allocate` makes of which problem."""
    found, sized, results = [], [], {}
    for match in FUNCTION.finditer(text):
        if match["name"] in BY_HAND:
            continue
        parameters = [PARAMETER.fullmatch(" ".join(each.split())) for each in re.split(r",", match["parameters"])]
        if None in parameters or parameters[0]["type"] != "Context":
            fail(f"{path}: not a function of an op: {match[0]}")
        parts = [(each["type"], each["name"]) for each in parameters[1:]]
        if match["name"] == "allocate":
            results[parts[0][0]] = re.match(r"Owned<(\w+)>", match[0])[1]
        elif match["name"] == "workspace_size":
            sized.append(parts)
        else:
            workspace = parts[-1][0] == "WorkspaceSource"
            found.append(Function(match["name"], parts[:-1] if workspace else parts, workspace))
    for function in found:
        if function.workspace != (function.parts in sized):
            fail(f"{path}: {function.name}: workspace and workspace_size do not go together")
    return found, results


def read_headers():
    headers = []
    for path in sorted((ROOT / HEADERS).glob("*.hpp")):
        text = path.read_text()
        about = re.search(COMMENT.pattern + "namespace ", text, re.M)
        headers.append(Header(path.name, about[1] if about else "", [*types(path.name, text)],
                              *functions(path.name, text)))
    # A header comes after those whose types it uses.
    included = {header.name: re.findall(r'"warpgnn/ops/(\w+\.hpp)"', (ROOT / HEADERS / header.name).read_text())
                for header in headers}
    ordered = []
    while headers:
        done = {header.name for header in ordered}
        ordered.append(next(header for header in headers if done.issuperset(included[header.name])))
        headers.remove(ordered[-1])
    return ordered
