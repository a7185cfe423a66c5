// SPDX-License-Identifier: MIT
#include "ogb_reader.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "core/errors.hpp"
#include "data/text_table.hpp"

namespace train::nodes {
namespace {

namespace fs = std::filesystem;

/// The one number of a file that counts nodes or edges for each graph of the set.
std::size_t read_count(const fs::path& path, const std::string& item) {
  const TextTable table(path);
  table.expect_lines(1, "graph (a set of one graph is expected)");
  const std::int64_t count = table.integers(1, "the number of " + item)[0];
  if (count < 0 || count > std::numeric_limits<std::int32_t>::max()) {
    table.fail(
        0, "expected a number of " + item + " that is not negative and fits 32 bits, found " + std::to_string(count));
  }
  return static_cast<std::size_t>(count);
}

void expect_node(const TextTable& table, std::size_t line, std::int64_t node, std::size_t nodes) {
  if (node >= 0 && node < static_cast<std::int64_t>(nodes)) return;
  table.fail(line, "expected a node number from 0 to " + std::to_string(nodes - 1) + ", found " + std::to_string(node));
}

void read_edges(const fs::path& raw, std::size_t nodes, NodeData& data) {
  const TextTable table(raw / "edge.csv.gz");
  const std::vector<std::int64_t> ends = table.integers(2, "two node numbers, \"source,destination\"");
  table.expect_lines(read_count(raw / "num-edge-list.csv.gz", "edges"), "edge that num-edge-list counts");
  for (std::size_t line = 0; line < table.lines(); ++line) {
    for (const std::int64_t node : {ends[2 * line], ends[2 * line + 1]}) expect_node(table, line, node, nodes);
    data.source.push_back(static_cast<std::int32_t>(ends[2 * line]));
    data.destination.push_back(static_cast<std::int32_t>(ends[2 * line + 1]));
  }
}

void read_features(const fs::path& raw, std::size_t nodes, warpgnn::Dtype dtype, NodeData& data) {
  const TextTable table(raw / "node-feat.csv.gz");
  table.expect_lines(nodes, "node that num-node-list counts");
  std::size_t columns = 0;
  data.features.values = table.reals(columns, "the features of one node");
  data.features.rows = static_cast<std::int64_t>(nodes);
  data.features.columns = static_cast<std::int64_t>(columns);
  // Features without a negative one are divided by their row's sum, so those may be of any size.
  if (dtype != warpgnn::Dtype::float32 || !has_negative(data.features)) return;
  for (std::size_t k = 0; k < data.features.values.size(); ++k) {
    if (std::abs(data.features.values[k]) <= std::numeric_limits<float>::max()) continue;
    table.fail(
        k / columns,
        "expected numbers that float32 holds, up to 3.4e38, found one of another size (--dtype float64 holds it)");
  }
}

void read_labels(const fs::path& raw, std::size_t nodes, NodeData& data) {
  const TextTable table(raw / "node-label.csv.gz");
  table.expect_lines(nodes, "node that num-node-list counts");
  std::vector<std::optional<std::int64_t>> classes =
      table.optional_integers("the class of one node, an integer, or nan for none");
  for (auto& label : classes) {
    if (label == -1) label = std::nullopt;
  }
  data.labels = categorise_known(classes);
}

/// `part_of` has the name of the part that each node is in already.
std::vector<std::int32_t> read_part(const fs::path& folder, const std::string& part, const Categories& labels,
                                    std::vector<std::string>& part_of) {
  const TextTable table(folder / (part + ".csv.gz"));
  std::vector<std::int32_t> members;
  const std::vector<std::int64_t> nodes = table.integers(1, "a node number");
  for (std::size_t line = 0; line < nodes.size(); ++line) {
    expect_node(table, line, nodes[line], part_of.size());
    std::string& already = part_of[static_cast<std::size_t>(nodes[line])];
    if (!already.empty()) {
      table.fail(line, "node " + std::to_string(nodes[line]) + " is in the " + already + " part already");
    }
    if (labels.index[static_cast<std::size_t>(nodes[line])] < 0) {
      table.fail(line, "node " + std::to_string(nodes[line]) +
                           " has no class: node-label.csv.gz:" + std::to_string(nodes[line] + 1) + " says nan or -1");
    }
    already = part;
    members.push_back(static_cast<std::int32_t>(nodes[line]));
  }
  if (members.empty()) throw DataError(table.name() + ": the file is empty, expected node numbers");
  std::sort(members.begin(), members.end());
  return members;
}

NodeSplit read_split(const fs::path& folder, const std::string& name, const Categories& labels) {
  const fs::path path = folder / "split" / name;
  if (!fs::is_directory(path)) {
    throw UsageError("--split " + name + ": there is no folder " + path.string());
  }
  std::vector<std::string> part_of(labels.index.size());
  NodeSplit split;
  split.train = read_part(path, "train", labels, part_of);
  split.valid = read_part(path, "valid", labels, part_of);
  split.test = read_part(path, "test", labels, part_of);
  return split;
}

}  // namespace

DatasetLocation find_dataset(const std::string& name, const std::string& data) {
  return find_data(name, data, (fs::path("raw") / "edge.csv.gz").string());
}

NodeData read_ogb_graph(const fs::path& folder, const std::string& name, warpgnn::Dtype dtype) {
  const fs::path raw = folder / "raw";
  NodeData data;
  data.name = name;
  const std::size_t nodes = read_count(raw / "num-node-list.csv.gz", "nodes");
  if (nodes == 0) throw DataError("num-node-list.csv.gz:1: expected at least one node");
  read_edges(raw, nodes, data);
  read_features(raw, nodes, dtype, data);
  make_undirected(data);
  return data;
}

NodeData read_ogb(const fs::path& folder, const std::string& name, const std::string& split, warpgnn::Dtype dtype) {
  NodeData data = read_ogb_graph(folder, name, dtype);
  read_labels(folder / "raw", static_cast<std::size_t>(data.num_nodes()), data);
  data.split = read_split(folder, split, data.labels);
  return data;
}

}  // namespace train::nodes
