// SPDX-License-Identifier: MIT
#pragma once

// Attention scores: what the attention kernels ask of the score they are instantiated for.
//   source_term, destination_term, edge_term   the addends of the pre-activation p of an edge and head
//   activation                                 l and dl/dp from p

#include <cstdint>

#include "host/math/scores.hpp"
#include "kernels/attention/attention_edge.cuh"
#include "kernels/base/math.cuh"
#include "kernels/base/memory.cuh"

namespace warpgnn::kernels {

/// LeakyReLU of a sum of one term per source, destination and, optionally, edge.
template <class T>
struct GatScore {
  Rows<const T> source;
  Rows<const T> destination;
  Rows<const T> edge;  // by edge id; null: no edge term
  math::GatActivation<Math, T> activation;

  template <class Op>
  static GatScore of(const Op& op) {
    return GatScore{rows_of<T>(op.source_score),
                    rows_of<T>(op.destination_score),
                    rows_of<T>(op.edge_score),
                    {static_cast<T>(op.negative_slope)}};
  }

  __device__ T source_term(std::int64_t node, int head) const { return __ldg(source[node] + head); }
  __device__ T destination_term(std::int64_t node, int head) const { return __ldg(destination[node] + head); }
  __device__ T edge_term(std::int64_t id, int head) const { return edge ? __ldg(edge[id] + head) : T(0); }
};

}  // namespace warpgnn::kernels
