// SPDX-License-Identifier: MIT
#pragma once

// Pooling of the nodes of each graph. A graph's nodes are cut into pieces, one block each, and a second kernel combines
// the pieces in order where there is more than one.

#include <cstdint>
#include <cstring>

#include "host/math/activations.hpp"
#include "host/math/softmax.hpp"
#include "kernels/base/launch.cuh"
#include "kernels/base/math.cuh"
#include "kernels/base/memory.cuh"
#include "kernels/base/spans.cuh"
#include "kernels/base/warp.cuh"
#include "warpgnn/ops/pool.hpp"

namespace warpgnn::kernels {

inline constexpr int kPoolThreads = 256;
inline constexpr std::int64_t kPieceNodes = 512;
/// Blocks beyond which cutting graphs gains nothing.
inline constexpr std::int64_t kPoolBlocks = 2048;

enum class PoolKind { sum, softmax, maximum };

// --- States: what a thread knows of the nodes it has seen, for one pack of columns -----------------------------------
// `sharpness` is 1 / temperature; only a softmax has one.

template <class T, int kWidth, PoolKind kKind>
struct PoolState;

template <class T, int kWidth>
struct PoolState<T, kWidth, PoolKind::sum> {
  Pack<T, kWidth> y;

  __device__ static PoolState identity() { return PoolState{}; }
  __device__ static PoolState combine(const PoolState& a, const PoolState& b, T) {
    PoolState both;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) both.y[k] = a.y[k] + b.y[k];
    return both;
  }
};

template <class T, int kWidth>
struct PoolState<T, kWidth, PoolKind::softmax> {
  T maximum;  // of the scores, not yet divided by the temperature
  T sum;
  Pack<T, kWidth> y;  // not yet divided by the sum

  __device__ static PoolState identity() { return PoolState{-math::kInfinity<T>, T(0), {}}; }
  __device__ static PoolState combine(const PoolState& a, const PoolState& b, T sharpness) {
    PoolState both;
    both.maximum = std::fmax(a.maximum, b.maximum);  // passes NaN by; the sums carry it
    const T base = math::softmax_base(both.maximum);
    const T a_factor = std::exp((a.maximum - base) * sharpness), b_factor = std::exp((b.maximum - base) * sharpness);
    both.sum = a.sum * a_factor + b.sum * b_factor;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) both.y[k] = a.y[k] * a_factor + b.y[k] * b_factor;
    return both;
  }
};

template <class T, int kWidth>
struct PoolState<T, kWidth, PoolKind::maximum> {
  Pack<T, kWidth> y;
  Pack<std::int32_t, kWidth> node;  // -1: none yet

  __device__ static PoolState identity() {
    PoolState none{};
#pragma unroll
    for (int k = 0; k < kWidth; ++k) none.node[k] = -1;
    return none;
  }
  /// Whether b beats a: NaN beats numbers, and of equals the first node wins.
  __device__ static bool beats(T b, std::int32_t b_node, T a, std::int32_t a_node) {
    if (a_node < 0 || b_node < 0) return a_node < 0;
    const bool a_nan = a != a, b_nan = b != b;
    if (a_nan || b_nan) return b_nan && (!a_nan || b_node < a_node);
    return b > a || (b == a && b_node < a_node);
  }
  __device__ static PoolState combine(const PoolState& a, const PoolState& b, T) {
    PoolState both;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      const bool second = beats(b.y[k], b.node[k], a.y[k], a.node[k]);
      both.y[k] = second ? b.y[k] : a.y[k];
      both.node[k] = second ? b.node[k] : a.node[k];
    }
    return both;
  }
};

// --- Forward ---------------------------------------------------------------------------------------------------------

/// The pieces' states, taken apart.
template <class T>
struct PoolPartials {
  T* maximum = nullptr;          // [G, pieces, H], softmax
  T* sum = nullptr;              // [G, pieces, H], softmax
  T* y = nullptr;                // [G, pieces, F]
  std::int32_t* node = nullptr;  // [G, pieces, F], max
};

