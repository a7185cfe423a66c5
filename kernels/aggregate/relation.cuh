// SPDX-License-Identifier: MIT
#pragma once

// Aggregation over typed edges: weights that normalise by relation, sums for several bases at once, their gradients.

#include "kernels/base/spans.cuh"

namespace warpgnn::kernels {

/// The relation of each edge, or -1 where it is none of [0, count).
struct Relations {
  const void* data;
  std::int64_t stride;
  bool wide;  // int64
  std::int64_t count;

  static Relations of(const ConstTensorView& relation, std::int64_t count) {
    return Relations{relation.data, relation.row_stride(), relation.dtype == Dtype::int64, count};
  }
  __device__ std::int32_t operator[](std::int64_t edge) const {
    const std::int64_t id = wide ? __ldg(static_cast<const std::int64_t*>(data) + edge * stride)
                                 : __ldg(static_cast<const std::int32_t*>(data) + edge * stride);
    return id >= 0 && id < count ? static_cast<std::int32_t>(id) : -1;
  }
};

// --- Weights ---------------------------------------------------------------------------------------------------------

template <class T>
struct RelationWeightArguments {
  Adjacency edges;  // in-edges
  Relations relation;
  RelationNorm norm;
  int group;  // lanes per span
  Rows<T> weight;

