// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "draw/picture.hpp"

namespace train {

/// Node positions from the output of `neato -Tplain`; nothing when the text does not place every node.
std::optional<std::vector<Point>> parse_layout(const std::string& plain, std::size_t nodes);

/// How many pairs of links cross, plus how many pairs of nodes lie on top of each other.
int count_tangles(const Picture& picture, const std::vector<Point>& positions);

/// Writes the picture's DOT file and lets Graphviz place its nodes, from several starts where the first leaves links
/// crossed; the file keeps the best. Nothing when Graphviz is not there or fails: the file then has the first start.
std::optional<std::vector<Point>> lay_out(const Picture& picture, const std::filesystem::path& dot_file);

}  // namespace train
