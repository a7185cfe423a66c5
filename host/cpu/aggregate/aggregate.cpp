#include "host/cpu/aggregate/extremes.hpp"
#include "host/cpu/aggregate/self_term.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

template <class S>
void sum_rows(const CpuExec& exec, const AggregateForward& op, const RowScratch<S>& scratch) {
  using T = Accumulator<S>;
  const Adjacency& in = op.graph.in_edges();
  const std::int64_t width = op.x.row_size();
  const auto x = read_rows<S>(op.x);
  const auto weight = read_rows<T>(op.weight);
  const ComputedRows<S> y(op.y, scratch.row);
  parallel_rows(exec, in.offset, in.rows, width, [&](std::int64_t first, std::int64_t last, int thread) {
    double* const own_scratch = scratch.long_rows + thread * width;
    for (std::int64_t i = first; i < last; ++i) {
      T* const row = y.row(i, thread);
      if (weight) {
        weighted_row_sum(
            in, i, x, width, [&](std::int64_t s) { return *weight[edge_of(in, s)]; }, own_scratch, row);
      } else {
        weighted_row_sum(
            in, i, x, width, [](std::int64_t) { return T(1); }, own_scratch, row);
      }
      if (op.reduce == Reduce::mean) {
        const T count = static_cast<T>(std::max<std::int64_t>(degree(in, i), 1));
        for (std::int64_t c = 0; c < width; ++c) row[c] /= count;
      }
      if (op.epsilon.defined()) add_self(op.epsilon, x[i], width, row);
      y.finish(i, thread);
    }
  });
}

/// Sign +1 keeps the largest, -1 the smallest.
template <class S, int Sign>
void extreme_rows(const CpuExec& exec, const AggregateForward& op, const RowScratch<S>& scratch) {
  using T = Accumulator<S>;
  const Adjacency& in = op.graph.in_edges();
  const std::int64_t width = op.x.row_size(), last_slot = in.edges - 1;
  const auto x = read_rows<S>(op.x);
  const ComputedRows<S> y(op.y, scratch.row);
  const auto arg = write_rows<std::int32_t>(op.arg);
  parallel_rows(exec, in.offset, in.rows, width, [&](std::int64_t first, std::int64_t last, int thread) {
    for (std::int64_t i = first; i < last; ++i) {
      T* const row = y.row(i, thread);
      extreme_of_row<T, Sign>(in, i, width, row, arg ? arg[i] : nullptr,
                              [&](auto tile, std::int64_t s, std::int64_t column) {
                                if (column == 0)
                                  prefetch_row(x[in.neighbor[std::min(s + kPrefetchSlots, last_slot)]], width);
                                return tile.load(x[in.neighbor[s]] + column);
                              });
      if (op.epsilon.defined()) add_self(op.epsilon, x[i], width, row);
      y.finish(i, thread);
    }
  });
}

/// Gradient of sum and mean to x.
template <class S>
void spread_sums(const CpuExec& exec, const AggregateBackward& op, const RowScratch<S>& scratch) {
  using T = Accumulator<S>;
  const Adjacency &out = op.graph.out_edges(), &in = op.graph.in_edges();
  const std::int64_t width = op.dy.row_size();
  const auto dy = read_rows<S>(op.dy);
  const auto weight = read_rows<T>(op.weight);
  const ComputedRows<S> dx(op.dx, scratch.row);
  const bool mean = op.reduce == Reduce::mean;
  parallel_rows(exec, out.offset, out.rows, width, [&](std::int64_t first, std::int64_t last, int thread) {
    const auto factor = [&](std::int64_t s) {
      const T w = weight ? *weight[out.edge_id[s]] : T(1);
      return mean ? w / static_cast<T>(degree(in, out.neighbor[s])) : w;
    };
    double* const own_scratch = scratch.long_rows + thread * width;
    for (std::int64_t j = first; j < last; ++j) {
      T* const row = dx.row(j, thread);
      if (weight || mean) {
        weighted_row_sum(out, j, dy, width, factor, own_scratch, row);
      } else {
        weighted_row_sum(
            out, j, dy, width, [](std::int64_t) { return T(1); }, own_scratch, row);
      }
      if (op.epsilon.defined()) add_self(op.epsilon, dy[j], width, row);
      dx.finish(j, thread);
    }
  });
}

