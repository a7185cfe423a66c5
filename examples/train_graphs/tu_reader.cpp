#include "tu_reader.hpp"

#include <limits>

#include "common/errors.hpp"
#include "common/text_table.hpp"

namespace examples::train_graphs {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaxCount = std::numeric_limits<std::int32_t>::max();

/// The files of one data set.
class Files {
 public:
  Files(fs::path folder, std::string name) : folder_(std::move(folder)), name_(std::move(name)) {}
  /// The plain file where there is one, else its name packed by gzip.
  fs::path path(const std::string& part) const {
    const fs::path plain = folder_ / (name_ + "_" + part + ".txt"), packed = plain.string() + ".gz";
    return !fs::exists(plain) && fs::exists(packed) ? packed : plain;
  }
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

Categories read_labels(const Files& files, const std::string& part, std::size_t count, const std::string& item) {
  if (!files.has(part)) return {};
  const TextTable table = files.open(part);
  table.expect_lines(count, item);
  return categorise(table.integers(1, "the label of one " + item + ", an integer"));
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
  dataset.node_labels = read_labels(files, "node_labels", nodes, "node");
  dataset.node_attributes = read_attributes(files, "node_attributes", nodes, "node");
  dataset.edge_labels = read_labels(files, "edge_labels", edges, "edge");
  dataset.edge_attributes = read_attributes(files, "edge_attributes", edges, "edge");
  remove_duplicate_edges(dataset);
  return dataset;
}

}  // namespace examples::train_graphs