template <class S>
struct PoolForwardArguments {
  using T = Accumulator<S>;
  const std::int64_t* offsets;
  std::int64_t graphs;
  std::int64_t pieces;  // per graph
  std::int64_t columns;
  std::int64_t heads;
  std::int64_t channels;  // columns of a head
  T sharpness;
  PoolGate gate;
  bool per_feature;  // a score for each column, with a gate that looks at nothing else: then heads is 1
  bool mean;
  GatheredRows<const S> x;
  GatheredRows<const T> score;
  Rows<S> y;
  Rows<T> maximum;
  Rows<T> sum;
  Rows<std::int32_t> arg;
  PoolPartials<T> partials;
};

/// The weight of a node whose gate looks at nothing but its own score.
template <class T>
__device__ T own_gate_weight(PoolGate gate, T score) {
  return gate == PoolGate::sigmoid ? math::sigmoid<Math>(score) : score;
}

/// The head that a column belongs to; packs never lie across heads.
template <class S>
__device__ std::int64_t head_of(const PoolForwardArguments<S>& arguments, std::int64_t column) {
  return arguments.heads == 1 ? 0 : column / arguments.channels;
}

/// Nodes whose rows a thread has in flight.
inline constexpr int kNodesInFlight = 4;

/// Some nodes of a graph, of one pack of columns, as they were loaded.
template <class S, int kWidth>
struct NodeBatch {
  using T = Accumulator<S>;
  RawPack<S, kWidth> x[kNodesInFlight];
  RawPack<T, kWidth> column_score[kNodesInFlight];  // per_feature
  T score[kNodesInFlight];                          // with any other gate
  std::uint32_t node[kNodesInFlight];
  bool there[kNodesInFlight];

  /// Every blockDim.y-th node from `first` on, before `last`.
  __device__ NodeBatch(const PoolForwardArguments<S>& arguments, std::uint32_t first, std::uint32_t last,
                       std::int64_t column, std::int64_t head) {
    const GatheredRows<const S> rows = arguments.x.from(column);
#pragma unroll
    for (unsigned u = 0; u < kNodesInFlight; ++u) {
      node[u] = first + u * blockDim.y;
      there[u] = node[u] < last;
      score[u] = -math::kInfinity<T>;  // weighs nothing in a softmax
      if (there[u]) x[u] = load_raw_streamed<kWidth>(rows[node[u]]);
    }
    if (arguments.gate == PoolGate::none) return;
    const GatheredRows<const T> scores = arguments.score.from(arguments.per_feature ? column : head);
#pragma unroll
    for (int u = 0; u < kNodesInFlight; ++u) {
      if (!there[u]) continue;
      if (arguments.per_feature) {
        column_score[u] = load_raw_streamed<kWidth>(scores[node[u]]);
      } else {
        score[u] = __ldg(scores[node[u]]);
      }
    }
  }

  /// The weights that a node's row gets by its own score alone.
  __device__ Pack<T, kWidth> own_weight(const PoolForwardArguments<S>& arguments, int u) const {
    Pack<T, kWidth> weight;
    if (arguments.per_feature) {
      weight = unpack<T, kWidth>(column_score[u]);
#pragma unroll
      for (int k = 0; k < kWidth; ++k) weight[k] = own_gate_weight(arguments.gate, weight[k]);
    } else {
      const T whole = arguments.gate == PoolGate::none ? T(1) : own_gate_weight(arguments.gate, score[u]);
#pragma unroll
      for (int k = 0; k < kWidth; ++k) weight[k] = whole;
    }
    return weight;
  }
};

template <int kWidth, class S, class T>
__device__ void absorb(PoolState<T, kWidth, PoolKind::sum>& state, const NodeBatch<S, kWidth>& nodes,
                       const PoolForwardArguments<S>& arguments) {
#pragma unroll
  for (int u = 0; u < kNodesInFlight; ++u) {
    if (!nodes.there[u]) continue;
    const Pack<T, kWidth> x = unpack<S, kWidth>(nodes.x[u]);
    const Pack<T, kWidth> weight = nodes.own_weight(arguments, u);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) state.y[k] += weight[k] * x[k];
  }
}

