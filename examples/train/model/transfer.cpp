// SPDX-License-Identifier: MIT
#include "model/transfer.hpp"

#include <cstdint>

#include "warpgnn/ops/elementwise.hpp"

namespace train {

using warpgnn::ConstTensorView;
using warpgnn::Context;
using warpgnn::Dtype;
using warpgnn::Tensor;

Tensor upload(const Context& context, Dtype dtype, std::span<const double> values,
              std::initializer_list<std::int64_t> shape) {
  if (dtype == Dtype::float64) return Tensor::from(context, values, shape);
  const std::vector<float> narrow(values.begin(), values.end());
  return Tensor::from(context, std::span<const float>(narrow), shape);
}

warpgnn::Graph upload_graph(const Context& context, const std::vector<std::int32_t>& source,
                            const std::vector<std::int32_t>& destination, std::int64_t sources,
                            std::int64_t destinations) {
  const auto edges = static_cast<std::int64_t>(source.size());
  return warpgnn::Graph::from_coo(context, {.source = warpgnn::view(source.data(), {edges}),
                                            .destination = warpgnn::view(destination.data(), {edges}),
                                            .num_sources = sources,
                                            .num_destinations = destinations});
}

std::vector<double> download(const ConstTensorView& view, const Context& context) {
  // A view does not own memory that can be copied from, so the rows go through a tensor of ours.
  const std::int64_t rows = view.shape[0], width = view.row_size();
  std::vector<std::int32_t> every(static_cast<std::size_t>(rows));
  for (std::size_t row = 0; row < every.size(); ++row) every[row] = static_cast<std::int32_t>(row);
  const Tensor index = Tensor::from(context, std::span<const std::int32_t>(every), {rows});
  Tensor copy(context, view.dtype, {rows, width});
  warpgnn::gather_rows(context, {.x = warpgnn::reshape(view, {rows, width}), .index = index, .y = copy});
  if (view.dtype == Dtype::float64) return copy.to_host<double>();
  const std::vector<float> narrow = copy.to_host<float>();
  return {narrow.begin(), narrow.end()};
}

}  // namespace train
