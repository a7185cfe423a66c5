// SPDX-License-Identifier: MIT
#pragma once

// Sums, maxima and minima of neighbours' rows. The same kernels serve both directions: forward over in-edges, the
// gradient of x over out-edges.

#include "host/math/softmax.hpp"
#include "kernels/base/reduce.cuh"
#include "kernels/base/spans.cuh"
#include "warpgnn/ops/aggregate.hpp"

namespace warpgnn::kernels {

/// What an edge adds to a sum.
enum class Message {
  plain,        ///< the neighbour's row
  scaled,       ///< the neighbour's row times a scale of the edge
  selected,     ///< those elements of the neighbour's row whose `arg` names the edge
  node_scaled,  ///< as scaled, and times a scale of the neighbour; the row's sum is scaled too
};

/// Whether an edge is handed round with a factor for the neighbour's row.
template <Message kMessage>
inline constexpr bool kHasFactor = kMessage == Message::scaled || kMessage == Message::node_scaled;

template <class S>
struct SumArguments {
  using T = Accumulator<S>;
  Adjacency edges;
  ColumnTiles tiles;
  std::int64_t columns;
  GatheredRows<const S> x;
  Rows<const T> weight;                  // scaled, node_scaled: per edge id; null: 1
  const std::int64_t* neighbor_offset;   // scaled, node_scaled: divide by the neighbour's row length; null: do not
  GatheredRows<const std::int32_t> arg;  // selected
  bool mean;                             // divide by the length of the row
  Rows<const S> self;                    // with epsilon: (1 + epsilon) self is added
  const T* epsilon;                      // null: no such term
  Rows<S> y;
  T* partial;                              // [chunks, columns]
  GatheredRows<const T> neighbor_scale{};  // node_scaled: per node; null: 1
  GatheredRows<const T> row_scale{};       // node_scaled: per row, before the term of epsilon; null: 1
};

template <class T>
__device__ T scale_or_one(const GatheredRows<const T>& scale, std::uint32_t node) {
  return scale ? __ldg(scale[node]) : T(1);
}

/// What becomes of a row's sum, element by element.
template <class S>
struct FinishSum {
  using T = Accumulator<S>;
  const std::int64_t* mean_offset;  // null: no mean
  GatheredRows<const T> row_scale;  // null: 1
  Rows<const S> self;
  const T* epsilon;
  Rows<S> y;

  explicit FinishSum(const SumArguments<S>& arguments)
      : mean_offset(arguments.mean ? arguments.edges.offset : nullptr),
        row_scale(arguments.row_scale),
        self(arguments.self),
        epsilon(arguments.epsilon),
        y(arguments.y) {}

