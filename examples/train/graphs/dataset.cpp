// SPDX-License-Identifier: MIT
#include "dataset.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace train::graphs {

namespace {

template <class Value>
void keep_rows(std::vector<Value>& values, const std::vector<std::size_t>& kept, std::size_t width) {
  std::size_t end = 0;
  for (const std::size_t row : kept) {
    for (std::size_t column = 0; column < width; ++column) values[end++] = values[row * width + column];
  }
  values.resize(end);
}

}  // namespace

std::vector<std::vector<std::size_t>> edges_by_graph(const Dataset& dataset) {
  std::vector<std::vector<std::size_t>> edges(static_cast<std::size_t>(dataset.num_graphs()));
  for (std::size_t e = 0; e < dataset.source.size(); ++e) {
    const auto next = std::upper_bound(dataset.graph_offsets.begin(), dataset.graph_offsets.end(), dataset.source[e]);
    edges[static_cast<std::size_t>(next - dataset.graph_offsets.begin()) - 1].push_back(e);
  }
  return edges;
}

void remove_duplicate_edges(Dataset& dataset) {
  const std::size_t edges = dataset.source.size();
  const auto width = static_cast<std::size_t>(dataset.edge_attributes.columns);
  const auto ends = [&](std::size_t e) { return std::pair(dataset.source[e], dataset.destination[e]); };
  const auto labels_differ = [&](std::size_t a, std::size_t b) {
    return std::any_of(dataset.edge_labels.begin(), dataset.edge_labels.end(),
                       [&](const Categories& column) { return column.index[a] != column.index[b]; });
  };
  const auto attributes_differ = [&](std::size_t a, std::size_t b) {
    const auto begin = dataset.edge_attributes.values.begin();
    const auto row_a = begin + static_cast<std::ptrdiff_t>(a * width);
    const auto row_b = begin + static_cast<std::ptrdiff_t>(b * width);
    return !std::equal(row_a, row_a + static_cast<std::ptrdiff_t>(width), row_b);
  };

  std::vector<std::size_t> order(edges);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return ends(a) < ends(b); });

  std::vector<std::size_t> kept;
  kept.reserve(edges);
  std::size_t group = 0;  // where in `kept` the edges with the present ends begin
  for (const std::size_t e : order) {
    if (!kept.empty() && ends(kept.back()) != ends(e)) group = kept.size();
    const bool is_new =
        std::all_of(kept.begin() + static_cast<std::ptrdiff_t>(group), kept.end(),
                    [&](std::size_t other) { return labels_differ(other, e) || attributes_differ(other, e); });
    if (is_new) kept.push_back(e);
  }
  dataset.duplicate_edges = static_cast<std::int64_t>(edges - kept.size());
  if (dataset.duplicate_edges == 0) return;

  std::sort(kept.begin(), kept.end());
  keep_rows(dataset.source, kept, 1);
  keep_rows(dataset.destination, kept, 1);
  for (Categories& column : dataset.edge_labels) keep_rows(column.index, kept, 1);
  keep_rows(dataset.edge_attributes.values, kept, width);
  if (width != 0) dataset.edge_attributes.rows = static_cast<std::int64_t>(kept.size());
}

}  // namespace train::graphs
