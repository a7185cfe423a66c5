// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "data/data_folder.hpp"
#include "data/matrix.hpp"
#include "warpgnn/dtype.hpp"

namespace train::links {

/// Two nodes, the smaller one first.
using Pair = std::pair<std::int32_t, std::int32_t>;

/// One graph of links without direction, each once, sorted, no loops; its nodes may have features.
struct LinkData {
  std::string name;
  std::int64_t num_nodes = 0;
  std::vector<Pair> links;
  Matrix features;
};

/// Looks for NAME.txt, a list of links, or raw/edge.csv.gz, with find_data.
DatasetLocation find_dataset(const std::string& name, const std::string& data);
/// Reads NAME.txt, two node numbers from 0 in each line, or OGB's raw layout with its features. Throws DataError that
/// names the file, the line and what was expected there.
LinkData read_links(const std::filesystem::path& folder, const std::string& name, warpgnn::Dtype dtype);

inline constexpr const char* kSmallWorldName = "smallworld";
/// A small world (Watts and Strogatz 1998): a ring of 300 nodes, each linked to its 6 nearest, of which one link in ten
/// leads somewhere else instead. The same seed gives the same graph.
LinkData generate_small_world(std::uint64_t seed);

/// Links to learn from, to choose by and to be judged by; of the last two as many pairs without a link.
struct LinkSplit {
  std::vector<Pair> train, valid, test;
  std::vector<Pair> valid_apart, test_apart;
};
/// Throws UsageError where a part would be empty.
LinkSplit split_links(const LinkData& data, const std::array<double, 3>& fractions, std::uint64_t seed);
/// Pairs without a link, drawn evenly; one may come more than once.
std::vector<Pair> draw_apart(const LinkData& data, std::size_t count, std::uint64_t seed);

}  // namespace train::links
