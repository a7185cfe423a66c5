#pragma once

// Attention scores: what the attention kernels ask of the score they are instantiated for.
//   source_term, destination_term, edge_term   the addends of the pre-activation p of an edge and head
//   activation                                 l and dl/dp from p

#include <cstdint>

#include "host/math/scores.hpp"
#include "kernels/base/dropout.cuh"
#include "kernels/base/math.cuh"
#include "kernels/base/memory.cuh"
#include "warpgnn/ops/attention_dropout.hpp"

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

/// Dropout of attention weights as a kernel sees it.
struct EdgeDropout {
  bool active;
  std::uint32_t threshold;
  DropoutSeed seed;
  double scale;  // of what is kept

  static EdgeDropout of(const AttentionDropout& dropout) {
    return EdgeDropout{dropout.probability > 0, dropout_threshold(dropout.probability),
                       DropoutSeed::of(dropout.seed, dropout.counter), 1.0 / (1.0 - dropout.probability)};
  }
};

/// Bit k tells whether dropout keeps head `first_head + k` of an edge, for k < heads <= 32: dropout_keeps for many
/// heads at the price of one Philox call for every four.
__device__ inline std::uint32_t kept_heads(const EdgeDropout& dropout, std::int64_t edge_id, int first_head,
                                           int heads) {
  if (!dropout.active) return 0xffffffffu;
  const std::uint64_t seed = dropout.seed.now();
  std::uint32_t bits = 0;
#pragma unroll 1
  for (int quad = first_head / 4; quad * 4 < first_head + heads; ++quad) {
    const PhiloxWords words = philox(seed, static_cast<std::uint64_t>(edge_id), static_cast<std::uint64_t>(quad));
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const int place = quad * 4 + k - first_head;
      if (place >= 0 && place < heads && words.word[k] >= dropout.threshold) bits |= 1u << place;
    }
  }
  return bits;
}

}  // namespace warpgnn::kernels
