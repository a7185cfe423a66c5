// SPDX-License-Identifier: MIT
// Cross entropy: launchers.

#include "kernels/base/reduce.cuh"
#include "kernels/dense/loss.cuh"

namespace warpgnn::kernels {
namespace {

/// Whether one block passes over the rows in less time than a second launch takes: few steps, of a class for each lane.
bool fits_one_block(std::int64_t rows, std::int64_t classes) {
  return classes <= kWarpSize && rows * lanes_for(classes) <= 4 * kLossThreads;
}

template <class T>
struct LossWorkspace {
  std::size_t bytes = 0;
  T* row_loss = nullptr;
  double* partial = nullptr;
};

template <class T>
LossWorkspace<T> loss_workspace(const ConstTensorView& logits, void* base) {
  const std::int64_t rows = logits.shape[0];
  backend::Carver carver(base);
  LossWorkspace<T> workspace;
  if (fits_one_block(rows, logits.row_size())) return workspace;
  workspace.row_loss = carver.take<T>(rows);
  workspace.partial = carver.take<double>(scalar_partial_count(rows, math::kMeanSums));
  workspace.bytes = carver.bytes();
  return workspace;
}

}  // namespace
}  // namespace warpgnn::kernels

namespace warpgnn::backend {

using namespace kernels;

std::size_t workspace_size(const CudaExec&, const CrossEntropyForward& op) {
  return with_real(op.logits.dtype,
                   [&](auto zero) { return loss_workspace<decltype(zero)>(op.logits, nullptr).bytes; });
}

void cross_entropy_forward(const CudaExec& exec, const CrossEntropyForward& op) {
  const std::int64_t rows = op.logits.shape[0], columns = op.logits.row_size();
  const int lanes = lanes_for(columns);
  with_real(op.logits.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto weights = ClassWeights<T>::of(op, columns);
    if (fits_one_block(rows, columns)) {
      return launch(exec, "cross_entropy_forward", cross_entropy_whole<T>, {dim3(1), dim3(kLossThreads)}, rows, lanes,
                    weights, rows_of<T>(op.logits), rows_of<std::int32_t>(op.label), rows_of<T>(op.probability),
                    StoreMean<T>{op.loss.as<T>(), op.total_weight.as<T>()});
    }
    const LossWorkspace<T> workspace = loss_workspace<T>(op.logits, op.workspace.data);
    launch(exec, "cross_entropy_forward", cross_entropy_rows<T>,
           {dim3(blocks_for(rows, kLossThreads / lanes)), dim3(kLossThreads)}, rows, lanes, weights,
           rows_of<T>(op.logits), rows_of<std::int32_t>(op.label), rows_of<T>(op.probability), workspace.row_loss);
    reduce_all<1, math::kMeanSums>(exec, "cross_entropy_forward mean", rows, 1,
                                   RowLossTerm<T>{weights, workspace.row_loss, rows_of<std::int32_t>(op.label)},
                                   StoreMean<T>{op.loss.as<T>(), op.total_weight.as<T>()}, workspace.partial);
  });
}

void cross_entropy_backward(const CudaExec& exec, const CrossEntropyBackward& op) {
  const std::int64_t rows = op.dlogits.shape[0], columns = op.dlogits.row_size();
  if (rows == 0 || columns == 0) return;
  with_real(op.dlogits.dtype, [&](auto zero) {
    using T = decltype(zero);
    with_pack_width<T>(pack_width<T>(columns, {op.probability, op.dlogits}), [&](auto constant) {
      constexpr int kWidth = decltype(constant)::value;
      launch(exec, "cross_entropy_backward", cross_entropy_gradient<T, kWidth>, row_tiles(exec, rows, columns / kWidth),
             rows, ClassWeights<T>::of(op, columns), op.total_weight.as<T>(), rows_of<T>(op.probability),
             rows_of<std::int32_t>(op.label), rows_of<T>(op.dlogits));
    });
  });
}

}  // namespace warpgnn::backend
