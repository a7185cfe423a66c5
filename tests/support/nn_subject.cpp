// SPDX-License-Identifier: MIT
#include "tests/support/nn_subject.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "tests/support/compare.hpp"
#include "warpgnn/ops/elementwise.hpp"

namespace warpgnn::test {

using oracle::Ids;
using oracle::Reals;

namespace {

template <class T>
void assign_as(Tensor& tensor, const Reals& values) {
  const std::vector<T> converted(values.begin(), values.end());
  tensor.copy_from_host(converted.data(), converted.size() * sizeof(T));
}

template <class T>
Reals reals_as(const Tensor& tensor) {
  const std::vector<T> values = tensor.to_host<T>();
  return {values.begin(), values.end()};
}

double largest(const Reals& values) {
  double result = 0;
  for (const double value : values) result = std::max(result, std::abs(value));
  return result;
}

}  // namespace

Tensor tensor_of(const Context& context, Dtype dtype, const Shape& shape, const Reals& values) {
  Tensor tensor(context, dtype, std::span<const std::int64_t>(shape));
  assign(tensor, values);
  return tensor;
}

Tensor labels_of(const Context& context, const Ids& labels) {
  const std::vector<std::int32_t> narrow(labels.begin(), labels.end());
  return Tensor::from<std::int32_t>(context, narrow, {static_cast<std::int64_t>(narrow.size())});
}

void assign(Tensor& tensor, const Reals& values) {
  if (tensor.view().dtype == Dtype::float64) {
    assign_as<double>(tensor, values);
  } else {
    assign_as<float>(tensor, values);
  }
}

Reals reals_of(const Tensor& tensor) {
  return tensor.view().dtype == Dtype::float64 ? reals_as<double>(tensor) : reals_as<float>(tensor);
}

Reals reals_of(const Context& context, const ConstTensorView& view) {
  Tensor copy(context, view.dtype,
              std::span<const std::int64_t>(view.shape.data(), static_cast<std::size_t>(view.ndim)));
  copy.fill_zero();
  add_scaled(context, {.scale = 1, .source = view, .target = copy});
  return reals_of(copy);
}

void expect_values(const Reals& got, const Reals& want, Dtype dtype, double factor, const std::string& what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  const double allowed = factor * epsilon_of(dtype) * largest(want);
  for (std::size_t k = 0; k < want.size(); ++k) {
    ASSERT_LE(std::abs(got[k] - want[k]), allowed) << what << "[" << k << "] is " << got[k] << ", expected " << want[k];
  }
}

TestGraph batch_with_isolated_nodes(Rng& rng, std::int64_t nodes) {
  TestGraph batch{"batch", {nodes, nodes, {}, {}}, {0}};
  for (const std::int64_t size : {nodes / 2, std::int64_t{1}, std::int64_t{0}, nodes - nodes / 2 - 1}) {
    const std::int64_t begin = batch.graph_offsets.back();
    for (std::int64_t e = 0; e < 3 * (size - 1); ++e) {
      batch.edges.source.push_back(begin + rng.below(size - 1));
      batch.edges.destination.push_back(begin + rng.below(size - 1));
    }
    batch.graph_offsets.push_back(begin + size);
  }
  batch.edges.source.push_back(batch.edges.source.front());
  batch.edges.destination.push_back(batch.edges.destination.front());
  return batch;
}

TestGraph bipartite_with_multi_edges(Rng& rng, std::int64_t sources) {
  TestGraph graph = random_graph(rng, sources, (5 * sources + 2) / 3, 3 * sources);
  graph.edges.source.push_back(graph.edges.source.front());
  graph.edges.destination.push_back(graph.edges.destination.front());
  return graph;
}

void randomize(const nn::ParameterList& list, Rng& rng) {
  for (nn::Parameter* each : list) {
    if (!each->trainable) continue;
    assign(each->value, away_from_zero(rng.reals(static_cast<std::size_t>(each->value.view().count())), 0.05));
  }
}

std::map<std::string, Tensor*> Subject::inputs() {
  std::map<std::string, Tensor*> all;
  if (needs_.edge_width > 0) all["edge_features"] = &edge_features_;
  if (needs_.weight_has_gradient) all["edge_weight"] = &edge_weight_;
  if (needs_.two_sets) all["x.destination"] = &destination_x_;
  return all;
}

void Subject::load(std::uint64_t seed, std::int64_t nodes) {
  Rng rng(seed);
  graph_data_ = needs_.two_sets ? bipartite_with_multi_edges(rng, nodes) : batch_with_isolated_nodes(rng, nodes);
  graph_ = graph_data_.upload(context());
  const auto random = [&](std::int64_t rows, std::int64_t columns) {
    return rng.reals(static_cast<std::size_t>(rows * columns));
  };
  const auto edge_count = static_cast<std::int64_t>(edges().count());
  const Dtype dtype = session_.dtype();
  x_ = tensor_of(context(), dtype, {nodes, needs_.width}, away_from_zero(random(nodes, needs_.width)));
  edge_weight_ = tensor_of(context(), dtype, {edge_count}, random(edge_count, 1));
  if (needs_.two_sets) {
    const std::int64_t rows = edges().num_destinations;
    const std::int64_t width = needs_.destination_width > 0 ? needs_.destination_width : needs_.width;
    destination_x_ = tensor_of(context(), dtype, {rows, width}, away_from_zero(random(rows, width)));
  }
  if (needs_.edge_width == 0) return;
  edge_features_ = tensor_of(context(), dtype, {edge_count, needs_.edge_width}, random(edge_count, needs_.edge_width));
}

}  // namespace warpgnn::test
