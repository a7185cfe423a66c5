// SPDX-License-Identifier: MIT
// Losses element by element: launchers.

#include "kernels/base/reduce.cuh"
#include "kernels/dense/pointwise_loss.cuh"

namespace warpgnn::kernels {
namespace {

template <class T, class Op>
Compared<T> compared(const Op& op) {
  return {rows_of<T>(op.prediction), rows_of<T>(op.target), rows_of<T>(op.weight), static_cast<T>(op.delta)};
}

}  // namespace
}  // namespace warpgnn::kernels

namespace warpgnn::backend {

using namespace kernels;

std::size_t workspace_size(const CudaExec&, const PointwiseLossForward& op) {
  Carver carver;
  carver.take<double>(scalar_partial_count(op.prediction.shape[0], math::kMeanSums));
  return carver.bytes();
}

void pointwise_loss_forward(const CudaExec& exec, const PointwiseLossForward& op) {
  const std::int64_t rows = op.prediction.shape[0], columns = op.prediction.shape[1];
  with_real(op.prediction.dtype, [&](auto zero) {
    using T = decltype(zero);
    math::with_pointwise_loss(op.kind, [&](auto kind) {
      reduce_all<1, math::kMeanSums>(
          exec, "pointwise_loss_forward", rows, columns, PointwiseTerm<T, decltype(kind)::value>{compared<T>(op)},
          StoreMean<T>{op.loss.as<T>(), op.total_weight.as<T>()}, static_cast<double*>(op.workspace.data));
    });
  });
}

void pointwise_loss_backward(const CudaExec& exec, const PointwiseLossBackward& op) {
  const std::int64_t rows = op.prediction.shape[0], columns = op.prediction.shape[1];
  if (rows == 0 || columns == 0) return;
  with_real(op.prediction.dtype, [&](auto zero) {
    using T = decltype(zero);
    math::with_pointwise_loss(op.kind, [&](auto kind) {
      launch(exec, "pointwise_loss_backward", pointwise_loss_gradient<T, decltype(kind)::value>,
             row_tiles(exec, rows, columns), rows, columns, compared<T>(op), op.total_weight.as<T>(),
             rows_of<T>(op.dprediction));
    });
  });
}

}  // namespace warpgnn::backend