/// Gradient of max and min to x: each output's gradient goes to the edge that arg names.
template <class S>
void spread_extremes(const CpuExec& exec, const AggregateBackward& op, const RowScratch<S>& scratch) {
  using T = Accumulator<S>;
  const Adjacency& out = op.graph.out_edges();
  const std::int64_t width = op.dy.row_size();
  const auto dy = read_rows<S>(op.dy);
  const auto arg = read_rows<std::int32_t>(op.arg);
  const ComputedRows<S> dx(op.dx, scratch.row);
  const auto prefetch = [&](std::int64_t slot) {
    prefetch_row(dy[out.neighbor[slot]], width);
    prefetch_row(arg[out.neighbor[slot]], width);
  };
  parallel_rows(exec, out.offset, out.rows, width, [&](std::int64_t first, std::int64_t last, int thread) {
    for (std::int64_t j = first; j < last; ++j) {
      T* const row = dx.row(j, thread);
      sum_in_chunks(out.offset[j], out.offset[j + 1], width, scratch.long_rows + thread * width, row,
                    [&](std::int64_t begin, std::int64_t end, T* sum) {
                      for_each_tile<T>(width, [&](auto tile, std::int64_t column) {
                        using Edges = EdgeLanes<decltype(tile)>;
                        auto total = tile.zero();
                        for (std::int64_t s = begin; s < end; ++s) {
                          if (column == 0) prefetch(std::min(s + kPrefetchSlots, out.edges - 1));
                          const S* const upstream = dy[out.neighbor[s]] + column;
                          const std::int32_t* const winner = arg[out.neighbor[s]] + column;
                          const auto edge = Edges::filled(out.edge_id[s]);
                          for (int k = 0; k < tile.kVectors; ++k) {
                            const auto won = Edges::load(winner + k * tile.kLanes) == edge;
                            total.v[k] += won ? tile.load_vector(upstream + k * tile.kLanes) : tile.zero().v[0];
                          }
                        }
                        total.store(sum + column);
                      });
                    });
      if (op.epsilon.defined()) add_self(op.epsilon, dy[j], width, row);
      dx.finish(j, thread);
    }
  });
}

template <class S>
void weight_gradient(const CpuExec& exec, const AggregateBackward& op) {
  using T = Accumulator<S>;
  const Adjacency& in = op.graph.in_edges();
  const std::int64_t width = op.dy.row_size();
  const auto x = read_rows<S>(op.x), dy = read_rows<S>(op.dy);
  const auto dweight = write_rows<T>(op.dweight);
  parallel_rows(exec, in.offset, in.rows, width, [&](std::int64_t first, std::int64_t last, int) {
    for (std::int64_t i = first; i < last; ++i) {
      const T count = op.reduce == Reduce::mean ? static_cast<T>(degree(in, i)) : T(1);
      for (std::int64_t s = in.offset[i]; s < in.offset[i + 1]; ++s) {
        prefetch_row(x[in.neighbor[std::min(s + kPrefetchSlots, in.edges - 1)]], width);
        *dweight[edge_of(in, s)] = dot(dy[i], x[in.neighbor[s]], width) / count;
      }
    }
  });
}

template <class S>
struct BackwardScratch {
  RowScratch<S> rows{};
  double* partials = nullptr;
};

template <class S>
BackwardScratch<S> carve(Carver& carver, const CpuExec& exec, const AggregateBackward& op) {
  BackwardScratch<S> scratch;
  if (op.dx.defined()) scratch.rows = RowScratch<S>::carve(carver, exec, op.graph.out_edges(), op.dy.row_size());
  if (op.depsilon.defined()) scratch.partials = carver.take<double>(reduction_doubles(op.dy.shape[0], 1));
  return scratch;
}

template <class S>
RowScratch<S> carve(Carver& carver, const CpuExec& exec, const AggregateForward& op) {
  RowScratch<S> scratch;
  scratch.row = carver.take<Accumulator<S>>(ComputedRows<S>::scratch_count(exec, op.x.row_size()));
  if (is_extreme(op.reduce)) return scratch;
  scratch.long_rows = carver.take<double>(long_row_doubles(exec, op.graph.in_edges(), op.x.row_size()));
  return scratch;
}

}  // namespace

std::size_t workspace_size(const CpuExec& exec, const AggregateForward& op) {
  Carver carver;
  with_storage(op.y.dtype, [&]<class S>(S) { carve<S>(carver, exec, op); });
  return carver.bytes();
}

void aggregate_forward(const CpuExec& exec, const AggregateForward& op) {
  with_storage(op.y.dtype, [&]<class S>(S) {
    Carver carver(op.workspace.data);
    const RowScratch<S> scratch = carve<S>(carver, exec, op);
    switch (op.reduce) {
      case Reduce::sum:
      case Reduce::mean: return sum_rows<S>(exec, op, scratch);
      case Reduce::max: return extreme_rows<S, 1>(exec, op, scratch);
      case Reduce::min: return extreme_rows<S, -1>(exec, op, scratch);
    }
  });
}

std::size_t workspace_size(const CpuExec& exec, const AggregateBackward& op) {
  Carver carver;
  with_storage(op.dy.dtype, [&]<class S>(S) { carve<S>(carver, exec, op); });
  return carver.bytes();
}

void aggregate_backward(const CpuExec& exec, const AggregateBackward& op) {
  with_storage(op.dy.dtype, [&]<class S>(S) {
    Carver carver(op.workspace.data);
    const BackwardScratch<S> scratch = carve<S>(carver, exec, op);
    if (op.dx.defined() && is_extreme(op.reduce)) spread_extremes<S>(exec, op, scratch.rows);
    if (op.dx.defined() && !is_extreme(op.reduce)) spread_sums<S>(exec, op, scratch.rows);
    if (op.dweight.defined()) weight_gradient<S>(exec, op);
    if (op.depsilon.defined()) epsilon_gradient<S>(exec, op, scratch.partials);
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