  __device__ void operator()(std::int64_t row, std::int64_t column, T total) const {
    if (mean_offset != nullptr) total /= static_cast<T>(mean_offset[row + 1] - mean_offset[row]);
    if (row_scale) total *= *row_scale[static_cast<std::uint32_t>(row)];
    if (epsilon != nullptr) total += (T(1) + *epsilon) * to_accumulator(self[row][column]);
    y[row][column] = to_storage<S>(total);
  }
};

/// y_row = (1 + epsilon) self_row.
template <int kWidth, class S, class T = Accumulator<S>>
__device__ Pack<T, kWidth> self_term(const T* epsilon, const Rows<const S>& self, std::int64_t row,
                                     std::int64_t column) {
  Pack<T, kWidth> term{};
  if (epsilon == nullptr) return term;
  const T scale = T(1) + *epsilon;
  const Pack<T, kWidth> own = load_read_only<kWidth>(self[row] + column);
#pragma unroll
  for (int k = 0; k < kWidth; ++k) term[k] = scale * own[k];
  return term;
}

/// Writes a lane's sum over a span: its row of y, or its chunk's partial sum, which is not scaled yet.
template <class S, int kWidth>
__device__ void store_sum(const SumArguments<S>& arguments, const EdgeSpan& span, std::int64_t column,
                          Pack<Accumulator<S>, kWidth> sum, Accumulator<S> row_scale = Accumulator<S>(1)) {
  using T = Accumulator<S>;
  if (span.chunk >= 0) {
    store_streamed<kWidth>(arguments.partial + span.chunk * arguments.columns + column, sum);
    return;
  }
  const Pack<T, kWidth> self = self_term<kWidth>(arguments.epsilon, arguments.self, span.row, column);
  const T edges = arguments.mean && span.end > span.begin ? static_cast<T>(span.end - span.begin) : T(1);
#pragma unroll
  for (int v = 0; v < kWidth; ++v) sum[v] = sum[v] / edges * row_scale + self[v];
  store_streamed<kWidth>(arguments.y[span.row] + column, sum);
}

/// An edge as the lane that fetched it holds it, until it is handed round the group.
template <class T>
struct FetchedEdge {
  std::uint32_t neighbor = 0;
  std::int32_t id = 0;
  T scale = 0;
};

template <Message kMessage, class S>
__device__ FetchedEdge<Accumulator<S>> fetch_edge(const SumArguments<S>& arguments, std::int64_t slot) {
  using T = Accumulator<S>;
  FetchedEdge<T> edge;
  edge.neighbor = static_cast<std::uint32_t>(__ldcs(arguments.edges.neighbor + slot));
  if constexpr (kMessage == Message::selected) edge.id = static_cast<std::int32_t>(edge_id_of(arguments.edges, slot));
  if constexpr (kHasFactor<kMessage>) {
    // The scale of a neighbour is on its way while the rows are asked for, unless there is more to multiply with.
    edge.scale = kMessage == Message::node_scaled ? scale_or_one(arguments.neighbor_scale, edge.neighbor) : T(1);
    if (arguments.weight) edge.scale *= *arguments.weight[edge_id_of(arguments.edges, slot)];
    if (arguments.neighbor_offset != nullptr) {
      const std::int64_t* const offset = arguments.neighbor_offset + edge.neighbor;
      edge.scale /= static_cast<T>(offset[1] - offset[0]);
    }
  }
  return edge;
}

/// One group of lanes per (span, tile): each lane owns one pack of columns and walks the span's edges. Lanes beyond the
/// last column read the first, and write nothing.
template <class S, int kWidth, Message kMessage>
__global__ void __launch_bounds__(kSpanThreads, 8) aggregate_sum_by_row(SumArguments<S> arguments) {
  using T = Accumulator<S>;
  constexpr bool kSelected = kMessage == Message::selected;
  constexpr int kInFlight = kSelected ? kEdgesInFlight / 2 : kEdgesInFlight;  // a selected edge loads two packs
  const WarpGroup group = WarpGroup::of_size(arguments.tiles.group);
  int tile;
  const std::int64_t item = split_tile(group_number(group.size), arguments.tiles.tiles, tile);
  bool active;
  const EdgeSpan span = span_or_none(arguments.edges, item, active);
  std::int64_t column = (static_cast<std::int64_t>(tile) * group.size + group.lane) * kWidth;
  active = active && column < arguments.columns;
  if (!active) column = 0;
  const GatheredRows<const S> x = arguments.x.from(column);
  const GatheredRows<const std::int32_t> arg = kSelected ? arguments.arg.from(column) : arguments.arg;
  const T row_scale = kMessage == Message::node_scaled ? scale_or_one(arguments.row_scale, span.node()) : T(1);

  Pack<T, kWidth> sum{};
  const auto fetch = [&](std::int64_t slot) { return fetch_edge<kMessage>(arguments, slot); };
  for_each_batch<kInFlight>(group, span, fetch, [&](const FetchedEdge<T>& mine, int k, int held) {
    RawPack<S, kWidth> raw[kInFlight];
    RawPack<std::int32_t, kWidth> raw_arg[kInFlight];
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      const std::uint32_t neighbor = group.broadcast(mine.neighbor, k + u);
      raw[u] = load_raw<kWidth>(x[neighbor]);
      if constexpr (kSelected) raw_arg[u] = load_raw<kWidth>(arg[neighbor]);
    }
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      Pack<T, kWidth> row = unpack<S, kWidth>(raw[u]);
      if constexpr (kSelected) {
        const std::int32_t id = group.broadcast(mine.id, k + u);
        const Pack<std::int32_t, kWidth> winner = unpack<std::int32_t, kWidth>(raw_arg[u]);
#pragma unroll
        for (int v = 0; v < kWidth; ++v) row[v] = winner[v] == id ? row[v] : T(0);
      }
      T scale = T(1);
      if constexpr (kHasFactor<kMessage>) scale = group.broadcast(mine.scale, k + u);
      if (k + u < held) {
#pragma unroll
        for (int v = 0; v < kWidth; ++v) sum[v] += scale * row[v];
      }
    }
  });

  if (active) store_sum(arguments, span, column, sum, row_scale);
}

// --- Maxima and minima -----------------------------------------------------------------------------------------------

