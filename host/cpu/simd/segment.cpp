// Dot products of nodes with a row of their graph.

#include "rows.hpp"

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

/// dquery_g = sum of dscore_n x_n.
template <class T>
void write_dquery(const CpuExec& exec, const SegmentDotBackward& op) {
  const std::int64_t width = op.x.shape[1];
  const std::int64_t* const offset = op.graph.graph_offsets();
  const auto x = read_rows<T>(op.x), dscore = read_rows<T>(op.dscore);
  const auto dquery = write_rows<T>(op.dquery);
  parallel_rows(exec, offset, op.graph.num_graphs(), width, [&](std::int64_t first, std::int64_t last, int thread) {
    double* const scratch = static_cast<double*>(op.workspace.data) + thread * width;
    for (std::int64_t g = first; g < last; ++g) {
      sum_in_chunks(offset[g], offset[g + 1], width, scratch, dquery[g],
                    [&](std::int64_t begin, std::int64_t end, T* sum) {
                      for_each_tile<T>(width, [&](auto tile, std::int64_t column) {
                        auto total = tile.zero();
                        for (std::int64_t n = begin; n < end; ++n) total.add_scaled(x[n] + column, *dscore[n]);
                        total.store(sum + column);
                      });
                    });
    }
  });
}

/// dx_n += dscore_n query_g.
template <class T>
void add_dx(const CpuExec& exec, const SegmentDotBackward& op) {
  const std::int64_t width = op.dx.shape[1];
  const auto query = read_rows<T>(op.query), dscore = read_rows<T>(op.dscore);
  const auto dx = write_rows<T>(op.dx);
  for_each_node(exec, op.graph, width, [&](std::int64_t n, std::int64_t g) {
    const T factor = *dscore[n];
    const T* const from = query[g];
    T* const to = dx[n];
#pragma omp simd
    for (std::int64_t c = 0; c < width; ++c) to[c] += factor * from[c];
  });
}

}  // namespace

void segment_dot_forward(const CpuExec& exec, const SegmentDotForward& op) {
  const std::int64_t width = op.x.shape[1];
  with_real(op.score.dtype, [&]<class T>(T) {
    const auto x = read_rows<T>(op.x), query = read_rows<T>(op.query);
    const auto score = write_rows<T>(op.score);
    for_each_node(exec, op.graph, width,
                  [&](std::int64_t n, std::int64_t g) { *score[n] = dot(x[n], query[g], width); });
  });
}

std::size_t workspace_size(const CpuExec& exec, const SegmentDotBackward& op) {
  Carver carver;
  if (op.dquery.defined()) carver.take<double>(exec.threads * op.dquery.shape[1]);
  return carver.bytes();
}

void segment_dot_backward(const CpuExec& exec, const SegmentDotBackward& op) {
  with_real(op.dscore.dtype, [&]<class T>(T) {
    if (op.dquery.defined()) write_dquery<T>(exec, op);
    if (op.dx.defined()) add_dx<T>(exec, op);
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
