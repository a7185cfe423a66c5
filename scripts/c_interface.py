#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the C interface of the ops, all of it made of their C++ headers.

    c_interface.py            writes the files
    c_interface.py --check    writes nothing and fails where a file is not what it would write

A header of include/warpgnn/ops says everything that is needed: enumerations, structs of options, views and graphs with
their defaults, and functions whose parameters are a context, such structs and a workspace. What has another form is
written by hand in host/c and named in op_headers.py; anything else stops this script.
"""

import argparse
import difflib
import re
import sys
import textwrap

from op_headers import HEADERS, ROOT, fail, read_headers

WIDTH = 120
NUMBERS = {"double": "double", "float": "float", "bool": "bool", "int": "int32_t", "std::int32_t": "int32_t",
           "std::int64_t": "int64_t", "std::uint64_t": "uint64_t", "std::size_t": "size_t"}
VIEWS = ("ConstTensorView", "TensorView")


def snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def wrapped(start, parameters, end):
    """A declaration, as clang-format breaks it."""
    lines, indent = [start + "("], " " * (len(start) + 1)
    for number, parameter in enumerate(parameters):
        word = parameter + ("," if number + 1 < len(parameters) else ")" + end)
        if lines[-1].endswith(("(", " ")):
            lines[-1] += word
        elif len(lines[-1]) + 1 + len(word) <= WIDTH:
            lines[-1] += " " + word
        else:
            lines.append(indent + word)
    return "\n".join(lines) + "\n"


def comment(text, indent=""):
    return textwrap.indent(textwrap.fill(text, WIDTH - 4 - len(indent)), indent + "/// ") + "\n"


class Interface:
    def __init__(self, headers):
        self.headers = headers
        self.types = {each.name: each for header in headers for each in header.types}
        self.called = {function.name for header in headers for function in header.functions}
        self.results = {result for header in headers for result in header.results.values()}

    def c_name(self, name):
        """A struct and a function cannot share a name in C."""
        return "warpgnn_" + snake(name) + ("_args" if snake(name) in self.called else "")

    def enumerator(self, enum, name):
        return f"{self.c_name(enum).upper()}_{name.upper()}"

    def each(self, function):
        return "".join(function(header, each) for header in self.headers for each in header.types if not each.is_enum)

    # The header.

    def c_field(self, owner, field):
        text = comment(field.comment, "  ") if field.comment else ""
        if field.type in VIEWS:
            return text + f"  warpgnn_view {field.name};\n"
        if field.type == "Graph":
            return text + f"  const warpgnn_graph* {field.name};\n"
        if field.type in NUMBERS:
            return text + f"  {NUMBERS[field.type]} {field.name};\n"
        if item := self.span(field):
            return text + f"  const {self.c_name(item)}* {field.name};\n  size_t {field.name}_count;\n"
        if field.type in self.types:
            return text + f"  {self.c_name(field.type)} {field.name};\n"
        fail(f"{owner.name}::{field.name}: no such type in C: {field.type}")

    def span(self, field):
        match = re.fullmatch(r"std::span<const (\w+)>", field.type)
        return match and match[1]

    def c_type(self, each):
        name = self.c_name(each.name)
        if each.is_enum:
            lines = "".join((comment(text, "  ") if text else "") + f"  {self.enumerator(each.name, item)} = {value},\n"
                            for value, (item, text) in enumerate(each.members))
            one_line = re.sub(r",\n +| +", " ", lines).strip(" ,\n")
            short = f"enum {name}_values {{ {one_line} }};\n"
            if "///" in lines or len(short) > WIDTH + 1:
                short = f"enum {name}_values {{\n{lines[:-2]}\n}};\n"
            return f"/// The values of {name}.\n{short}{each.comment}typedef int32_t {name};\n"
        body = "".join(self.c_field(each, field) for field in each.members)
        default = f"/// {each.name}{{}}: no argument given, every option at its default.\n"
        return (f"{each.comment}typedef struct {name} {{\n{body}}} {name};\n"
                f"{default}{name} {name}_default(void);\n")

    def calls(self, header):
        """Every function: its comment, name, parameters and body."""
        for problem, result in header.results.items():
            yield ("A result that fits `op`, on memory that is good until `owner` is destroyed.",
                   self.c_name(problem).removesuffix("_args") + "_allocate",
                   ["const warpgnn_context* context", f"const {self.c_name(problem)}* op", "warpgnn_purpose purpose",
                    f"{self.c_name(result)}* result", "warpgnn_owned** owner"],
                   f"    const Context& on = context_of(context);\n"
                   f'    const {problem} problem = from_c(given("op", op), {{}});\n'
                   f'    {self.c_name(result)}& views = given("result", result);\n'
                   f'    warpgnn_owned*& memory = given("owner", owner);\n'
                   f"    Owned<{result}> made = allocate(on, problem, purpose_of(purpose));\n"
                   f"    const {result} written = made.views();\n"
                   f"    memory = new warpgnn_owned(std::move(made));\n"
                   f"    views = to_c(written);\n")
        for function in header.functions:
            name = "warpgnn_" + function.name
            given = ["const warpgnn_context* context",
                     *(f"const {self.c_name(kind)}* {part}" for kind, part in function.parts)]
            start = "    const Context& on = context_of(context);\n"
            for kind, part in function.parts:
                start += f'    const {kind} cpp_{part} = from_c(given("{part}", {part}), {{}});\n'
            parts = ", ".join(["on", *(f"cpp_{part}" for _, part in function.parts)])
            if function.workspace:
                yield (f"The bytes of workspace that {name} needs.", f"{name}_workspace_size",
                       [*given, "size_t* bytes"],
                       start + f'    given("bytes", bytes) = workspace_size({parts});\n')
                given.append("warpgnn_workspace* workspace")
                parts += ", source_of(workspace)"
            yield (f"{function.name} of warpgnn/ops/{header.name}.", name, given,
                   start + f"    {function.name}({parts});\n")

    def header(self):
        parts = []
        for header in self.headers:
            about = re.sub("^///", "//", header.comment, flags=re.M)
            parts.append(f"// --- {header.name} ".ljust(WIDTH, "-") + "\n\n" + (about + "\n" if about else ""))
            parts += [self.c_type(each) + "\n" for each in header.types]
            parts += [comment(text) + wrapped(f"warpgnn_status {name}", parameters, ";")
                      for text, name, parameters, _ in self.calls(header)] + ["\n"]
        return f"""#pragma once

