// SPDX-License-Identifier: MIT
#include "host/cpu/aggregate/aggregated_rows.hpp"
#include "host/cpu/aggregate/self_term.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// out = the sum over a span's edges of the rows of x at their far ends, each times weight(slot), where edges weigh
/// anything, and times the scale of the far end, where it has one. What there is not costs nothing.
template <class S, class Weight>
struct SpanSum {
  using T = Accumulator<S>;
  const Adjacency& edges;
  Rows<const S> x;
  std::int64_t width;
  bool weighted;
  Weight weight;
  Rows<const T> scale;

  WARPGNN_INLINE void operator()(const Span& span, T* out) const {
    const auto scale_of = [&](std::int64_t s) { return *scale[edges.neighbor[s]]; };
    if (weighted && scale) {
      add(
          span, [&](std::int64_t s) { return weight(s) * scale_of(s); }, out);
    } else if (scale) {
      add(span, scale_of, out);
    } else if (weighted) {
      add(span, weight, out);
    } else {
      add(
          span, [](std::int64_t) { return T(1); }, out);
    }
  }

 private:
  template <class Factor>
  WARPGNN_INLINE void add(const Span& span, const Factor& factor, T* out) const {
    weighted_row_sum(edges, span.begin, span.end, x, width, factor, out);
  }
};

template <class T>
void scale_row(T scale, std::int64_t width, T* row) {
#pragma omp simd
  for (std::int64_t c = 0; c < width; ++c) row[c] *= scale;
}

template <class S>
void sum_rows(const CpuExec& exec, const AggregateForward& op, const SummedRows<S>& y) {
  using T = Accumulator<S>;
  const Adjacency& in = op.graph.in_edges();
  const std::int64_t width = op.x.row_size();
  const auto x = read_rows<S>(op.x);
  const auto weight = read_rows<T>(op.weight), scale = read_rows<T>(op.destination_scale);
  const auto weight_of = [&](std::int64_t s) { return *weight[edge_of(in, s)]; };
  const SpanSum<S, decltype(weight_of)> sum{.edges = in,
                                            .x = x,
                                            .width = width,
                                            .weighted = op.weight.defined(),
                                            .weight = weight_of,
                                            .scale = read_rows<T>(op.source_scale)};
  sum_over_edges(exec, in, width, y, sum, [&](std::int64_t i, T* row) {
    if (op.reduce == Reduce::mean) divide_by_degree(in, i, width, row);
    if (scale) scale_row(*scale[i], width, row);
    if (op.epsilon.defined()) add_self(op.epsilon, x[i], width, row);
  });
}

/// Sign +1 keeps the largest, -1 the smallest.
template <class S, int Sign>
void extreme_rows(const CpuExec& exec, const AggregateForward& op, const ExtremeRows<S>& y) {
  using T = Accumulator<S>;
  const Adjacency& in = op.graph.in_edges();
  const std::int64_t width = op.x.row_size(), last_slot = in.edges - 1;
  const auto x = read_rows<S>(op.x);
  const auto find = [&](const Span& span, T* best, std::int32_t* arg) {
    extreme_of_span<T, Sign>(in, span, width, best, arg, [&](auto tile, std::int64_t s, std::int64_t column) {
      if (column == 0) prefetch_row(x[in.neighbor[std::min(s + kPrefetchSlots, last_slot)]], width);
      return tile.load(x[in.neighbor[s]] + column);
    });
  };
  extremes_over_edges<Sign>(exec, in, width, y, find, [&](std::int64_t i, T* row) {
    if (op.epsilon.defined()) add_self(op.epsilon, x[i], width, row);
  });
}

/// Gradient of sum and mean to x.
template <class S>
void spread_sums(const CpuExec& exec, const AggregateBackward& op, const SummedRows<S>& dx) {
  using T = Accumulator<S>;
  const Adjacency &out = op.graph.out_edges(), &in = op.graph.in_edges();
  const std::int64_t width = op.dy.row_size();
  const auto dy = read_rows<S>(op.dy);
  const auto weight = read_rows<T>(op.weight), scale = read_rows<T>(op.source_scale);
  const bool mean = op.reduce == Reduce::mean;
  const auto factor = [&](std::int64_t s) {
    const T w = weight ? *weight[out.edge_id[s]] : T(1);
    return mean ? w / static_cast<T>(degree(in, out.neighbor[s])) : w;
  };
  const SpanSum<S, decltype(factor)> sum{.edges = out,
                                         .x = dy,
                                         .width = width,
                                         .weighted = weight || mean,
                                         .weight = factor,
                                         .scale = read_rows<T>(op.destination_scale)};
  sum_over_edges(exec, out, width, dx, sum, [&](std::int64_t j, T* row) {
    if (scale) scale_row(*scale[j], width, row);
    if (op.epsilon.defined()) add_self(op.epsilon, dy[j], width, row);
  });
}

