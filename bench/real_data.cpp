// SPDX-License-Identifier: MIT
#include "real_data.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>

namespace warpgnn::bench {

namespace {

std::optional<std::filesystem::path> find_file(const std::string& name) {
  std::vector<std::filesystem::path> folders;
  if (const char* chosen = std::getenv("WARPGNN_DATA")) folders.emplace_back(chosen);
  folders.emplace_back("examples/data");
  folders.emplace_back("../shared/data");
  if (const char* home = std::getenv("HOME")) folders.emplace_back(std::filesystem::path(home) / ".cache/warpgnn");
  for (const auto& folder : folders) {
    for (const std::string& file : {name, name + ".gz"}) {
      if (std::filesystem::exists(folder / file)) return folder / file;
    }
  }
  return std::nullopt;
}

/// All integers of a text file, compressed or not; whatever lies between them is skipped.
std::vector<std::int64_t> read_integers(const std::filesystem::path& path) {
  std::string text;
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return {};
  std::array<char, 1 << 16> block{};
  for (int bytes = 0; (bytes = gzread(file, block.data(), block.size())) > 0;) {
    text.append(block.data(), static_cast<std::size_t>(bytes));
  }
  gzclose(file);

  std::vector<std::int64_t> values;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    std::int64_t value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error == std::errc{}) values.push_back(value);
    at = error == std::errc{} ? next : at + 1;
  }
  return values;
}

}  // namespace

std::optional<EdgeSet> read_cora() {
  const auto path = find_file("cora/raw/edge.csv.gz");
  if (!path) return std::nullopt;
  const auto ends = read_integers(*path);
  EdgeSet set;
  for (std::size_t k = 0; k + 1 < ends.size(); k += 2) {
    set.source.push_back(static_cast<std::int32_t>(ends[k]));
    set.destination.push_back(static_cast<std::int32_t>(ends[k + 1]));
    set.nodes = std::max(set.nodes, std::max(ends[k], ends[k + 1]) + 1);
  }
  return set;
}

std::optional<EdgeSet> read_mutag(std::int64_t graphs) {
  const auto edges_path = find_file("MUTAG/MUTAG_A.txt"), graphs_path = find_file("MUTAG/MUTAG_graph_indicator.txt");
  if (!edges_path || !graphs_path) return std::nullopt;
  EdgeSet set;
  for (const std::int64_t graph : read_integers(*graphs_path)) {  // numbered from 1, not decreasing
    if (graph > graphs) break;
    set.graph_offsets.resize(static_cast<std::size_t>(graph), set.nodes);
    ++set.nodes;
  }
  set.graph_offsets.push_back(set.nodes);
  const auto ends = read_integers(*edges_path);
  for (std::size_t k = 0; k + 1 < ends.size(); k += 2) {
    if (ends[k] > set.nodes) continue;
    set.source.push_back(static_cast<std::int32_t>(ends[k] - 1));
    set.destination.push_back(static_cast<std::int32_t>(ends[k + 1] - 1));
  }
  return set;
}

}  // namespace warpgnn::bench