template <class S>
struct ExtremumArguments {
  using T = Accumulator<S>;
  Adjacency edges;
  ColumnTiles tiles;
  std::int64_t columns;
  T sign;  // 1 for maxima, -1 for minima
  Rows<const S> self;
  const T* epsilon;
  Rows<S> y;
  Rows<std::int32_t> arg;      // null: not wanted
  T* partial;                  // [chunks, columns]
  std::int32_t* partial_edge;  // [chunks, columns]
};

/// The largest element so far and its edge; edge -1 means none yet. Minima are maxima of what has the other sign.
template <class T>
struct Extremum {
  T value = -math::kInfinity<T>;
  std::int32_t edge = -1;

  /// Takes the candidate if it beats what is there. Ties keep the earlier edge, so that one of -inf is never taken: see
  /// settle. The first NaN beats everything.
  __device__ void absorb(T candidate, std::int32_t candidate_edge) {
    const bool greater_or_nan = !(candidate <= value);
    if (greater_or_nan && value == value) {
      value = candidate;
      edge = candidate_edge;
    }
  }
  /// After all candidates, of which `first` was the first edge: it has won if there was nothing but -inf.
  __device__ void settle(std::int32_t first) {
    if (edge < 0) edge = first;
  }
};

/// The neighbours' rows as messages: of an edge, one pack of columns, in two steps.
template <class S, int kWidth>
struct NeighborMessages {
  static constexpr int kInFlight = kEdgesInFlight;
  using Raw = RawPack<S, kWidth>;
  GatheredRows<const S> x;

  __device__ NeighborMessages from(std::int64_t column) const { return {x.from(column)}; }
  __device__ Raw load(const EdgeNumbers& edge) const { return load_raw<kWidth>(x[edge.neighbor]); }
  __device__ Pack<Accumulator<S>, kWidth> message(const Raw& raw) const { return unpack<S, kWidth>(raw); }
};

/// Writes what a lane found along a span: its row of y, or its chunk's partial result.
template <class S, int kWidth>
__device__ void store_extrema(const ExtremumArguments<S>& arguments, const EdgeSpan& span, std::int64_t column,
                              Extremum<Accumulator<S>> (&best)[kWidth]) {
  using T = Accumulator<S>;
  const bool empty = span.begin == span.end;
  const std::int32_t first = empty ? -1 : static_cast<std::int32_t>(edge_id_of(arguments.edges, span.begin));
  Pack<T, kWidth> value;
  Pack<std::int32_t, kWidth> edge;
#pragma unroll
  for (int v = 0; v < kWidth; ++v) {
    best[v].settle(first);
    value[v] = best[v].value;
    edge[v] = best[v].edge;
  }
  if (span.chunk >= 0) {
    store_streamed<kWidth>(arguments.partial + span.chunk * arguments.columns + column, value);
    store_streamed<kWidth>(arguments.partial_edge + span.chunk * arguments.columns + column, edge);
    return;
  }
  const Pack<T, kWidth> self = self_term<kWidth>(arguments.epsilon, arguments.self, span.row, column);
#pragma unroll
  for (int v = 0; v < kWidth; ++v) value[v] = (empty ? T(0) : arguments.sign * value[v]) + self[v];
  store_streamed<kWidth>(arguments.y[span.row] + column, value);
  if (arguments.arg) store_streamed<kWidth>(arguments.arg[span.row] + column, edge);
}

/// One group of lanes per (span, tile), as aggregate_sum_by_row.
template <class S, int kWidth, class Messages>
__global__ void __launch_bounds__(kSpanThreads)
    aggregate_extremum_by_row(ExtremumArguments<S> arguments, Messages all_messages) {
  using T = Accumulator<S>;
  constexpr int kInFlight = Messages::kInFlight;
  const WarpGroup group = WarpGroup::of_size(arguments.tiles.group);
  int tile;
  const std::int64_t item = split_tile(group_number(group.size), arguments.tiles.tiles, tile);
  bool active;
  const EdgeSpan span = span_or_none(arguments.edges, item, active);
  std::int64_t column = (static_cast<std::int64_t>(tile) * group.size + group.lane) * kWidth;
  active = active && column < arguments.columns;
  if (!active) column = 0;
  const Messages messages = all_messages.from(column);

  Extremum<T> best[kWidth];
  const auto fetch = [&](std::int64_t slot) { return fetch_numbers(arguments.edges, slot); };
  for_each_batch<kInFlight>(group, span, fetch, [&](const EdgeNumbers& mine, int k, int held) {
    typename Messages::Raw raw[kInFlight];
    EdgeNumbers numbers[kInFlight];
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      numbers[u] = mine.of_edge(group, k + u);
      raw[u] = messages.load(numbers[u]);
    }
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      const Pack<T, kWidth> message = messages.message(raw[u]);
      if (k + u >= held) continue;
#pragma unroll
      for (int v = 0; v < kWidth; ++v) {
        best[v].absorb(arguments.sign * message[v], static_cast<std::int32_t>(numbers[u].id));
      }
    }
  });
  if (active) store_extrema<S>(arguments, span, column, best);
}

