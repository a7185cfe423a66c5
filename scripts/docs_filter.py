#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints a header, or a page, as Doxygen shall read it. Lines stay where they are, for the places in its warnings.

In headers

- a label that begins a line ("Shapes. ...") begins a paragraph of that title
- indented lines are formulas and stay as they are; elsewhere <a, b> is a product and no tag
- a comment before a namespace, or one that stands alone behind #pragma once, is about the file
- the functions of an op have the comment that all of them share

In pages

- links to what the repository holds beside the documentation are their text alone
- headings that are linked to have a name; GitHub makes it of their words
- code with a quote stands between two backticks, as one ends at the quote
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]

LABEL = re.compile(
    r"(Options|Shapes|Dtypes|Shared views|Workspace|Saved for backward|Writes|Determinism|Errors|Source)\. ")
COMMENT = re.compile(r"(?P<start> *///<? ?)(?P<text>.*)")
FUNCTION = re.compile(r"(void|std::size_t|Owned<\w+>) (\w+)\(const Context& context, const (\w+)& op\b")
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(((?!https?:)[^)#]*)(?:#([^)]*))?\)")
QUOTES = re.compile(r"`([^`]*'[^`]*)`")
HEADING = re.compile(r"#+ (.*)")


def escaped(text):
    """Without tags and ends of sentences within names, but for what is code."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([<>])", r"\\\1", part).replace(" al. ", r" al.\ ") for part in parts[::2]]
    return "`".join(parts)


def about(kind, name, problem):
    """A function of an op, whose problem has the comment that all of them share."""
    if kind.startswith("Owned"):
        return f"The results of {problem} with memory of their own."
    if name == "workspace_size":
        return f"The bytes of workspace that {problem} needs."
    return f"Computes what {problem} says."


def header(lines):
    result, documents_file = [], False
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        comment = COMMENT.match(line)
        before, _, after = line.partition("///<")
        if comment and "///<" not in line:
            start, text = comment["start"], comment["text"]
            formula = [re.match(r" *///  +\S", each) for each in (lines[number - 1], line, following)]
            if formula[1]:
                text = (text if formula[0] else "@formula" + text[1:]) + ("" if formula[2] else " @endcode")
            else:
                text = LABEL.sub(r"@label{\1} ", escaped(text), count=1) if LABEL.match(text) else escaped(text)
            first_of_block = not COMMENT.match(lines[number - 1])
            end = next(n for n in range(number, len(lines) + 1) if n == len(lines) or not COMMENT.match(lines[n]))
            heads_file = lines[number - 2] == "#pragma once" and end < len(lines) and not lines[end]
            if first_of_block and (heads_file or (end < len(lines) and lines[end].startswith("namespace "))):
                text, documents_file = "@thisfile " + text, True
            line = start + text
        elif after:
            line = before + "///<" + escaped(after)
        elif function := FUNCTION.match(line):
            line = f"/** {about(*function.groups())} */ {line}"
        result.append(line)
    if not documents_file:
        result = ["/** @file */" if line == "#pragma once" else line for line in result]
    return result


def page(lines):
    def link(match):
        text, file, heading = match.groups()
        if heading:
            return f"[{text}](@ref at-{heading})"
        if file.endswith(".hpp"):
            return f"[{text}](@ref {pathlib.Path(file).name})"
        return match[0] if file.endswith(".md") and not file.startswith("tests/") else text

    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    linked = {match[3] for path in pages for match in LINK.finditer(path.read_text())}
    result, code = [], False
    for line in lines:
        code ^= line.startswith("```")
        if heading := not code and HEADING.match(line):
            name = re.sub(r"[^\w -]", "", heading[1]).lower().replace(" ", "-")
            line += f" {{#at-{name}}}" if name in linked else ""
        if not code and not line.startswith("    "):
            line = QUOTES.sub(r"``\1``", LINK.sub(link, line))
        result.append(line)
    return result


def main():
    path = pathlib.Path(sys.argv[1])
    lines = path.read_text().splitlines()
    print("\n".join((header if path.suffix in (".hpp", ".h") else page)(lines)))


if __name__ == "__main__":
    main()
