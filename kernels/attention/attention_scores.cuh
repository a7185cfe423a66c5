// SPDX-License-Identifier: MIT
#pragma once

// What the attention kernels compute with the scores of host/math/scores.hpp: the packs that a lane has of an edge's
// rows, their terms, and whole scores.

#include <cmath>
#include <cstdint>

#include "host/math/scores.hpp"
#include "kernels/base/math.cuh"
#include "kernels/base/memory.cuh"
#include "kernels/base/warp.cuh"
#include "warpgnn/ops/attention.hpp"

namespace warpgnn::kernels {

/// The widest packs of the forward pass. GATv2's has many instructions for one row of an edge; the dot product waits
/// for two, and tanh takes the registers.
template <class S, class Score>
inline constexpr int kWidestScorePack = kMaxPackWidth<S>;
template <class S, class M, class T>
inline constexpr int kWidestScorePack<S, math::LeakyScore<M, T>> = kWidestPack<S>;

/// What scores and values are made of. Rows of edges go by edge id; null rows stand for inputs not given.
template <class S, class Score>
struct AttentionInputs {
  using T = Accumulator<S>;
  Score score;
  std::int64_t channels;  // of a score, per head
  std::int64_t values;    // channels of a value, per head
  GatheredRows<const S> query;
  GatheredRows<const S> key;
  GatheredRows<const S> value;
  GatheredRows<const S> edge_key;
  GatheredRows<const S> edge_value;
  GatheredRows<const T> edge_bias;
  const T* vector;    // [H, channels]
  bool value_is_key;  // rows to load once
  bool edge_value_is_key;

  template <class Op>
  static AttentionInputs of(const Op& op, const Score& score) {
    AttentionInputs inputs{};
    inputs.score = score;
    inputs.channels = op.query.shape[2];
    inputs.query = rows_of<S>(op.query);
    inputs.key = rows_of<S>(op.key);
    inputs.edge_key = rows_of<S>(op.edge_key);
    inputs.edge_bias = rows_of<T>(op.edge_bias);
    inputs.vector = op.vector.template as<T>();
    if constexpr (requires { op.value; }) {
      inputs.values = op.value.shape[2];
      inputs.value = rows_of<S>(op.value);
      inputs.edge_value = rows_of<S>(op.edge_value);
      inputs.value_is_key = same_rows(op.value, op.key);
      inputs.edge_value_is_key = op.edge_value.defined() && same_rows(op.edge_value, op.edge_key);
    }
    return inputs;
  }

  /// l from the sum of terms; with kPlain edges have no bias.
  template <bool kPlain = false>
  __device__ T finish(T sum, std::uint32_t edge_id, int head) const {
    const T l = score.score(sum);
    if constexpr (kPlain) return l;
    return edge_bias ? l + __ldg(edge_bias[edge_id] + head) : l;
  }
  /// Whether edges have nothing of their own.
  bool is_plain() const { return !edge_key && !edge_value && !edge_bias; }

 private:
  static bool same_rows(const ConstTensorView& a, const ConstTensorView& b) {
    return a.data == b.data && a.row_stride() == b.row_stride() && a.shape == b.shape;
  }
};

template <class T, int kWidth>
__device__ void add_to(Pack<T, kWidth>& sum, const Pack<T, kWidth>& addend) {
#pragma unroll
  for (int v = 0; v < kWidth; ++v) sum[v] += addend[v];
}
template <class T, int kWidth>
__device__ void add_scaled_to(Pack<T, kWidth>& sum, T factor, const Pack<T, kWidth>& addend) {
#pragma unroll
  for (int v = 0; v < kWidth; ++v) sum[v] += factor * addend[v];
}
template <class T, int kWidth>
__device__ Pack<T, kWidth> scaled(T factor, const Pack<T, kWidth>& pack) {
  Pack<T, kWidth> result{};
  add_scaled_to(result, factor, pack);
  return result;
}

template <class T, int kWidth>
__device__ T dot(const Pack<T, kWidth>& a, const Pack<T, kWidth>& b) {
  T sum = 0;
#pragma unroll
  for (int v = 0; v < kWidth; ++v) sum += a[v] * b[v];
  return sum;
}

template <class T, int kWidth, class Score>
__device__ Pack<T, kWidth> keep_pack(const Score& score, const Pack<T, kWidth>& query, const Pack<T, kWidth>& key) {
  Pack<T, kWidth> kept;
#pragma unroll
  for (int v = 0; v < kWidth; ++v) kept[v] = score.keep(query[v], key[v]);
  return kept;
}
/// A lane's part of the sum of terms.
template <class T, int kWidth, class Score>
__device__ T terms_of(const Score& score, const Pack<T, kWidth>& kept, const Pack<T, kWidth>& query,
                      const Pack<T, kWidth>& vector) {
  T sum = 0;
#pragma unroll
  for (int v = 0; v < kWidth; ++v) sum += score.term(kept[v], query[v], vector[v]);
  return sum;
}

/// The packs of one head's score at `column`, for kernels that walk over columns.
template <class T, int kWidth>
struct ScorePacks {
  Pack<T, kWidth> query;
  Pack<T, kWidth> kept;
  Pack<T, kWidth> vector;
};

template <int kWidth, class S, class Score>
__device__ ScorePacks<Accumulator<S>, kWidth> load_score_packs(const AttentionInputs<S, Score>& inputs,
                                                               std::uint32_t destination, std::uint32_t source,
                                                               std::uint32_t edge_id, std::int64_t column) {
  using T = Accumulator<S>;
  ScorePacks<T, kWidth> packs;
  packs.query = load_read_only<kWidth>(inputs.query[destination] + column);
  Pack<T, kWidth> key = load_read_only<kWidth>(inputs.key[source] + column);
  if (inputs.edge_key) add_to(key, load_read_only<kWidth>(inputs.edge_key[edge_id] + column));
  packs.kept = keep_pack(inputs.score, packs.query, key);
  packs.vector = Pack<T, kWidth>{};
  if constexpr (Score::kHasVector) packs.vector = load_read_only<kWidth>(inputs.vector + column);
  return packs;
}

/// The value of an edge at `column`.
template <int kWidth, class S, class Score>
__device__ Pack<Accumulator<S>, kWidth> load_value(const AttentionInputs<S, Score>& inputs, std::uint32_t source,
                                                   std::uint32_t edge_id, std::int64_t column) {
  Pack<Accumulator<S>, kWidth> value = load_read_only<kWidth>(inputs.value[source] + column);
  if (inputs.edge_value) add_to(value, load_read_only<kWidth>(inputs.edge_value[edge_id] + column));
  return value;
}

/// The score of an edge and head by a group of lanes, for heads of any width; every lane gets it.
template <int kWidth, class S, class Score>
__device__ Accumulator<S> score_of_edge(const AttentionInputs<S, Score>& inputs, const LaneGroup& group, int head,
                                        std::uint32_t destination, std::uint32_t source, std::uint32_t edge_id) {
  using T = Accumulator<S>;
  T sum = 0;
#pragma unroll 2
  for (std::int64_t c = group.lane * kWidth; c < inputs.channels; c += group.size * kWidth) {
    const ScorePacks<T, kWidth> packs =
        load_score_packs<kWidth>(inputs, destination, source, edge_id, head * inputs.channels + c);
    sum += terms_of(inputs.score, packs.kept, packs.query, packs.vector);
  }
  return inputs.finish(group.sum(sum), edge_id, head);
}

}  // namespace warpgnn::kernels
