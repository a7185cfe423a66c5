// SPDX-License-Identifier: MIT
#pragma once

// An edge as all attention passes fetch it: its numbers, and which of its weights dropout keeps.

#include <cstdint>
#include <type_traits>

#include "kernels/base/dropout.cuh"
#include "kernels/base/spans.cuh"
#include "warpgnn/ops/attention_dropout.hpp"

namespace warpgnn::kernels {

/// Dropout of attention weights as a kernel sees it.
struct EdgeDropout {
  bool active;
  std::uint32_t threshold;
  DropoutSeed seed;
  double scale;        // of what is kept
  float single_scale;  // the same, for a conversion takes a kernel longer than a product

  static EdgeDropout of(const AttentionDropout& dropout) {
    const double scale = 1.0 / (1.0 - dropout.probability);
    return EdgeDropout{dropout.probability > 0, dropout_threshold(dropout.probability),
                       DropoutSeed::of(dropout.seed, dropout.counter), scale, static_cast<float>(scale)};
  }

  template <class T>
  __device__ T scale_as() const {
    if constexpr (std::is_same_v<T, float>) {
      return single_scale;
    } else {
      return scale;
    }
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

/// What the lane that fetched an edge holds: also kept_heads of a tile of heads.
struct AttentionEdge {
  std::uint32_t neighbor = 0;
  std::uint32_t id = 0;
  std::uint32_t kept = 0;

  /// With kPlain the neighbour alone.
  template <bool kPlain>
  __device__ static AttentionEdge fetch(const Adjacency& edges, std::int64_t slot, const EdgeDropout& dropout,
                                        int first_head, int heads) {
    if constexpr (kPlain) return {static_cast<std::uint32_t>(__ldcs(edges.neighbor + slot))};
    const EdgeNumbers numbers = fetch_numbers(edges, slot);
    return {numbers.neighbor, numbers.id, kept_heads(dropout, numbers.id, first_head, heads)};
  }
};

}  // namespace warpgnn::kernels
