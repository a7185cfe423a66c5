// Dot products of nodes with a row of their graph.

#include "rows.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// The gradient of a query is a pool weighted by the scores' gradients.
PoolForward query_gradient(const SegmentDotBackward& op) {
  return {.graph = op.graph,
          .reduce = PoolReduce::sum,
          .gate = PoolGate::raw,
          .x = op.x,
          .score = op.dscore,
          .y = op.dquery,
          .workspace = op.workspace};
}

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
  return op.dquery.defined() ? backend::workspace_size(exec, query_gradient(op)) : 0;
}

void segment_dot_backward(const CpuExec& exec, const SegmentDotBackward& op) {
  if (op.dquery.defined()) backend::pool_forward(exec, query_gradient(op));
  if (!op.dx.defined()) return;
  const std::int64_t width = op.dx.shape[1];
  with_real(op.dx.dtype, [&]<class T>(T) {
    const auto query = read_rows<T>(op.query), dscore = read_rows<T>(op.dscore);
    const auto dx = write_rows<T>(op.dx);
    for_each_node(exec, op.graph, width, [&](std::int64_t n, std::int64_t g) {
      const T factor = *dscore[n];
      const T* const from = query[g];
      T* const to = dx[n];
#pragma omp simd
      for (std::int64_t c = 0; c < width; ++c) to[c] += factor * from[c];
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
