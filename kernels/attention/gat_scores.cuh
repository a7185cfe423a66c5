// SPDX-License-Identifier: MIT
#pragma once

// Attention scores: what the attention kernels ask of the score they are instantiated for, once it is told the head.
//   source_term, destination_term, edge_term   the addends of the pre-activation p of an edge
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
  GatheredRows<const T> source;
  GatheredRows<const T> destination;
  GatheredRows<const T> edge;  // by edge id; null: no edge term
  math::GatActivation<Math, T> activation;

  template <class Op>
  static GatScore of(const Op& op) {
    return GatScore{rows_of<T>(op.source_score),
                    rows_of<T>(op.destination_score),
                    rows_of<T>(op.edge_score),
                    {static_cast<T>(op.negative_slope)}};
  }

  /// That of one head.
  __device__ GatScore from(int head) const {
    return {source.from(head), destination.from(head), edge ? edge.from(head) : edge, activation};
  }
  __device__ bool has_edge_term() const { return static_cast<bool>(edge); }
  __device__ T source_term(std::uint32_t node) const { return __ldg(source[node]); }
  __device__ T destination_term(std::uint32_t node) const { return __ldg(destination[node]); }
  __device__ T edge_term(std::uint32_t id) const { return edge ? __ldg(edge[id]) : T(0); }
  /// The addends in the order in which every pass adds them.
  __device__ T preactivation(std::uint32_t source_node, std::uint32_t destination_node, std::uint32_t id) const {
    return source_term(source_node) + destination_term(destination_node) + edge_term(id);
  }
};

}  // namespace warpgnn::kernels