/// One exp for each node, and one for what has been summed before.
template <int kWidth, class S, class T>
__device__ void absorb(PoolState<T, kWidth, PoolKind::softmax>& state, const NodeBatch<S, kWidth>& nodes,
                       const PoolForwardArguments<S>& arguments) {
  T maximum = state.maximum;
#pragma unroll
  for (const T score : nodes.score) maximum = std::fmax(maximum, score);
  const T base = math::softmax_base(maximum);
  const T kept = std::exp((state.maximum - base) * arguments.sharpness);
  state.maximum = maximum;
  state.sum *= kept;
#pragma unroll
  for (int k = 0; k < kWidth; ++k) state.y[k] *= kept;
#pragma unroll
  for (int u = 0; u < kNodesInFlight; ++u) {
    const T weight = std::exp((nodes.score[u] - base) * arguments.sharpness);
    if (!nodes.there[u]) continue;
    const Pack<T, kWidth> x = unpack<S, kWidth>(nodes.x[u]);
    state.sum += weight;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) state.y[k] += weight * x[k];
  }
}

/// Nodes come in order, so that of equals the one that is there stays.
template <int kWidth, class S, class T>
__device__ void absorb(PoolState<T, kWidth, PoolKind::maximum>& state, const NodeBatch<S, kWidth>& nodes,
                       const PoolForwardArguments<S>&) {
#pragma unroll
  for (int u = 0; u < kNodesInFlight; ++u) {
    if (!nodes.there[u]) continue;
    const Pack<T, kWidth> x = unpack<S, kWidth>(nodes.x[u]);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      const bool greater_or_nan = !(x[k] <= state.y[k]) && state.y[k] == state.y[k];
      if (!greater_or_nan && state.node[k] >= 0) continue;
      state.y[k] = x[k];
      state.node[k] = static_cast<std::int32_t>(nodes.node[u]);
    }
  }
}

/// Writes what a graph's complete state, in T or in fp64, amounts to.
template <class S, class Real, int kWidth, PoolKind kKind>
__device__ void finish_graph(const PoolForwardArguments<S>& arguments, std::int64_t graph, std::int64_t column,
                             std::int64_t head, const PoolState<Real, kWidth, kKind>& state) {
  using T = Accumulator<S>;
  const std::int64_t nodes = arguments.offsets[graph + 1] - arguments.offsets[graph];
  Real divisor = arguments.mean && nodes > 0 ? static_cast<Real>(nodes) : Real(1);
  bool empty = nodes == 0;
  if constexpr (kKind == PoolKind::softmax) {
    empty = state.sum == Real(0);  // no nodes, or nothing but -inf
    divisor *= state.sum;
    if (column == head * arguments.channels) {
      arguments.maximum[graph][head] = static_cast<T>(state.maximum);
      arguments.sum[graph][head] = static_cast<T>(state.sum);
    }
  }
  Pack<T, kWidth> y;
#pragma unroll
  for (int k = 0; k < kWidth; ++k) y[k] = empty ? T(0) : static_cast<T>(state.y[k] / divisor);
  store_streamed<kWidth>(arguments.y[graph] + column, y);
  if constexpr (kKind == PoolKind::maximum) {
    if (arguments.arg) store_streamed<kWidth>(arguments.arg[graph] + column, state.node);
  }
}

template <class S, int kWidth, PoolKind kKind>
__device__ void store_piece(const PoolForwardArguments<S>& arguments, std::int64_t piece, std::int64_t column,
                            std::int64_t head, const PoolState<Accumulator<S>, kWidth, kKind>& state) {
  store_streamed<kWidth>(arguments.partials.y + piece * arguments.columns + column, state.y);
  if constexpr (kKind == PoolKind::softmax) {
    if (column == head * arguments.channels) {
      arguments.partials.maximum[piece * arguments.heads + head] = state.maximum;
      arguments.partials.sum[piece * arguments.heads + head] = state.sum;
    }
  } else if constexpr (kKind == PoolKind::maximum) {
    store_streamed<kWidth>(arguments.partials.node + piece * arguments.columns + column, state.node);
  }
}

/// A state per thread in shared memory, word by word with the threads last, so that no two of a warp share a bank.
template <class State>
struct SharedStates {
  static constexpr int kWords = sizeof(State) / sizeof(std::uint32_t);
  static_assert(sizeof(State) % sizeof(std::uint32_t) == 0);
  std::uint32_t word[kWords][kPoolThreads];

  __device__ void put(unsigned thread, const State& state) {
    std::uint32_t words[kWords];
    std::memcpy(words, &state, sizeof state);
#pragma unroll
    for (int w = 0; w < kWords; ++w) word[w][thread] = words[w];
  }
  __device__ State get(unsigned thread) const {
    std::uint32_t words[kWords];
#pragma unroll
    for (int w = 0; w < kWords; ++w) words[w] = word[w][thread];
    State state;
    std::memcpy(&state, words, sizeof state);
    return state;
  }
};

