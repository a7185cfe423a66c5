// SPDX-License-Identifier: MIT
// Dot products of nodes with a row of their graph.

#include "host/cpu/base/rows.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// body(node, graph) for every node, graphs in parallel.
template <class Body>
void for_each_node(const CpuExec& exec, const Graph& graph, std::int64_t width, Body&& body) {
  const std::int64_t* const offset = graph.graph_offsets();
  parallel_rows(exec, offset, graph.num_graphs(), width, [&](std::int64_t first, std::int64_t last, int) {
    for (std::int64_t g = first; g < last; ++g) {
      for (std::int64_t n = offset[g]; n < offset[g + 1]; ++n) body(n, g);
    }
  });
}

/// What the gradients of queries need.
template <class S>
struct QueryRows {
  ComputedRows<S> dquery;
  double* long_rows;  // [threads, width], for sum_in_chunks

  QueryRows(Carver& carver, const CpuExec& exec, const SegmentDotBackward& op)
      : dquery(carver, exec, op.dquery), long_rows(carver.take<double>(exec.threads * op.dquery.shape[1])) {}
};

/// dquery_g = sum of dscore_n x_n.
template <class S>
void write_dquery(const CpuExec& exec, const SegmentDotBackward& op) {
  using T = Accumulator<S>;
  Carver carver(op.workspace.data);
  const QueryRows<S> rows(carver, exec, op);
  const std::int64_t width = op.x.shape[1];
  const std::int64_t* const offset = op.graph.graph_offsets();
  const auto x = read_rows<S>(op.x);
  const auto dscore = read_rows<T>(op.dscore);
  parallel_rows(exec, offset, op.graph.num_graphs(), width, [&](std::int64_t first, std::int64_t last, int thread) {
    for (std::int64_t g = first; g < last; ++g) {
      sum_in_chunks(offset[g], offset[g + 1], width, rows.long_rows + thread * width, rows.dquery.row(g, thread),
                    [&](std::int64_t begin, std::int64_t end, T* sum) {
                      for_each_tile<T>(width, [&](auto tile, std::int64_t column) {
                        auto total = tile.zero();
                        for (std::int64_t n = begin; n < end; ++n) total.add_scaled(x[n] + column, *dscore[n]);
                        total.store(sum + column);
                      });
                    });
      rows.dquery.finish(g, thread);
    }
  });
}

/// dx_n += dscore_n query_g.
template <class S>
void add_dx(const CpuExec& exec, const SegmentDotBackward& op) {
  using T = Accumulator<S>;
  const std::int64_t width = op.dx.shape[1];
  const auto query = read_rows<S>(op.query);
  const auto dscore = read_rows<T>(op.dscore);
  const auto dx = write_rows<S>(op.dx);
  for_each_node(exec, op.graph, width, [&](std::int64_t n, std::int64_t g) {
    const T factor = *dscore[n];
    const S* const from = query[g];
    S* const to = dx[n];
    if constexpr (is_half_type<S>) {
      for_each_tile<T, kStreamVectors>(width, [&](auto tile, std::int64_t column) {
        auto sum = tile.load(to + column);
        sum.add_scaled(from + column, factor);
        sum.store(to + column);
      });
    } else {
#pragma omp simd
      for (std::int64_t c = 0; c < width; ++c) to[c] += factor * from[c];
    }
  });
}

}  // namespace

void segment_dot_forward(const CpuExec& exec, const SegmentDotForward& op) {
  const std::int64_t width = op.x.shape[1];
  with_storage(op.x.dtype, [&]<class S>(S) {
    const auto x = read_rows<S>(op.x), query = read_rows<S>(op.query);
    const auto score = write_rows<Accumulator<S>>(op.score);
    for_each_node(exec, op.graph, width,
                  [&](std::int64_t n, std::int64_t g) { *score[n] = dot(x[n], query[g], width); });
  });
}

std::size_t workspace_size(const CpuExec& exec, const SegmentDotBackward& op) {
  Carver carver;
  if (op.dquery.defined()) with_storage(op.dquery.dtype, [&]<class S>(S) { QueryRows<S>(carver, exec, op); });
  return carver.bytes();
}

void segment_dot_backward(const CpuExec& exec, const SegmentDotBackward& op) {
  if (op.dquery.defined()) with_storage(op.dquery.dtype, [&]<class S>(S) { write_dquery<S>(exec, op); });
  if (op.dx.defined()) with_storage(op.dx.dtype, [&]<class S>(S) { add_dx<S>(exec, op); });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
