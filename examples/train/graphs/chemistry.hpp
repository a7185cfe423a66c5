// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "draw/picture.hpp"

namespace train::graphs {

/// How the labels of a molecule data set read, as its README says; anything unknown reads as the bare number.
bool is_molecule_set(const std::string& dataset);
std::string atom_symbol(const std::string& dataset, std::int64_t node_label);
Bond bond_kind(const std::string& dataset, std::int64_t edge_label);
/// The name of a class by its label in the file.
std::string class_name(const std::string& dataset, std::int64_t graph_label);

}  // namespace train::graphs