/// Blocks (graph, piece) x (column tiles), threads (packs of columns) x (nodes at a time).
template <class S, int kWidth, PoolKind kKind>
__global__ void __launch_bounds__(kPoolThreads, 2) pool_forward_by_graph(PoolForwardArguments<S> arguments) {
  using State = PoolState<Accumulator<S>, kWidth, kKind>;
  __shared__ SharedStates<State> shared;
  const std::int64_t graph = blockIdx.x / arguments.pieces, piece = blockIdx.x % arguments.pieces;
  const std::int64_t begin = arguments.offsets[graph], end = arguments.offsets[graph + 1];
  const std::int64_t per_piece = (end - begin + arguments.pieces - 1) / arguments.pieces;
  const std::int64_t first = begin + piece * per_piece;
  const std::int64_t last = first + per_piece < end ? first + per_piece : end;
  const std::int64_t column = (static_cast<std::int64_t>(blockIdx.y) * blockDim.x + threadIdx.x) * kWidth;
  const std::int64_t head = head_of(arguments, column);
  const unsigned place = threadIdx.y * blockDim.x + threadIdx.x;

  State state = State::identity();
  if (column < arguments.columns) {
#pragma unroll 1
    for (std::int64_t node = first + threadIdx.y; node < last; node += kNodesInFlight * blockDim.y) {
      const NodeBatch<S, kWidth> nodes(arguments, static_cast<std::uint32_t>(node), static_cast<std::uint32_t>(last),
                                       column, head);
      absorb(state, nodes, arguments);
    }
  }
  shared.put(place, state);
  for (unsigned half = blockDim.y / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.y >= half) continue;
    state = State::combine(state, shared.get(place + half * blockDim.x), arguments.sharpness);
    shared.put(place, state);
  }
  if (threadIdx.y != 0 || column >= arguments.columns) return;
  if (arguments.pieces == 1) {
    finish_graph(arguments, graph, column, head, state);
  } else {
    store_piece(arguments, blockIdx.x, column, head, state);
  }
}

/// Combines the pieces of each graph, in fp64: blocks (graph) x (tiles of kWarpSize columns), threads (column) x (part
/// of the pieces).
template <class S, PoolKind kKind>
__global__ void __launch_bounds__(kPoolThreads) pool_forward_merge(PoolForwardArguments<S> arguments) {
  using State = PoolState<double, 1, kKind>;
  constexpr int kParts = kPoolThreads / kWarpSize;
  __shared__ State shared[kParts][kWarpSize];
  const PoolPartials<Accumulator<S>>& partials = arguments.partials;
  const std::int64_t graph = blockIdx.x;
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.y) * kWarpSize + threadIdx.x;
  const std::int64_t head = head_of(arguments, column);
  const double sharpness = static_cast<double>(arguments.sharpness);
  const std::int64_t per_part = (arguments.pieces + kParts - 1) / kParts;
  const std::int64_t first = threadIdx.y * per_part;
  const std::int64_t last = first + per_part < arguments.pieces ? first + per_part : arguments.pieces;

  State state = State::identity();
  if (column < arguments.columns) {
    const auto load = [&](std::int64_t piece) {
      State next;
      next.y[0] = static_cast<double>(partials.y[piece * arguments.columns + column]);
      if constexpr (kKind == PoolKind::softmax) {
        next.maximum = static_cast<double>(partials.maximum[piece * arguments.heads + head]);
        next.sum = static_cast<double>(partials.sum[piece * arguments.heads + head]);
      } else if constexpr (kKind == PoolKind::maximum) {
        next.node[0] = partials.node[piece * arguments.columns + column];
      }
      return next;
    };
    for_each_chunk(ChunkRange{graph * arguments.pieces + first, graph * arguments.pieces + last}, load,
                   [&](const State& next) { state = State::combine(state, next, sharpness); });
  }
  shared[threadIdx.y][threadIdx.x] = state;
  __syncthreads();
  if (threadIdx.y != 0 || column >= arguments.columns) return;
  for (int part = 1; part < kParts; ++part) {
    state = State::combine(state, shared[part][threadIdx.x], sharpness);
  }
  finish_graph(arguments, graph, column, head, state);
}

}  // namespace warpgnn::kernels
