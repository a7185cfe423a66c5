// SPDX-License-Identifier: MIT
// Cross entropy against targets that are chances: launchers.

#include "kernels/base/reduce.cuh"
#include "kernels/dense/soft_cross_entropy.cuh"

namespace warpgnn::kernels {
namespace {

struct SoftLossWorkspace {
  double *row_loss, *partial;
  std::size_t bytes;
};

SoftLossWorkspace soft_loss_workspace(std::int64_t rows, void* base) {
  backend::Carver carver(base);
  SoftLossWorkspace workspace{};
  workspace.row_loss = carver.take<double>(rows);
  workspace.partial = carver.take<double>(scalar_partial_count(rows, math::kMeanSums));
  workspace.bytes = carver.bytes();
  return workspace;
}

}  // namespace
}  // namespace warpgnn::kernels

namespace warpgnn::backend {

using namespace kernels;

std::size_t workspace_size(const CudaExec&, const SoftCrossEntropyForward& op) {
  return soft_loss_workspace(op.logits.shape[0], nullptr).bytes;
}

void soft_cross_entropy_forward(const CudaExec& exec, const SoftCrossEntropyForward& op) {
  const std::int64_t rows = op.logits.shape[0], classes = op.logits.shape[1];
  const int lanes = lanes_for(classes);
  const SoftLossWorkspace workspace = soft_loss_workspace(rows, op.workspace.data);
  with_real(op.logits.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (rows > 0) {
      launch(exec, "soft_cross_entropy_forward", soft_cross_entropy_rows<T>,
             {dim3(blocks_for(rows, kSoftLossThreads / lanes)), dim3(kSoftLossThreads)}, rows, classes, lanes,
             rows_of<T>(op.logits), rows_of<T>(op.target),
             SoftRows<T>{rows_of<T>(op.maximum), rows_of<T>(op.sum), rows_of<T>(op.row_weight)}, workspace.row_loss);
    }
    const auto weight = rows_of<T>(op.row_weight);
    reduce_all<1, math::kMeanSums>(exec, "soft_cross_entropy_forward mean", rows, 1,
                                   SoftLossTerm<T>{workspace.row_loss, {weight.data, weight.stride}},
                                   StoreMean<T>{op.loss.as<T>(), op.total_weight.as<T>()}, workspace.partial);
  });
}

void soft_cross_entropy_backward(const CudaExec& exec, const SoftCrossEntropyBackward& op) {
  const std::int64_t rows = op.logits.shape[0], classes = op.logits.shape[1];
  if (rows == 0) return;
  with_real(op.logits.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto run = [&](auto constant) {
      constexpr int kWidth = decltype(constant)::value;
      launch(exec, "soft_cross_entropy_backward", soft_cross_entropy_gradient<T, kWidth>,
             row_tiles(exec, rows, classes / kWidth), rows, classes, op.total_weight.as<T>(), rows_of<T>(op.logits),
             rows_of<T>(op.target),
             SoftRows<const T>{rows_of<T>(op.maximum), rows_of<T>(op.sum), rows_of<T>(op.row_weight)},
             rows_of<T>(op.dlogits));
    };
    if constexpr (std::is_same_v<T, double>) {
      run(std::integral_constant<int, 1>{});  // two exponentials in double at once take more registers than there are
    } else {
      with_pack_width<T>(pack_width<T>(classes, {op.logits, op.target, op.dlogits}), run);
    }
  });
}

}  // namespace warpgnn::backend
