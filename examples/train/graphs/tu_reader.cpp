// SPDX-License-Identifier: MIT
#include "tu_reader.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <span>

#include "core/errors.hpp"
#include "data/text_table.hpp"

namespace train::graphs {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaxCount = std::numeric_limits<std::int32_t>::max();

/// The files of one data set.
class Files {
 public:
  Files(fs::path folder, std::string name) : folder_(std::move(folder)), name_(std::move(name)) {}
  fs::path path(const std::string& part) const { return plain_or_packed(folder_ / (name_ + "_" + part + ".txt")); }
  bool has(const std::string& part) const { return fs::exists(path(part)); }
  TextTable open(const std::string& part) const { return TextTable(path(part)); }

 private:
  fs::path folder_;
  std::string name_;
};

void read_graph_labels(const Files& files, Dataset& dataset) {
  const TextTable table = files.open("graph_labels");
  if (table.lines() == 0) throw DataError(table.name() + ": the file is empty, expected one label per graph");
  dataset.graph_labels = categorise(table.integers(1, "the label of a graph, an integer"));
}

void read_graph_indicator(const Files& files, Dataset& dataset) {
  const TextTable table = files.open("graph_indicator");
  const auto graphs = static_cast<std::int64_t>(dataset.graph_labels.index.size());
  const std::vector<std::int64_t> graph_of_node = table.integers(1, "the graph number of a node");
  if (static_cast<std::int64_t>(graph_of_node.size()) > kMaxCount) throw DataError(table.name() + ": too many nodes");
  dataset.graph_offsets.assign(static_cast<std::size_t>(graphs) + 1, 0);
  std::int64_t previous = 1;
  for (std::size_t line = 0; line < graph_of_node.size(); ++line) {
    const std::int64_t graph = graph_of_node[line];
    if (graph < 1 || graph > graphs) {
      table.fail(line, "expected a graph number from 1 to " + std::to_string(graphs) +
                           " (there are that many graph labels), found " + std::to_string(graph));
    }
    if (graph < previous) {
      table.fail(line, "expected the nodes of a graph side by side: graph " + std::to_string(graph) + " after graph " +
                           std::to_string(previous));
    }
    previous = graph;
    ++dataset.graph_offsets[static_cast<std::size_t>(graph)];
  }
  if (previous != graphs || graph_of_node.empty()) {
    throw DataError(table.name() + ": the last node belongs to graph " +
                    std::to_string(graph_of_node.empty() ? 0 : previous) + ", but there are " + std::to_string(graphs) +
                    " graph labels (is the file truncated?)");
  }
  for (std::size_t graph = 1; graph < dataset.graph_offsets.size(); ++graph) {
    dataset.graph_offsets[graph] += dataset.graph_offsets[graph - 1];
  }
}

std::vector<std::int32_t> graph_of_each_node(const Dataset& dataset) {
  std::vector<std::int32_t> graph_of_node;
  graph_of_node.reserve(static_cast<std::size_t>(dataset.num_nodes()));
  for (std::size_t graph = 0; graph + 1 < dataset.graph_offsets.size(); ++graph) {
    graph_of_node.insert(graph_of_node.end(),
                         static_cast<std::size_t>(dataset.graph_offsets[graph + 1] - dataset.graph_offsets[graph]),
                         static_cast<std::int32_t>(graph));
  }
  return graph_of_node;
}

void read_edges(const Files& files, Dataset& dataset) {
  const TextTable table = files.open("A");
  const std::vector<std::int64_t> ends = table.integers(2, "two node numbers, \"row, column\"");
  const std::int64_t nodes = dataset.num_nodes();
  if (static_cast<std::int64_t>(table.lines()) > kMaxCount) throw DataError(table.name() + ": too many edges");
  const std::vector<std::int32_t> graph_of_node = graph_of_each_node(dataset);
  dataset.source.reserve(table.lines());
  dataset.destination.reserve(table.lines());
  for (std::size_t line = 0; line < table.lines(); ++line) {
    for (const std::int64_t node : {ends[2 * line], ends[2 * line + 1]}) {
      if (node >= 1 && node <= nodes) continue;
      table.fail(line, "expected node numbers from 1 to " + std::to_string(nodes) +
                           " (the graph indicator has that many lines), found " + std::to_string(node));
    }
    const std::int64_t from = ends[2 * line] - 1, to = ends[2 * line + 1] - 1;
    const std::int32_t from_graph = graph_of_node[static_cast<std::size_t>(from)];
    const std::int32_t to_graph = graph_of_node[static_cast<std::size_t>(to)];
    if (from_graph != to_graph) {
      table.fail(line, "expected an edge inside one graph, found one from graph " + std::to_string(from_graph + 1) +
                           " to graph " + std::to_string(to_graph + 1));
    }
    dataset.source.push_back(static_cast<std::int32_t>(from));
    dataset.destination.push_back(static_cast<std::int32_t>(to));
  }
}

/// What a file of labels says of each item.
struct LabelTable {
  std::vector<Categories> columns;
  std::vector<double> last_change;  ///< of temporal labels; else empty
};

/// Every line has as many labels.
LabelTable label_columns(const std::vector<std::int64_t>& values, std::size_t lines) {
  LabelTable labels;
  const std::size_t columns = values.size() / lines;
  for (std::size_t column = 0; column < columns; ++column) {
    std::vector<std::int64_t> raw;
    for (std::size_t at = column; at < values.size(); at += columns) raw.push_back(values[at]);
    labels.columns.push_back(categorise(raw));
  }
  return labels;
}

/// Lines of different length are temporal: times and labels in turn, the label being that from the time on. The first
/// label, the last and the time of the last change are what a model that knows no time can see.
LabelTable temporal_labels(const TextTable& table, const std::vector<std::int64_t>& values,
                           const std::vector<std::size_t>& lengths) {
  LabelTable labels;
  std::vector<std::int64_t> first, last;
  std::size_t begin = 0;
  for (std::size_t line = 0; line < lengths.size(); ++line) {
    const auto row = std::span(values).subspan(begin, lengths[line]);
    begin += row.size();
    bool is_sound = row.size() % 2 == 0;
    for (std::size_t at = 2; is_sound && at < row.size(); at += 2) is_sound = row[at - 2] <= row[at];
    if (!is_sound) {
      table.fail(line, "expected as many labels as in the other lines, or times in order, each with a label");
    }
    first.push_back(row[1]);
    last.push_back(row.back());
    labels.last_change.push_back(static_cast<double>(row[row.size() - 2]));
  }
  labels.columns = {categorise(first), categorise(last)};
  return labels;
}

LabelTable read_labels(const Files& files, const std::string& part, std::size_t count, const std::string& item) {
  if (!files.has(part)) return {};
  const TextTable table = files.open(part);
  table.expect_lines(count, item);
  if (count == 0) return {};
  std::vector<std::size_t> lengths;
  const std::vector<std::int64_t> values =
      table.ragged_integers(lengths, "the label of one " + item + ", an integer, or several");
  const bool all_same = std::adjacent_find(lengths.begin(), lengths.end(), std::not_equal_to{}) == lengths.end();
  return all_same ? label_columns(values, count) : temporal_labels(table, values, lengths);
}

/// One more column on the right; `column` may be empty: none.
void append_column(Matrix& matrix, const std::vector<double>& column) {
  if (column.empty()) return;
  Matrix wider{static_cast<std::int64_t>(column.size()), matrix.columns + 1, {}};
  for (std::size_t row = 0; row < column.size(); ++row) {
    const auto begin = matrix.values.begin() + static_cast<std::ptrdiff_t>(row) * matrix.columns;
    wider.values.insert(wider.values.end(), begin, begin + matrix.columns);
    wider.values.push_back(column[row]);
  }
  matrix = std::move(wider);
}

Matrix read_attributes(const Files& files, const std::string& part, std::size_t count, const std::string& item) {
  if (!files.has(part)) return {};
  const TextTable table = files.open(part);
  table.expect_lines(count, item);
  Matrix matrix;
  std::size_t columns = 0;
  matrix.values = table.reals(columns, "the attributes of one " + item);
  matrix.columns = static_cast<std::int64_t>(columns);
  matrix.rows = static_cast<std::int64_t>(count);
  return matrix;
}

}  // namespace

DatasetLocation find_dataset(const std::string& name, const std::string& data) {
  return find_data(name, data, name + "_A.txt");
}

Dataset read_tu(const fs::path& folder, const std::string& name) {
  const Files files(folder, name);
  Dataset dataset;
  dataset.name = name;
  read_graph_labels(files, dataset);
  read_graph_indicator(files, dataset);
  read_edges(files, dataset);
  const auto nodes = static_cast<std::size_t>(dataset.num_nodes());
  const auto edges = static_cast<std::size_t>(dataset.num_edges());
  LabelTable node_labels = read_labels(files, "node_labels", nodes, "node");
  dataset.node_labels = std::move(node_labels.columns);
  dataset.node_attributes = read_attributes(files, "node_attributes", nodes, "node");
  append_column(dataset.node_attributes, node_labels.last_change);
  LabelTable edge_labels = read_labels(files, "edge_labels", edges, "edge");
  dataset.edge_labels = std::move(edge_labels.columns);
  dataset.edge_attributes = read_attributes(files, "edge_attributes", edges, "edge");
  append_column(dataset.edge_attributes, edge_labels.last_change);
  remove_duplicate_edges(dataset);
  return dataset;
}

}  // namespace train::graphs