/// All ops. A call has the parts that it has in C++: the problem `op` with its options and inputs, what its forward
/// writes (`result`), and the gradients. Begin with a struct's own warpgnn_..._default(): zero is not always it.
///
/// Comments are those of the C++ headers and use their names: GatAttention is warpgnn_gat_attention, and a struct that
/// shares its name with a function has _args behind it. A view that is all zero, or a graph that is null, is not given.

#include "warpgnn/c/core.h"
#include "warpgnn/c/graph.h"

#ifdef __cplusplus
extern "C" {{
#endif

{re.sub(chr(10) + "{3,}", chr(10) * 2, "".join(parts))}#ifdef __cplusplus
}}
#endif
"""

    # The source.

    def conversion(self, header, each):
        lines = ""
        for field in each.members:
            name, place = field.name, f'place, "{field.name}"'
            if field.type in VIEWS:
                value = f"view_of({place}, from.{name})"
            elif field.type == "Graph":
                value = f"graph_of(from.{name})"
            elif field.type in NUMBERS:
                value = f"from.{name}"
            elif item := self.span(field):
                one = f"const {self.c_name(item)}& one, const Place& in"
                lines += f"  const auto each = []({one}) {{ return from_c(one, in); }};\n"
                value = f'converted<{item}>("{name}", from.{name}, from.{name}_count, each)'
            elif self.types[field.type].is_enum:
                count = len(self.types[field.type].members)
                value = f'choice_of<{field.type}>({place}, "{self.c_name(field.type)}", from.{name}, {count})'
            else:
                value = f'from_c(from.{name}, Place{{"{name}"}})'
            lines += f"  to.{name} = {value};\n"
        used = "place" if "(place, " in lines else "/*place*/"
        return (f"{each.name} from_c(const {self.c_name(each.name)}& from, const Place& {used}) {{\n"
                f"  {each.name} to;\n{lines}  return to;\n}}\n\n")

    def result_to_c(self, header, each):
        if each.name not in self.results:
            return ""
        name = self.c_name(each.name)
        lines = "".join(f"  to.{field.name} = to_c(from.{field.name});\n" for field in each.members)
        return f"{name} to_c(const {each.name}& from) {{\n  {name} to{{}};\n{lines}  return to;\n}}\n\n"

    def default(self, header, each):
        name, lines = self.c_name(each.name), ""
        for field in each.members:
            value = field.default
            if field.type in self.types and not self.types[field.type].is_enum:
                lines += f"  made.{field.name} = {self.c_name(field.type)}_default();\n"
            elif value and (match := re.fullmatch(r"(\w+)::(\w+)", value)):
                lines += f"  made.{field.name} = {self.enumerator(*match.groups())};\n"
            elif value and value not in ("0", "false"):
                lines += f"  made.{field.name} = {value};\n"
        if not lines:
            return f"{name} {name}_default(void) {{\n  return {{}};\n}}\n\n"
        return f"{name} {name}_default(void) {{\n  {name} made{{}};\n{lines}  return made;\n}}\n\n"

    def source(self):
        calls = "\n".join(
            wrapped(f"warpgnn_status {name}", parameters, " {") + f"  return guarded([&] {{\n{body}  }});\n}}\n"
            for header in self.headers for _, name, parameters, body in self.calls(header))
        return f"""#include "warpgnn/c/ops.h"

