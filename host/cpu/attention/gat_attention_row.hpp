// SPDX-License-Identifier: MIT
#pragma once

// The scores of GAT, and where a pass over edges finds them.

#include "host/cpu/attention/softmax_rows.hpp"
#include "host/math/scores.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

/// GAT: LeakyReLU(source_j + destination_i + edge_e).
template <class T>
struct GatScore {
  Rows<const T> source, destination, edge;
  math::GatActivation<Math, T> activation;

  /// The score before the LeakyReLU.
  WARPGNN_INLINE T raw(std::int64_t j, std::int64_t i, std::int64_t e, std::int64_t head) const {
    const T sum = source[j][head] + destination[i][head];
    return edge ? sum + edge[e][head] : sum;
  }
};

template <class Op>
auto gat_score(const Op& op, auto real) {
  using T = decltype(real);
  return GatScore<T>{read_rows<T>(op.source_score),
                     read_rows<T>(op.destination_score),
                     read_rows<T>(op.edge_score),
                     {static_cast<T>(op.negative_slope)}};
}

}  // namespace warpgnn::backend::WARPGNN_ISA