/// Chunks are compared in order, so that the earliest edge still wins ties.
template <class S>
__global__ void __launch_bounds__(kMergeThreads) aggregate_extremum_merge(ExtremumArguments<S> arguments) {
  using T = Accumulator<S>;
  __shared__ T shared_value[kMergeParts][kWarpSize];
  __shared__ std::int32_t shared_edge[kMergeParts][kWarpSize];
  const std::int64_t owner = blockIdx.x;
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.y) * kWarpSize + threadIdx.x;
  Extremum<T> best;
  if (column < arguments.columns) {
    const ChunkRange chunks = chunks_of_part(arguments.edges.long_rows, owner, static_cast<int>(threadIdx.y));
    const auto load = [&](std::int64_t chunk) {
      const std::int64_t at = chunk * arguments.columns + column;
      Extremum<T> of_chunk;
      of_chunk.value = arguments.partial[at];
      of_chunk.edge = arguments.partial_edge[at];
      return of_chunk;
    };
    for_each_chunk(chunks, load, [&](const Extremum<T>& of_chunk) {
      best.absorb(of_chunk.value, of_chunk.edge);
      best.settle(of_chunk.edge);
    });
  }
  shared_value[threadIdx.y][threadIdx.x] = best.value;
  shared_edge[threadIdx.y][threadIdx.x] = best.edge;
  __syncthreads();
  if (threadIdx.y != 0 || column >= arguments.columns) return;
  for (int part = 1; part < kMergeParts; ++part) {
    best.absorb(shared_value[part][threadIdx.x], shared_edge[part][threadIdx.x]);
  }
  const std::int64_t row = arguments.edges.long_rows.row[owner];
  const Pack<T, 1> self = self_term<1>(arguments.epsilon, arguments.self, row, column);
  arguments.y[row][column] = to_storage<S>(arguments.sign * best.value + self[0]);
  if (arguments.arg) arguments.arg[row][column] = best.edge;
}

// --- The gradients that are sums of products -------------------------------------------------------------------------

template <class S>
struct WeightGradientArguments {
  using T = Accumulator<S>;
  Adjacency edges;  // in-edges
  int group;
  std::int64_t columns;
  bool mean;
  Rows<const S> x;
  Rows<const S> dy;
  Rows<T> dweight;
  GatheredRows<const T> neighbor_scale;  // kScaled: null: 1
  GatheredRows<const T> row_scale;       // kScaled: null: 1
};

/// dweight_e = <dy_row, x_neighbour>, times the scales of both, written at the edge's own id. One group of lanes per
/// span.
template <class S, int kWidth, bool kScaled>
__global__ void __launch_bounds__(kSpanThreads) aggregate_backward_weight(WeightGradientArguments<S> arguments) {
  using T = Accumulator<S>;
  const LaneGroup group = LaneGroup::of_size(arguments.group);
  const std::int64_t item = group_number(group.size);
  EdgeSpan span;
  if (!find_span(arguments.edges, item, span)) return;
  const S* const dy = arguments.dy[span.row];
  T divisor = T(1);
  if (arguments.mean) divisor = static_cast<T>(arguments.edges.offset[span.row + 1] - arguments.edges.offset[span.row]);
  const T row_scale = kScaled ? scale_or_one(arguments.row_scale, span.node()) : T(1);

  for (std::int64_t first = span.begin; first < span.end; first += kEdgesInFlight) {
    const S* x[kEdgesInFlight];
    T scale[kEdgesInFlight];
#pragma unroll
    for (int u = 0; u < kEdgesInFlight; ++u) {
      const std::int64_t slot = first + u < span.end ? first + u : span.end - 1;
      const std::int32_t neighbor = arguments.edges.neighbor[slot];
      x[u] = arguments.x[neighbor];
      scale[u] = kScaled ? scale_or_one(arguments.neighbor_scale, static_cast<std::uint32_t>(neighbor)) : T(1);
    }
    T dot[kEdgesInFlight] = {};
    for (std::int64_t column = group.lane * kWidth; column < arguments.columns; column += group.size * kWidth) {
      const Pack<T, kWidth> gradient = load_read_only<kWidth>(dy + column);
#pragma unroll
      for (int u = 0; u < kEdgesInFlight; ++u) {
        const Pack<T, kWidth> value = load_read_only<kWidth>(x[u] + column);
#pragma unroll
        for (int v = 0; v < kWidth; ++v) dot[u] += gradient[v] * value[v];
      }
    }
#pragma unroll
    for (int u = 0; u < kEdgesInFlight; ++u) {
      dot[u] = group.sum(dot[u]);
      if (group.lane == 0 && first + u < span.end) {
        *arguments.dweight[edge_id_of(arguments.edges, first + u)] = dot[u] / divisor * row_scale * scale[u];
      }
    }
  }
}

