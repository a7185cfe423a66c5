#include "extremes.hpp"
#include "self_term.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

template <class T>
void sum_rows(const CpuExec& exec, const AggregateForward& op, double* scratch) {
  const Adjacency& in = op.graph.in_edges();
  const std::int64_t width = op.x.row_size();
  const auto x = read_rows<T>(op.x), weight = read_rows<T>(op.weight);
  const auto y = write_rows<T>(op.y);
  parallel_rows(exec, in.offset, in.rows, width, [&](std::int64_t first, std::int64_t last, int thread) {
    double* const own_scratch = scratch + thread * width;
    for (std::int64_t i = first; i < last; ++i) {
      if (weight) {
        weighted_row_sum(
            in, i, x, width, [&](std::int64_t s) { return *weight[edge_of(in, s)]; }, own_scratch, y[i]);
      } else {
        weighted_row_sum(
            in, i, x, width, [](std::int64_t) { return T(1); }, own_scratch, y[i]);
      }
      if (op.reduce == Reduce::mean) {
        const T count = static_cast<T>(std::max<std::int64_t>(degree(in, i), 1));
        for (std::int64_t c = 0; c < width; ++c) y[i][c] /= count;
      }
      if (op.epsilon.defined()) add_self<T>(op.epsilon, x[i], width, y[i]);
    }
  });
}

/// Sign +1 keeps the largest, -1 the smallest.
template <class T, int Sign>
void extreme_rows(const CpuExec& exec, const AggregateForward& op) {
  const Adjacency& in = op.graph.in_edges();
  const std::int64_t width = op.x.row_size(), last_slot = in.edges - 1;
  const auto x = read_rows<T>(op.x);
  const auto y = write_rows<T>(op.y);
  const auto arg = write_rows<std::int32_t>(op.arg);
  parallel_rows(exec, in.offset, in.rows, width, [&](std::int64_t first, std::int64_t last, int) {
    for (std::int64_t i = first; i < last; ++i) {
      extreme_of_row<T, Sign>(in, i, width, y[i], arg ? arg[i] : nullptr,
                              [&](auto tile, std::int64_t s, std::int64_t column) {
                                if (column == 0)
                                  prefetch_row(x[in.neighbor[std::min(s + kPrefetchSlots, last_slot)]], width);
                                return tile.load(x[in.neighbor[s]] + column);
                              });
      if (op.epsilon.defined()) add_self<T>(op.epsilon, x[i], width, y[i]);
    }
  });
}

/// Gradient of sum and mean to x.
template <class T>
void spread_sums(const CpuExec& exec, const AggregateBackward& op, double* scratch) {
  const Adjacency &out = op.graph.out_edges(), &in = op.graph.in_edges();
  const std::int64_t width = op.dy.row_size();
  const auto dy = read_rows<T>(op.dy), weight = read_rows<T>(op.weight);
  const auto dx = write_rows<T>(op.dx);
  const bool mean = op.reduce == Reduce::mean;
  parallel_rows(exec, out.offset, out.rows, width, [&](std::int64_t first, std::int64_t last, int thread) {
    const auto factor = [&](std::int64_t s) {
      const T w = weight ? *weight[out.edge_id[s]] : T(1);
      return mean ? w / static_cast<T>(degree(in, out.neighbor[s])) : w;
    };
    for (std::int64_t j = first; j < last; ++j) {
      if (weight || mean) {
        weighted_row_sum(out, j, dy, width, factor, scratch + thread * width, dx[j]);
      } else {
        weighted_row_sum(
            out, j, dy, width, [](std::int64_t) { return T(1); }, scratch + thread * width, dx[j]);
      }
      if (op.epsilon.defined()) add_self<T>(op.epsilon, dy[j], width, dx[j]);
    }
  });
}

