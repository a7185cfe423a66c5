// SPDX-License-Identifier: MIT
#pragma once

/// Small helpers of the layers.

#include <initializer_list>
#include <string>
#include <vector>

#include "warpgnn/nn/node_features.hpp"
#include "warpgnn/nn/session.hpp"
#include "warpgnn/warpgnn.hpp"

namespace warpgnn::nn {

/// Values on the session's device, in its dtype.
Tensor upload(const Session& session, const std::vector<double>& values, std::initializer_list<std::int64_t> shape);

/// Gives a layer's own tensor its shape for this call; memory is reused once it was large enough.
inline void shape(const Session& session, Tensor& tensor, std::initializer_list<std::int64_t> sizes, Dtype dtype) {
  tensor.resize(session.context(), dtype, sizes);
}
inline void shape(const Session& session, Tensor& tensor, std::initializer_list<std::int64_t> sizes) {
  shape(session, tensor, sizes, session.dtype());
}
inline void shape_like(const Session& session, Tensor& tensor, const Layout& like) {
  if (like.ndim == 0) return;  // the op that follows names the argument that is missing
  tensor.resize(session.context(), session.dtype(), {like.shape.data(), static_cast<std::size_t>(like.ndim)});
}

inline void expect_probability(const char* name, double probability) {
  if (probability >= 0 && probability < 1) return;
  throw Error(ErrorCode::invalid_argument,
              std::string(name) + ": expected a probability in [0, 1), got " + std::to_string(probability));
}

/// The dropout of one forward's attention: a mask of its own in training, none otherwise.
inline AttentionDropout draw_dropout(Session& session, double probability) {
  if (!session.training() || probability == 0) return {};
  return {probability, session.next_dropout_seed(), session.dropout_counter()};
}

/// A size of a layer, named in the message.
inline std::int64_t expect_positive(const char* name, std::int64_t size) {
  if (size > 0) return size;
  throw Error(ErrorCode::invalid_argument, std::string(name) + ": expected 1 or more, got " + std::to_string(size));
}

/// The same of one that may be 0.
inline std::int64_t expect_not_negative(const char* name, std::int64_t size) {
  if (size >= 0) return size;
  throw Error(ErrorCode::invalid_argument, std::string(name) + ": expected 0 or more, got " + std::to_string(size));
}

inline constexpr std::int64_t kAnyRows = -1;

/// Refuses a tensor of another shape or dtype under the name that the layer's caller knows it by: the ops within would
/// blame their own arguments. The first size may be kAnyRows.
void expect_tensor(const Session& session, const char* name, const ConstTensorView& given,
                   std::initializer_list<std::int64_t> sizes);
void expect_dtype(const Session& session, const char* name, const ConstTensorView& given);
inline void expect_matrix(const Session& session, const char* name, const ConstTensorView& given, std::int64_t rows,
                          std::int64_t columns) {
  expect_tensor(session, name, given, {rows, columns});
}
/// The width of x.destination that an option asks for.
inline std::int64_t destination_inputs(std::int64_t in, std::int64_t in_destination) {
  return expect_not_negative("in_destination", in_destination) > 0 ? in_destination : in;
}

/// Features of one node set or of two, which may have widths of their own.
void expect_nodes(const Session& session, const Graph& graph, const NodeInputs& x, std::int64_t columns,
                  std::int64_t destination_columns);
inline void expect_nodes(const Session& session, const Graph& graph, const NodeInputs& x, std::int64_t columns) {
  expect_nodes(session, graph, x, columns, columns);
}
/// Weights of edges, which may be left out.
inline void expect_edge_weight(const Session& session, const Graph& graph, const ConstTensorView& given) {
  if (given.defined()) expect_tensor(session, "edge_weight", given, {graph.num_edges()});
}

/// Features of edges, of the width that the layer was made for; 0: none.
void expect_edge_features(const Session& session, const Graph& graph, const ConstTensorView& given, std::int64_t width);

/// A matrix of heads * channels columns, its rows any distance apart, seen as heads of channels.
inline ConstTensorView split_columns(ConstTensorView matrix, std::int64_t heads, std::int64_t channels) {
  const std::int64_t apart = matrix.stride[1];
  matrix.ndim = 3;
  matrix.shape = {matrix.shape[0], heads, channels};
  matrix.stride = {matrix.stride[0], channels * apart, apart};
  return matrix;
}

}  // namespace warpgnn::nn