  /// The counter of a relation's edges, -1 for none: one for all, or one for each.
  __device__ std::int32_t bin(std::int32_t of_relation) const {
    return norm == RelationNorm::all_edges && of_relation > 0 ? 0 : of_relation;
  }
  __device__ std::int64_t bins() const { return norm == RelationNorm::all_edges ? 1 : relation.count; }
};

template <class T>
__device__ T weight_of(std::int32_t relation, std::int64_t divisor) {
  return relation < 0 ? T(0) : T(1) / static_cast<T>(divisor);
}

/// One group of lanes per span, one edge per lane. Where edges are counted, every lane compares its own with all edges
/// of the row, which are handed round the group; long rows are left to relation_weights_long.
template <class T>
__global__ void __launch_bounds__(kSpanThreads) relation_weights_by_row(RelationWeightArguments<T> arguments) {
  const Adjacency& edges = arguments.edges;
  const LaneGroup group = LaneGroup::of_size(arguments.group);
  EdgeSpan span;
  if (!find_span(edges, group_number(group.size), span)) return;
  const bool counts = arguments.norm != RelationNorm::none;
  if (counts && span.chunk >= 0) return;
  std::int64_t divisor = 1;

  for (std::int64_t first = span.begin; first < span.end; first += group.size) {
    const std::int64_t slot = first + group.lane;
    const std::int64_t edge = slot < span.end ? edge_id_of(edges, slot) : -1;
    const std::int32_t mine = edge < 0 ? -1 : arguments.bin(arguments.relation[edge]);
    if (counts) {
      divisor = 0;
      for (std::int64_t other = span.begin; other < span.end; other += group.size) {
        std::int32_t theirs = -1;
        if (other + group.lane < span.end) {
          theirs = arguments.bin(arguments.relation[edge_id_of(edges, other + group.lane)]);
        }
        for (int k = 0; k < group.size; ++k) divisor += group.broadcast(theirs, k) == mine ? 1 : 0;
      }
    }
    if (edge >= 0) *arguments.weight[edge] = weight_of<T>(mine, divisor);
  }
}

inline constexpr int kCountThreads = 256;
inline constexpr int kCountedRelations = 4096;  // at a time, in shared memory

/// The same for long rows: a block counts a row's edges by relation, a range of relations at a time. The counters
/// are whole numbers, so that the order of their atomic updates does not show.
template <class T>
__global__ void __launch_bounds__(kCountThreads) relation_weights_long(RelationWeightArguments<T> arguments) {
  __shared__ int count[kCountedRelations];
  const Adjacency& edges = arguments.edges;
  const std::int64_t row = edges.long_rows.row[blockIdx.x];
  const std::int64_t begin = edges.offset[row] + threadIdx.x, end = edges.offset[row + 1];
  for (std::int64_t low = 0; low == 0 || low < arguments.bins(); low += kCountedRelations) {
    for (int k = static_cast<int>(threadIdx.x); k < kCountedRelations; k += kCountThreads) count[k] = 0;
    __syncthreads();
    for (std::int64_t slot = begin; slot < end; slot += kCountThreads) {
      const std::int64_t place = arguments.bin(arguments.relation[edge_id_of(edges, slot)]) - low;
      if (place >= 0 && place < kCountedRelations) atomicAdd(&count[place], 1);
    }
    __syncthreads();
    for (std::int64_t slot = begin; slot < end; slot += kCountThreads) {
      const std::int64_t edge = edge_id_of(edges, slot);
      const std::int32_t relation = arguments.bin(arguments.relation[edge]);
      const std::int64_t place = relation - low;
      if (relation < 0) {
        if (low == 0) *arguments.weight[edge] = T(0);
      } else if (place >= 0 && place < kCountedRelations) {
        *arguments.weight[edge] = weight_of<T>(relation, count[place]);
      }
    }
    __syncthreads();
  }
}

// --- Sums for several bases ------------------------------------------------------------------------------------------

/// Bases that one group sums while it reads the neighbours' rows once.
inline constexpr int kBasesAtOnce = 4;

template <class S>
struct RelationSumArguments {
  using T = Accumulator<S>;
  Adjacency edges;
  ColumnTiles tiles;
  int basis_tiles;  // groups per tile of columns, kBasesAtOnce bases each
  std::int64_t columns;
  int bases;
  Relations relation;
  Rows<const T> coefficient;
  Rows<const T> weight;  // null: all ones
  GatheredRows<const S> x;
  Rows<S> y;   // [rows, bases * columns]
  T* partial;  // [chunks, bases * columns]
};

/// An edge as the lane that fetched it holds it: its factor for each basis of the group, all 0 if it is left out.
template <class T>
struct RelationEdge {
  std::uint32_t neighbor = 0;
  bool left_out = true;
  T scale[kBasesAtOnce] = {};
};

template <class S, class T = Accumulator<S>>
__device__ RelationEdge<T> fetch_relation_edge(const RelationSumArguments<S>& arguments, std::int64_t slot,
                                               int first_basis) {
  RelationEdge<T> edge;
  const std::int64_t id = edge_id_of(arguments.edges, slot);
  const std::int32_t relation = arguments.relation[id];
  if (relation < 0) return edge;
  edge.left_out = false;
  edge.neighbor = static_cast<std::uint32_t>(__ldcs(arguments.edges.neighbor + slot));
  const T weight = arguments.weight ? *arguments.weight[id] : T(1);
  const T* const coefficient = arguments.coefficient[relation] + first_basis;
#pragma unroll
  for (int b = 0; b < kBasesAtOnce; ++b) {
    if (first_basis + b < arguments.bases) edge.scale[b] = weight * __ldg(coefficient + b);
  }
  return edge;
}

/// One group of lanes per (span, tile of columns, tile of bases); the tiles of bases are neighbours, so that they find
/// each other's rows of x in the caches.
template <class S, int kWidth>
__global__ void __launch_bounds__(kSpanThreads) relation_sum_by_row(RelationSumArguments<S> arguments) {
  using T = Accumulator<S>;
  const WarpGroup group = WarpGroup::of_size(arguments.tiles.group);
  int tile;
  const std::int64_t item = split_tile(group_number(group.size), arguments.tiles.tiles * arguments.basis_tiles, tile);
  bool active;
  const EdgeSpan span = span_or_none(arguments.edges, item, active);
  const int first_basis = tile % arguments.basis_tiles * kBasesAtOnce;
  std::int64_t column = (static_cast<std::int64_t>(tile / arguments.basis_tiles) * group.size + group.lane) * kWidth;
  active = active && column < arguments.columns;
  if (!active) column = 0;
  const GatheredRows<const S> x = arguments.x.from(column);

  Pack<T, kWidth> sum[kBasesAtOnce] = {};
  const auto fetch = [&](std::int64_t slot) { return fetch_relation_edge(arguments, slot, first_basis); };
  for_each_batch<kEdgesInFlight>(group, span, fetch, [&](const RelationEdge<T>& mine, int k, int held) {
    RawPack<S, kWidth> raw[kEdgesInFlight];
#pragma unroll
    for (int u = 0; u < kEdgesInFlight; ++u) raw[u] = load_raw<kWidth>(x[group.broadcast(mine.neighbor, k + u)]);
#pragma unroll
    for (int u = 0; u < kEdgesInFlight; ++u) {
      const Pack<T, kWidth> row = unpack<S, kWidth>(raw[u]);
      const bool left_out = group.broadcast(mine.left_out, k + u);
      T scale[kBasesAtOnce];
#pragma unroll
      for (int b = 0; b < kBasesAtOnce; ++b) scale[b] = group.broadcast(mine.scale[b], k + u);
      if (left_out || k + u >= held) continue;
#pragma unroll
      for (int b = 0; b < kBasesAtOnce; ++b) {
#pragma unroll
        for (int v = 0; v < kWidth; ++v) sum[b][v] += scale[b] * row[v];
      }
    }
  });

  if (!active) return;
  const auto write = [&](auto* target) {
#pragma unroll
    for (int b = 0; b < kBasesAtOnce; ++b) {
      if (first_basis + b < arguments.bases) {
        store_streamed<kWidth>(target + (first_basis + b) * arguments.columns + column, sum[b]);
      }
    }
  };
  if (span.chunk >= 0) {
    write(arguments.partial + span.chunk * arguments.bases * arguments.columns);
  } else {
    write(arguments.y[span.row]);
  }
}

// --- The gradient of x -----------------------------------------------------------------------------------------------

template <class S>
struct RelationInputGradientArguments {
  using T = Accumulator<S>;
  Adjacency edges;  // out-edges
  ColumnTiles tiles;
  std::int64_t columns;
  int bases;
  Relations relation;
  Rows<const T> coefficient;
  Rows<const T> weight;  // null: all ones
  Rows<const S> dy;      // [destinations, bases * columns]
  Rows<S> dx;
  T* partial;  // [chunks, columns]
};

/// One group of lanes per (span of out-edges, tile of columns). The rows of dy that an edge needs, one for each basis,
/// are loaded kEdgesInFlight at a time, whichever edge they belong to.
template <class S, int kWidth>
__global__ void __launch_bounds__(kSpanThreads, 7)
    relation_backward_x_by_source(RelationInputGradientArguments<S> arguments) {
  using T = Accumulator<S>;
  const LaneGroup group = LaneGroup::of_size(arguments.tiles.group);
  int tile;
  const std::int64_t item = split_tile(group_number(group.size), arguments.tiles.tiles, tile);
  EdgeSpan span;
  if (!find_span(arguments.edges, item, span)) return;
  const std::int64_t column = (static_cast<std::int64_t>(tile) * group.size + group.lane) * kWidth;
  const bool active = column < arguments.columns;

  Pack<T, kWidth> sum{};
  for (std::int64_t first = span.begin; first < span.end; first += group.size) {
    std::int32_t my_neighbor = 0, my_relation = -1;
    T my_weight = T(1);
    if (first + group.lane < span.end) {
      const std::int64_t id = edge_id_of(arguments.edges, first + group.lane);
      my_neighbor = __ldcs(arguments.edges.neighbor + first + group.lane);
      my_relation = arguments.relation[id];
      if (arguments.weight) my_weight = *arguments.weight[id];
    }
    const int count = static_cast<int>(span.end - first < group.size ? span.end - first : group.size);
    const std::int64_t terms = static_cast<std::int64_t>(count) * arguments.bases;
    int k = 0;
    int basis = 0;
#pragma unroll 1
    for (std::int64_t term = 0; term < terms; term += kEdgesInFlight) {
      Pack<T, kWidth> row[kEdgesInFlight] = {};
      T scale[kEdgesInFlight] = {};
#pragma unroll
      for (int u = 0; u < kEdgesInFlight; ++u) {
        const std::int64_t neighbor = group.broadcast(my_neighbor, k);
        const std::int32_t relation = group.broadcast(my_relation, k);
        const T weight = group.broadcast(my_weight, k);
        if (term + u < terms && relation >= 0) {
          scale[u] = weight * __ldg(arguments.coefficient[relation] + basis);
          if (active) row[u] = load_read_only<kWidth>(arguments.dy[neighbor] + basis * arguments.columns + column);
        }
        if (++basis == arguments.bases) {
          basis = 0;
          ++k;
        }
      }
#pragma unroll
      for (int u = 0; u < kEdgesInFlight; ++u) {
#pragma unroll
        for (int v = 0; v < kWidth; ++v) sum[v] += scale[u] * row[u][v];
      }
    }
  }

  if (!active) return;
  if (span.chunk >= 0) {
    store_streamed<kWidth>(arguments.partial + span.chunk * arguments.columns + column, sum);
  } else {
    store_streamed<kWidth>(arguments.dx[span.row] + column, sum);
  }
}

// --- The gradients of coefficients and weights -----------------------------------------------------------------------

template <class S>
struct RelationDotArguments {
  using T = Accumulator<S>;
  Adjacency edges;  // in-edges
  int group;
  std::int64_t columns;
  int bases;
  Relations relation;
  Rows<const T> coefficient;
  Rows<const T> weight;  // null: all ones
  Rows<const S> x;
  Rows<const S> dy;  // [destinations, bases * columns]
  // One of the two.
  std::int64_t tables = 0;
  double* table = nullptr;  // [tables, relations * bases]
  Rows<T> dweight{};
};

/// Edges whose products with a row of dy are made together. Beyond the span's last edge it is that edge again.
template <class T>
struct RelationBatch {
  std::int32_t id[kEdgesInFlight];
  std::int32_t relation[kEdgesInFlight];  // -1: none, or beyond the last edge
  T weight[kEdgesInFlight];
};

/// For every batch of a span's edges: dot(batch, basis, dots) with each lane's part of <dy_ib, x_j> for one basis after
/// the other, then done(first, batch).
template <int kWidth, class S, class Dot, class Done>
__device__ void for_each_relation_dot(const LaneGroup& group, const RelationDotArguments<S>& arguments,
                                      const EdgeSpan& span, Dot&& dot, Done&& done) {
  using T = Accumulator<S>;
  const S* const dy = arguments.dy[span.row];
  for (std::int64_t first = span.begin; first < span.end; first += kEdgesInFlight) {
    RelationBatch<T> batch;
    const S* x[kEdgesInFlight];
#pragma unroll
    for (int u = 0; u < kEdgesInFlight; ++u) {
      const std::int64_t slot = first + u < span.end ? first + u : span.end - 1;
      batch.id[u] = static_cast<std::int32_t>(edge_id_of(arguments.edges, slot));
      x[u] = arguments.x[arguments.edges.neighbor[slot]];
      batch.relation[u] = first + u < span.end ? arguments.relation[batch.id[u]] : -1;
      batch.weight[u] = arguments.weight ? *arguments.weight[batch.id[u]] : T(1);
    }
    for (int basis = 0; basis < arguments.bases; ++basis) {
      T dots[kEdgesInFlight] = {};
      for (std::int64_t column = group.lane * kWidth; column < arguments.columns; column += group.size * kWidth) {
        const Pack<T, kWidth> gradient = load_read_only<kWidth>(dy + basis * arguments.columns + column);
#pragma unroll
        for (int u = 0; u < kEdgesInFlight; ++u) {
          const Pack<T, kWidth> value = load_read_only<kWidth>(x[u] + column);
#pragma unroll
          for (int v = 0; v < kWidth; ++v) dots[u] += gradient[v] * value[v];
        }
      }
      dot(batch, basis, dots);
    }
    done(first, batch);
  }
}

/// One group of lanes per table. It walks every tables-th span, so that long and short rows are shared out evenly, and
/// adds w_e <dy_ib, x_j> to cell (r_e, b), always by the same lane: no other ever touches the cell.
template <class S, int kWidth>
__global__ void __launch_bounds__(kSpanThreads) relation_backward_coefficient(RelationDotArguments<S> arguments) {
  using T = Accumulator<S>;
  const LaneGroup group = LaneGroup::of_size(arguments.group);
  const std::int64_t number = group_number(group.size);
  if (number >= arguments.tables) return;
  const std::int64_t cells = arguments.relation.count * arguments.bases;
  double* const table = arguments.table + number * cells;
  for (std::int64_t cell = group.lane; cell < cells; cell += group.size) table[cell] = 0;

  const auto add = [&](const RelationBatch<T>& batch, int basis, T(&dots)[kEdgesInFlight]) {
#pragma unroll
    for (int u = 0; u < kEdgesInFlight; ++u) {
      dots[u] = group.sum(dots[u]);
      const std::int64_t cell = static_cast<std::int64_t>(batch.relation[u]) * arguments.bases + basis;
      if (batch.relation[u] < 0 || (cell & (group.size - 1)) != group.lane) continue;
      table[cell] += static_cast<double>(batch.weight[u] * dots[u]);
    }
  };
  const std::int64_t spans = arguments.edges.long_rows.chunks + arguments.edges.rows;
  for (std::int64_t item = number; item < spans; item += arguments.tables) {
    EdgeSpan span;
    if (!find_span(arguments.edges, item, span)) continue;
    for_each_relation_dot<kWidth>(group, arguments, span, add, [](std::int64_t, const RelationBatch<T>&) {});
  }
}

/// dweight_e = sum_b c_{r_e, b} <dy_ib, x_j>, 0 for an edge of no relation: one group of lanes per span of in-edges.
template <class S, int kWidth>
__global__ void __launch_bounds__(kSpanThreads) relation_backward_weight(RelationDotArguments<S> arguments) {
  using T = Accumulator<S>;
  const LaneGroup group = LaneGroup::of_size(arguments.group);
  EdgeSpan span;
  if (!find_span(arguments.edges, group_number(group.size), span)) return;
  T total[kEdgesInFlight] = {};
  const auto add = [&](const RelationBatch<T>& batch, int basis, const T(&dots)[kEdgesInFlight]) {
#pragma unroll
    for (int u = 0; u < kEdgesInFlight; ++u) {
      if (batch.relation[u] >= 0) total[u] += __ldg(arguments.coefficient[batch.relation[u]] + basis) * dots[u];
    }
  };
  for_each_relation_dot<kWidth>(group, arguments, span, add, [&](std::int64_t first, const RelationBatch<T>& batch) {
#pragma unroll
    for (int u = 0; u < kEdgesInFlight; ++u) {
      const T dweight = group.sum(total[u]);
      if (group.lane == 0 && first + u < span.end) *arguments.dweight[batch.id[u]] = dweight;
      total[u] = 0;
    }
  });
}

template <class T>
struct StoreCoefficient {
  int bases;
  Rows<T> target;
  __device__ void operator()(std::int64_t cell, const double (&total)[1]) const {
    target[cell / bases][cell % bases] = static_cast<T>(total[0]);
  }
};

}  // namespace warpgnn::kernels