/// Gradient of max and min to x: each output's gradient goes to the edge that arg names.
template <class T>
void spread_extremes(const CpuExec& exec, const AggregateBackward& op, double* scratch) {
  const Adjacency& out = op.graph.out_edges();
  const std::int64_t width = op.dy.row_size();
  const auto dy = read_rows<T>(op.dy);
  const auto arg = read_rows<std::int32_t>(op.arg);
  const auto dx = write_rows<T>(op.dx);
  const auto prefetch = [&](std::int64_t slot) {
    prefetch_row(dy[out.neighbor[slot]], width);
    prefetch_row(arg[out.neighbor[slot]], width);
  };
  parallel_rows(exec, out.offset, out.rows, width, [&](std::int64_t first, std::int64_t last, int thread) {
    for (std::int64_t j = first; j < last; ++j) {
      sum_in_chunks(out.offset[j], out.offset[j + 1], width, scratch + thread * width, dx[j],
                    [&](std::int64_t begin, std::int64_t end, T* sum) {
                      for_each_tile<T>(width, [&](auto tile, std::int64_t column) {
                        using Edges = EdgeLanes<decltype(tile)>;
                        auto total = tile.zero();
                        for (std::int64_t s = begin; s < end; ++s) {
                          if (column == 0) prefetch(std::min(s + kPrefetchSlots, out.edges - 1));
                          const T* const upstream = dy[out.neighbor[s]] + column;
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
      if (op.epsilon.defined()) add_self<T>(op.epsilon, dy[j], width, dx[j]);
    }
  });
}

template <class T>
void weight_gradient(const CpuExec& exec, const AggregateBackward& op) {
  const Adjacency& in = op.graph.in_edges();
  const std::int64_t width = op.dy.row_size();
  const auto x = read_rows<T>(op.x), dy = read_rows<T>(op.dy);
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

struct BackwardScratch {
  double* long_rows;
  double* partials;
  std::size_t bytes;
};

BackwardScratch carve(const CpuExec& exec, const AggregateBackward& op, void* base) {
  Carver carver(base);
  BackwardScratch scratch{};
  if (op.dx.defined()) {
    scratch.long_rows = carver.take<double>(long_row_doubles(exec, op.graph.out_edges(), op.dy.row_size()));
  }
  if (op.depsilon.defined()) scratch.partials = carver.take<double>(reduction_doubles(op.dy.shape[0], 1));
  scratch.bytes = carver.bytes();
  return scratch;
}

}  // namespace

std::size_t workspace_size(const CpuExec& exec, const AggregateForward& op) {
  if (op.reduce == Reduce::max || op.reduce == Reduce::min) return 0;
  Carver carver;
  carver.take<double>(long_row_doubles(exec, op.graph.in_edges(), op.x.row_size()));
  return carver.bytes();
}

void aggregate_forward(const CpuExec& exec, const AggregateForward& op) {
  with_real(op.y.dtype, [&]<class T>(T) {
    switch (op.reduce) {
      case Reduce::sum:
      case Reduce::mean: return sum_rows<T>(exec, op, static_cast<double*>(op.workspace.data));
      case Reduce::max: return extreme_rows<T, 1>(exec, op);
      case Reduce::min: return extreme_rows<T, -1>(exec, op);
    }
  });
}

std::size_t workspace_size(const CpuExec& exec, const AggregateBackward& op) {
  return carve(exec, op, nullptr).bytes;
}

void aggregate_backward(const CpuExec& exec, const AggregateBackward& op) {
  const BackwardScratch scratch = carve(exec, op, op.workspace.data);
  const bool extreme = op.reduce == Reduce::max || op.reduce == Reduce::min;
  with_real(op.dy.dtype, [&]<class T>(T) {
    if (op.dx.defined() && extreme) spread_extremes<T>(exec, op, scratch.long_rows);
    if (op.dx.defined() && !extreme) spread_sums<T>(exec, op, scratch.long_rows);
    if (op.dweight.defined()) weight_gradient<T>(exec, op);
    if (op.depsilon.defined()) epsilon_gradient<T>(exec, op, scratch.partials);
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
