// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "bench/edge_set.hpp"
#include "byte_bounds.hpp"
#include "warpgnn/warpgnn.hpp"

namespace warpgnn::bench {

/// One benchmark, set up and ready to run any number of times. Destroying it frees its tensors.
struct Case {
  std::function<void()> run{};
  Bytes bytes{};
  double flops = 0;                      ///< of dense products; 0 elsewhere
  std::shared_ptr<const void> memory{};  ///< what `run` points into
};

enum class Direction {
  forward,   ///< as for inference
  training,  ///< forward, writing what backward needs
  backward,
  both,  ///< training forward, then backward
};

/// A width for all heads together.
struct HeadShape {
  std::int64_t heads = 1, channels = 1;
};

// Every case computes in float32 on inputs that are the same for the same sizes. Rows of features are stored as
// `storage`.

Case aggregate_case(const Context& context, const Graph& graph, Reduce reduce, Factors factors, std::int64_t width,
                    Direction direction, Dtype storage = Dtype::float32);
/// Messages over rows of edges; backward gives the gradients of both.
Case message_aggregate_case(const Context& context, const Graph& graph, EdgeMessage message, Reduce reduce,
                            std::int64_t width, Direction direction, Dtype storage = Dtype::float32);
Case relation_weights_case(const Context& context, const Graph& graph, std::int64_t relations);
/// Backward gives the gradients of x and of the coefficients.
Case relation_case(const Context& context, const Graph& graph, std::int64_t relations, std::int64_t bases,
                   std::int64_t width, Direction direction);
/// The gradient of aggregation's edge weights: a dot product per edge.
Case edge_dot_case(const Context& context, const Graph& graph, std::int64_t width);
Case gcn_norm_case(const Context& context, const Graph& graph, Direction direction);
Case edge_softmax_case(const Context& context, const Graph& graph, std::int64_t heads, Direction direction);
Case graph_build_case(const Context& context, const std::shared_ptr<const EdgeTensors>& edges);
/// A mini-batch of every eighth graph of the batch.
Case graph_select_case(const Context& context, const Graph& graph);

Case gat_attention_case(const Context& context, const Graph& graph, HeadShape shape, Direction direction,
                        Dtype storage = Dtype::float32);
/// The dot score with values of its own, the others with the keys as values.
Case attention_case(const Context& context, const Graph& graph, AttentionScore score, HeadShape shape,
                    Direction direction, Dtype storage = Dtype::float32);
Case head_dot_case(const Context& context, const Graph& graph, HeadShape shape, Direction direction);

Case pool_case(const Context& context, const Graph& graph, PoolReduce reduce, PoolGate gate, std::int64_t width,
               Direction direction, Dtype storage = Dtype::float32);
/// A gate of its own for each head; with one channel per head, for each feature.
Case head_pool_case(const Context& context, const Graph& graph, PoolGate gate, HeadShape shape, Direction direction);
Case segment_dot_case(const Context& context, const Graph& graph, std::int64_t width, Direction direction);
/// A state of `width` for every graph of the batch.
Case lstm_cell_case(const Context& context, const Graph& graph, std::int64_t width, Direction direction);
Case gru_cell_case(const Context& context, const Graph& graph, std::int64_t width, Direction direction);
/// The better half of every graph's nodes: choosing them, moving their rows, and the graph between them.
Case segment_top_k_case(const Context& context, const Graph& graph);
Case scaled_gather_case(const Context& context, const Graph& graph, std::int64_t width, Direction direction);
Case induced_subgraph_case(const Context& context, const Graph& graph);
Case layer_norm_case(const Context& context, std::int64_t rows, std::int64_t width, Direction direction);
Case normalize_rows_case(const Context& context, std::int64_t rows, std::int64_t width, Direction direction);
Case linear_case(const Context& context, std::int64_t rows, std::int64_t in, std::int64_t out, Direction direction,
                 Dtype storage = Dtype::float32);

/// Whole layers, the product with the weights included. Self-loops are added before, outside the timed part; GCN's
/// normalisation is inside it.
Case gat_layer_case(const Context& context, const Graph& graph, std::int64_t in, HeadShape shape, Direction direction);
Case gatv2_layer_case(const Context& context, const Graph& graph, std::int64_t in, HeadShape shape,
                      Direction direction);
/// With the projection to the residual, without a gate.
Case transformer_layer_case(const Context& context, const Graph& graph, std::int64_t in, HeadShape shape,
                            Direction direction);
Case gcn_layer_case(const Context& context, const Graph& graph, std::int64_t in, std::int64_t out, Direction direction);

enum class StepModel { gat, gine };
/// A training step of a graph classifier on the whole batch. Its bytes are not modelled.
Case train_step_case(const Context& context, const Graph& graph, StepModel model);

/// The weighted sum as plain loops on one thread, for any compiler and machine.
Case naive_spmm_case(const Context& context, const Graph& graph, std::int64_t width);

enum class SpmmAlgorithm { csr_alg2, csr_alg3 };
/// cuSPARSE's product of the same matrices; preprocessing is not timed.
Case cusparse_spmm_case(const Context& context, const Graph& graph, std::int64_t width, SpmmAlgorithm algorithm);
/// cuSPARSE's counterpart of edge_dot_case.
Case cusparse_sddmm_case(const Context& context, const Graph& graph, std::int64_t width);

}  // namespace warpgnn::bench