/// Gradient of max and min to x: each output's gradient goes to the edge that arg names.
template <class S>
void spread_extremes(const CpuExec& exec, const AggregateBackward& op, const SummedRows<S>& dx) {
  using T = Accumulator<S>;
  const Adjacency& out = op.graph.out_edges();
  const std::int64_t width = op.dy.row_size();
  const auto dy = read_rows<S>(op.dy);
  const auto arg = read_rows<std::int32_t>(op.arg);
  const auto prefetch = [&](std::int64_t slot) {
    prefetch_row(dy[out.neighbor[slot]], width);
    prefetch_row(arg[out.neighbor[slot]], width);
  };
  const auto sum = [&](const Span& span, T* row) {
    for_each_tile<T>(width, [&](auto tile, std::int64_t column) {
      using Edges = EdgeLanes<decltype(tile)>;
      auto total = tile.zero();
      for (std::int64_t s = span.begin; s < span.end; ++s) {
        if (column == 0) prefetch(std::min(s + kPrefetchSlots, out.edges - 1));
        const S* const upstream = dy[out.neighbor[s]] + column;
        const std::int32_t* const winner = arg[out.neighbor[s]] + column;
        const auto edge = Edges::filled(out.edge_id[s]);
        for (int k = 0; k < tile.kVectors; ++k) {
          const auto won = Edges::load(winner + k * tile.kLanes) == edge;
          total.v[k] += won ? tile.load_vector(upstream + k * tile.kLanes) : tile.zero().v[0];
        }
      }
      total.store(row + column);
    });
  };
  sum_over_edges(exec, out, width, dx, sum, [&](std::int64_t j, T* row) {
    if (op.epsilon.defined()) add_self(op.epsilon, dy[j], width, row);
  });
}

template <class S>
void weight_gradient(const CpuExec& exec, const AggregateBackward& op) {
  using T = Accumulator<S>;
  const Adjacency& in = op.graph.in_edges();
  const std::int64_t width = op.dy.row_size();
  const auto x = read_rows<S>(op.x), dy = read_rows<S>(op.dy);
  const auto source_scale = read_rows<T>(op.source_scale), destination_scale = read_rows<T>(op.destination_scale);
  const auto dweight = write_rows<T>(op.dweight);
  const auto write = [&](const Span& span, const auto& scaled) {
    const T count = op.reduce == Reduce::mean ? static_cast<T>(degree(in, span.row)) : T(1);
    for (std::int64_t s = span.begin; s < span.end; ++s) {
      prefetch_row(x[in.neighbor[std::min(s + kPrefetchSlots, in.edges - 1)]], width);
      *dweight[edge_of(in, s)] = scaled(dot(dy[span.row], x[in.neighbor[s]], width) / count, s);
    }
  };
  walk_edges(exec, in, width, [&](const Span& span) {
    if (!source_scale && !destination_scale) return write(span, [](T gradient, std::int64_t) { return gradient; });
    const T own = destination_scale ? *destination_scale[span.row] : T(1);
    write(span, [&](T gradient, std::int64_t s) {
      return gradient * own * (source_scale ? *source_scale[in.neighbor[s]] : T(1));
    });
  });
}

}  // namespace

std::size_t workspace_size(const CpuExec& exec, const AggregateForward& op) {
  Carver carver;
  with_storage(op.y.dtype, [&]<class S>(S) { ForwardRows<S>(carver, exec, op); });
  return carver.bytes();
}

void aggregate_forward(const CpuExec& exec, const AggregateForward& op) {
  with_storage(op.y.dtype, [&]<class S>(S) {
    Carver carver(op.workspace.data);
    const ForwardRows<S> rows(carver, exec, op);
    switch (op.reduce) {
      case Reduce::sum:
      case Reduce::mean: return sum_rows<S>(exec, op, rows.sums);
      case Reduce::max: return extreme_rows<S, 1>(exec, op, rows.extremes);
      case Reduce::min: return extreme_rows<S, -1>(exec, op, rows.extremes);
    }
  });
}

std::size_t workspace_size(const CpuExec& exec, const AggregateBackward& op) {
  Carver carver;
  with_storage(op.dy.dtype, [&]<class S>(S) { BackwardRows<S>(carver, exec, op); });
  return carver.bytes();
}

void aggregate_backward(const CpuExec& exec, const AggregateBackward& op) {
  with_storage(op.dy.dtype, [&]<class S>(S) {
    Carver carver(op.workspace.data);
    const BackwardRows<S> rows(carver, exec, op);
    if (rows.dx && is_extreme(op.reduce)) spread_extremes<S>(exec, op, rows.dx);
    if (rows.dx && !is_extreme(op.reduce)) spread_sums<S>(exec, op, rows.dx);
    if (op.dweight.defined()) weight_gradient<S>(exec, op);
    if (op.depsilon.defined()) epsilon_gradient<S>(exec, op, rows.partials);
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
