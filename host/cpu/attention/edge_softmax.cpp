// SPDX-License-Identifier: MIT
#include "host/cpu/base/heads.hpp"
#include "host/cpu/base/math.hpp"
#include "host/cpu/base/rows.hpp"
#include "host/math/softmax.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// One row, head by head of the [edges, heads] arrays: small rows stay in the cache between the passes.
template <class T>
WARPGNN_INLINE void softmax_row(const Adjacency& in, std::int64_t row, auto heads, Rows<const T> score, Rows<T> weight,
                                T* max) {
  const std::int64_t begin = in.offset[row], end = in.offset[row + 1];
  std::fill(max, max + heads, -math::kInfinity<T>);
  for (std::int64_t s = begin; s < end; ++s) {
    const T* const from = score[edge_of(in, s)];
#pragma omp simd
    for (std::int64_t h = 0; h < heads; ++h) max[h] = from[h] > max[h] ? from[h] : max[h];
  }
#pragma omp simd
  for (std::int64_t h = 0; h < heads; ++h) max[h] = math::softmax_base(max[h]);
  for (std::int64_t s = begin; s < end; ++s) {
    const std::int64_t e = edge_of(in, s);
    const T* const from = score[e];
    T* const to = weight[e];
#pragma omp simd
    for (std::int64_t h = 0; h < heads; ++h) to[h] = vector_exp(from[h] - max[h]);
  }
}

/// `sum` becomes the reciprocal of the sum, and 0 for a head whose weights are all 0.
template <class T>
WARPGNN_INLINE void normalise_row(const Adjacency& in, std::int64_t row, auto heads, Rows<T> weight, double* sum) {
  const std::int64_t begin = in.offset[row], end = in.offset[row + 1];
  std::fill(sum, sum + heads, 0.0);
  for (std::int64_t s = begin; s < end; ++s) {
    const T* const from = weight[edge_of(in, s)];
#pragma omp simd
    for (std::int64_t h = 0; h < heads; ++h) sum[h] += static_cast<double>(from[h]);
  }
#pragma omp simd
  for (std::int64_t h = 0; h < heads; ++h) sum[h] = math::inverse_sum(sum[h]);
  for (std::int64_t s = begin; s < end; ++s) {
    T* const to = weight[edge_of(in, s)];
#pragma omp simd
    for (std::int64_t h = 0; h < heads; ++h) to[h] = static_cast<T>(to[h] * sum[h]);
  }
}

template <class T>
WARPGNN_INLINE void softmax_row_backward(const Adjacency& in, std::int64_t row, auto heads, Rows<const T> weight,
                                         Rows<const T> dweight, Rows<T> dscore, double* sum) {
  const std::int64_t begin = in.offset[row], end = in.offset[row + 1];
  std::fill(sum, sum + heads, 0.0);
  for (std::int64_t s = begin; s < end; ++s) {
    const std::int64_t e = edge_of(in, s);
#pragma omp simd
    for (std::int64_t h = 0; h < heads; ++h) sum[h] += static_cast<double>(weight[e][h]) * dweight[e][h];
  }
  for (std::int64_t s = begin; s < end; ++s) {
    const std::int64_t e = edge_of(in, s);
#pragma omp simd
    for (std::int64_t h = 0; h < heads; ++h) {
      dscore[e][h] = weight[e][h] * (dweight[e][h] - static_cast<T>(sum[h]));
    }
  }
}

/// Doubles of scratch per thread: [heads] sums, whose memory also serves as [heads] maxima.
std::size_t scratch_bytes(const CpuExec& exec, std::int64_t heads) {
  Carver carver;
  carver.take<double>(exec.threads * heads);
  return carver.bytes();
}

}  // namespace

std::size_t workspace_size(const CpuExec& exec, const EdgeSoftmaxForward& op) {
  return scratch_bytes(exec, op.score.row_size());
}

void edge_softmax_forward(const CpuExec& exec, const EdgeSoftmaxForward& op) {
  const Adjacency& in = op.graph.in_edges();
  const std::int64_t heads = op.score.row_size();
  with_real(op.weight.dtype, [&]<class T>(T) {
    const auto score = read_rows<T>(op.score);
    const auto weight = write_rows<T>(op.weight);
    parallel_rows(exec, in.offset, in.rows, 24 * heads, [&](std::int64_t first, std::int64_t last, int thread) {
      double* const scratch = static_cast<double*>(op.workspace.data) + thread * heads;
      with_heads(heads, [&](auto count) {
        for (std::int64_t i = first; i < last; ++i) {
          softmax_row(in, i, count, score, weight, reinterpret_cast<T*>(scratch));
          normalise_row(in, i, count, weight, scratch);
        }
      });
    });
  });
}

std::size_t workspace_size(const CpuExec& exec, const EdgeSoftmaxBackward& op) {
  return scratch_bytes(exec, op.weight.row_size());
}

void edge_softmax_backward(const CpuExec& exec, const EdgeSoftmaxBackward& op) {
  const Adjacency& in = op.graph.in_edges();
  const std::int64_t heads = op.weight.row_size();
  with_real(op.dscore.dtype, [&]<class T>(T) {
    const auto weight = read_rows<T>(op.weight), dweight = read_rows<T>(op.dweight);
    const auto dscore = write_rows<T>(op.dscore);
    parallel_rows(exec, in.offset, in.rows, 8 * heads, [&](std::int64_t first, std::int64_t last, int thread) {
      double* const sum = static_cast<double*>(op.workspace.data) + thread * heads;
      with_heads(heads, [&](auto count) {
        for (std::int64_t i = first; i < last; ++i) softmax_row_backward(in, i, count, weight, dweight, dscore, sum);
      });
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
