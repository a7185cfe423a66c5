// SPDX-License-Identifier: MIT
// Batch normalisation: launchers.

#include "kernels/base/reduce.cuh"
#include "kernels/dense/batch_norm.cuh"

namespace warpgnn::kernels {
namespace {

using backend::CudaExec;

constexpr int kGradientSums = 2;  // per column

/// Few blocks along the rows: each thread loads its columns' parameters once and then runs down many rows.
LaunchShape column_runs(const CudaExec& exec, std::int64_t rows, std::int64_t packs) {
  return row_tiles(exec, rows, packs, 8 * exec.multiprocessors);
}

template <class Partial>
Partial* take_partials(backend::Carver& carver, const ConstTensorView& x, int sums) {
  return carver.take<Partial>(column_partial_count(x.shape[0], x.row_size(), sums));
}

template <class T, int kWidth>
void find_statistics(const CudaExec& exec, const BatchNormForward& op) {
  const std::int64_t rows = op.x.shape[0], columns = op.x.row_size();
  backend::Carver carver(op.workspace.data);
  const StoreStatistics<T> store{.rows = static_cast<double>(rows),
                                 .epsilon = op.epsilon,
                                 .momentum = op.momentum,
                                 .first_row = op.x.as<T>(),
                                 .running_mean = rows_of<T>(op.running_mean),
                                 .running_var = rows_of<T>(op.running_var),
                                 .saved_mean = rows_of<T>(op.saved_mean),
                                 .saved_inv_std = rows_of<T>(op.saved_inv_std)};
  reduce_columns<double, kWidth, kMoments>(exec, "batch_norm_forward statistics", rows, columns,
                                           MomentsTerm<T, kWidth>{rows_of<T>(op.x)}, store,
                                           take_partials<double>(carver, op.x, kMoments));
}

template <class T, int kWidth, bool kFromVariance>
void apply(const CudaExec& exec, const BatchNormForward& op, const ConstTensorView& mean,
           const ConstTensorView& deviation) {
  const std::int64_t rows = op.x.shape[0], columns = op.x.row_size();
  launch(exec, "batch_norm_forward", batch_norm_apply<T, kWidth, kFromVariance>,
         column_runs(exec, rows, columns / kWidth), rows, columns, static_cast<T>(op.epsilon), rows_of<T>(op.x),
         rows_of<T>(op.gamma), rows_of<T>(op.beta), rows_of<T>(mean), rows_of<T>(deviation), rows_of<T>(op.y));
}

/// The sums over rows that gradients are made of: the caller's, or in the workspace where only dx is wanted.
template <class T>
struct GradientSums {
  Rows<T> dbeta, dgamma;
  T* partials;

  GradientSums(backend::Carver& carver, const BatchNormBackward& op) {
    const auto place = [&](const TensorView& wanted) {
      T* const own = carver.take<T>(wanted.defined() ? 0 : op.x.row_size());
      return wanted.defined() ? rows_of<T>(wanted) : Rows<T>{own, 1};
    };
    dbeta = place(op.dbeta);
    dgamma = place(op.dgamma);
    partials = take_partials<T>(carver, op.x, kGradientSums);
  }
};

template <class T, int kWidth>
void differentiate(const CudaExec& exec, const BatchNormBackward& op) {
  const std::int64_t rows = op.x.shape[0], columns = op.x.row_size();
  backend::Carver carver(op.workspace.data);
  const GradientSums<T> sums(carver, op);
  const Rows<const T> x = rows_of<T>(op.x), dy = rows_of<T>(op.dy), mean = rows_of<T>(op.saved_mean),
                      inv_std = rows_of<T>(op.saved_inv_std);
  reduce_columns<T, kWidth, kGradientSums>(exec, "batch_norm_backward sums", rows, columns,
                                           BatchNormGradientTerm<T, kWidth>{x, dy, mean, inv_std},
                                           StoreBatchNormGradients<T>{sums.dbeta, sums.dgamma}, sums.partials);
  if (!op.dx.defined()) return;
  launch(exec, "batch_norm_backward", batch_norm_input_gradient<T, kWidth>, column_runs(exec, rows, columns / kWidth),
         rows, columns, x, dy, rows_of<T>(op.gamma), mean, inv_std, Rows<const T>(sums.dbeta),
         Rows<const T>(sums.dgamma), rows_of<T>(op.dx));
}

}  // namespace
}  // namespace warpgnn::kernels

namespace warpgnn::backend {

using namespace kernels;

std::size_t workspace_size(const CudaExec&, const BatchNormForward& op) {
  if (!op.training) return 0;
  Carver carver;
  take_partials<double>(carver, op.x, kMoments);
  return carver.bytes();
}

void batch_norm_forward(const CudaExec& exec, const BatchNormForward& op) {
  with_real(op.y.dtype, [&](auto zero) {
    using T = decltype(zero);
    with_pack_width<T>(pack_width<T>(op.x.row_size(), {op.x, op.y}), [&](auto constant) {
      constexpr int kWidth = decltype(constant)::value;
      if (op.training) {
        find_statistics<T, kWidth>(exec, op);
        apply<T, kWidth, false>(exec, op, op.saved_mean, op.saved_inv_std);
      } else {
        apply<T, kWidth, true>(exec, op, op.running_mean, op.running_var);
      }
    });
  });
}

std::size_t workspace_size(const CudaExec&, const BatchNormBackward& op) {
  return with_real(op.x.dtype, [&](auto zero) {
    Carver carver;
    GradientSums<decltype(zero)>(carver, op);
    return carver.bytes();
  });
}

void batch_norm_backward(const CudaExec& exec, const BatchNormBackward& op) {
  with_real(op.x.dtype, [&](auto zero) {
    using T = decltype(zero);
    with_pack_width<T>(pack_width<T>(op.x.row_size(), {op.x, op.dy, op.dx}),
                       [&](auto constant) { differentiate<T, decltype(constant)::value>(exec, op); });
  });
}

}  // namespace warpgnn::backend