#include "host/c/bridge.hpp"

using namespace warpgnn;
using namespace warpgnn::c_interface;

namespace {{

using warpgnn::c_interface::to_c;

{self.each(self.conversion)}{self.each(self.result_to_c)}}}  // namespace

{self.each(self.default)}{calls}"""

    # What the tests walk over.

    def walk(self, header, each):
        name, lines = self.c_name(each.name), ""
        for field in each.members:
            count = f", c.{field.name}_count" if self.span(field) else ""
            lines += f'  visit("{field.name}", c.{field.name}{count}, cpp.{field.name});\n'
        text = (f"inline const char* name_of(const {each.name}* /*twin*/) {{\n  return \"{each.name}\";\n}}\n"
                f"inline {name} default_of(const {each.name}* /*twin*/) {{\n  return {name}_default();\n}}\n"
                f"template <class Visit>\n"
                + wrapped("void each_field", [f"{name}& c", f"{each.name}& cpp", "Visit&& visit"], " {")
                + lines + "}\n")
        if each.name in header.results:
            allocate = name.removesuffix("_args") + "_allocate"
            text += f"inline auto allocate_of(const {each.name}* /*twin*/) {{\n  return &{allocate};\n}}\n"
        return text + "\n"

    def fields(self):
        structs = self.each(lambda header, each: f"  visit({each.name}{{}});\n")
        return f"""#pragma once

#include "warpgnn/c/warpgnn.h"
#include "warpgnn/warpgnn.hpp"

/// Every struct of the C interface beside its twin, field by field.
namespace warpgnn::test {{

{self.each(self.walk)}/// Visits every struct as it is in C++ when nothing is given.
template <class Visit>
void each_struct(Visit&& visit) {{
{structs}}}

}}  // namespace warpgnn::test
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="only compare")
    check = parser.parse_args().check
    interface = Interface(read_headers())
    differ = False
    for name, text in (("include/warpgnn/c/ops.h", interface.header()), ("host/c/ops.cpp", interface.source()),
                       ("tests/c/fields.hpp", interface.fields())):
        text = ("// SPDX-License-Identifier: MIT\n"
                f"// Generated by scripts/c_interface.py from {HEADERS}/*.hpp: change those, not this.\n\n{text}")
        path = ROOT / name
        old = path.read_text() if path.exists() else ""
        if check and old != text:
            differ = True
            sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), text.splitlines(True), name, "wanted"))
        elif old != text:
            path.write_text(text)
            print(name)
    if differ:
        fail("the C interface is not that of the headers: run scripts/c_interface.py")


if __name__ == "__main__":
    main()