/// <dy_row, x_row> over one pack of columns.
template <class S, int kWidth>
struct RowDot {
  using T = Accumulator<S>;
  Rows<const S> dy;
  Rows<const S> x;

  __device__ void operator()(std::int64_t row, std::int64_t column, double (&sum)[1]) const {
    const Pack<T, kWidth> gradient = load_streamed<kWidth>(dy[row] + column);
    const Pack<T, kWidth> value = load_streamed<kWidth>(x[row] + column);
    T dot = 0;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) dot += gradient[k] * value[k];
    sum[0] += static_cast<double>(dot);
  }
};

template <class T>
struct StoreScalar {
  T* target;
  __device__ void operator()(const double (&total)[1]) const { *target = static_cast<T>(total[0]); }
};

// --- Launches --------------------------------------------------------------------------------------------------------

inline bool is_extremum(Reduce reduce) {
  return reduce == Reduce::max || reduce == Reduce::min;
}
/// Of what an Extremum compares.
inline float sign_of(Reduce reduce) {
  return reduce == Reduce::min ? -1.0f : 1.0f;
}

/// Memory of an aggregation's chunks, [chunks, F] each.
template <class S>
struct ForwardScratch {
  Accumulator<S>* partial;
  std::int32_t* partial_edge;  // max and min

  template <class Op>
  ForwardScratch(backend::Carver& carver, const Op& op) {
    const std::int64_t count = op.graph.in_edges().long_rows.chunks * op.y.row_size();
    partial = carver.take<Accumulator<S>>(count);
    partial_edge = carver.take<std::int32_t>(is_extremum(op.reduce) ? count : 0);
  }
};

template <class S>
struct BackwardScratch {
  Accumulator<S>* partial;  // [chunks of out-edges, F], dx
  double* partial_epsilon;  // [slabs], depsilon

  template <class Op>
  BackwardScratch(backend::Carver& carver, const Op& op) {
    const std::int64_t columns = op.dx.defined() ? op.dx.row_size() : 0;
    partial = carver.take<Accumulator<S>>(op.graph.out_edges().long_rows.chunks * columns);
    partial_epsilon = carver.take<double>(op.depsilon.defined() ? scalar_partial_count(op.dy.shape[0]) : 0);
  }
};

template <class S>
void merge_sums(const backend::CudaExec& exec, const char* name, const SumArguments<S>& arguments) {
  using T = Accumulator<S>;
  const LongRows& long_rows = arguments.edges.long_rows;
  if (long_rows.rows == 0) return;
  launch(exec, name, merge_chunk_sums<T, FinishSum<S>>, merge_shape(long_rows, arguments.columns), long_rows,
         arguments.columns, static_cast<const T*>(arguments.partial), FinishSum<S>(arguments));
}

template <int kWidth, class S, class Messages>
void launch_extremum(const backend::CudaExec& exec, const char* name, const ExtremumArguments<S>& arguments,
                     const Messages& messages) {
  const LongRows& long_rows = arguments.edges.long_rows;
  launch(exec, name, aggregate_extremum_by_row<S, kWidth, Messages>,
         span_shape(arguments.edges, arguments.tiles.group, arguments.tiles.tiles), arguments, messages);
  if (long_rows.rows == 0) return;
  launch(exec, name, aggregate_extremum_merge<S>, merge_shape(long_rows, arguments.columns), arguments);
}

/// depsilon = sum <dy_i, x_i>.
template <class S, class Op>
void epsilon_gradient(const backend::CudaExec& exec, const char* name, const Op& op, double* partial) {
  using T = Accumulator<S>;
  const std::int64_t columns = op.dy.row_size();
  with_pack_width<S>(pack_width<S>(columns, {op.dy, op.x}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    reduce_all<kWidth, 1>(exec, name, op.dy.shape[0], columns, RowDot<S, kWidth>{rows_of<S>(op.dy), rows_of<S>(op.x)},
                          StoreScalar<T>{op.depsilon.template as<T>()}, partial);
  });
}

}  // namespace warpgnn::kernels
