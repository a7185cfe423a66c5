// SPDX-License-Identifier: MIT
#include "kernels/base/reduce.cuh"
#include "kernels/dense/layer_norm.cuh"

namespace warpgnn::kernels {
namespace {

using backend::CudaExec;

constexpr int kParameterSums = 2;  // per column: dbeta and dgamma

/// A vector as the one row of a matrix: the strides of its elements are nobody's concern then.
ConstTensorView as_row(const ConstTensorView& vector) {
  return reshape(vector, {1, vector.shape[0]});
}

template <class T>
void forward(const CudaExec& exec, const LayerNormForward& op) {
  const std::int64_t rows = op.x.shape[0], columns = op.x.row_size();
  for_rows<T>(rows, columns, pack_width<T>(columns, {op.x, as_row(op.gamma), as_row(op.beta), op.y}),
              [&](auto width, auto held, int lanes, const LaunchShape& shape) {
                launch(exec, "layer_norm_forward",
                       layer_norm_forward_by_row<T, decltype(width)::value, decltype(held)::value>, shape,
                       LayerNormForwardArguments<T>{.rows = rows,
                                                    .columns = columns,
                                                    .lanes = lanes,
                                                    .share = T(1) / static_cast<T>(columns),
                                                    .epsilon = static_cast<T>(op.epsilon),
                                                    .root_epsilon = static_cast<T>(std::sqrt(op.epsilon)),
                                                    .x = rows_of<T>(op.x),
                                                    .gamma = op.gamma.as<T>(),
                                                    .beta = op.beta.as<T>(),
                                                    .y = rows_of<T>(op.y),
                                                    .mean = rows_of<T>(op.mean),
                                                    .inv_std = rows_of<T>(op.inv_std)});
              });
}

bool needs_parameters(const LayerNormBackward& op) {
  return op.dgamma.defined() || op.dbeta.defined();
}

/// How the rows are cut where a block computes all gradients: every group of a block has a few rows. The memory for it
/// is asked for before it is known which packs the views allow, so it depends on the shape alone.
template <class T>
Slabs layer_norm_slabs(std::int64_t rows, std::int64_t columns) {
  const int most_groups = kHeldRowThreads / lanes_for((columns + kMaxPackWidth<T> - 1) / kMaxPackWidth<T>);
  const std::int64_t per_slab = std::max<std::int64_t>(2 * most_groups, (rows + kMaxSlabs - 1) / kMaxSlabs);
  return Slabs{(rows + per_slab - 1) / per_slab, per_slab};
}

template <class T>
T* carve(backend::Carver& carver, const LayerNormBackward& op) {
  if (!needs_parameters(op)) return nullptr;
  const std::int64_t rows = op.dy.shape[0], columns = op.dy.row_size();
  const std::int64_t by_slab = layer_norm_slabs<T>(rows, columns).count * columns * kParameterSums;
  return carver.take<T>(std::max(by_slab, column_partial_count(rows, columns, kParameterSums)));
}

template <class T>
StoreLayerNormGradients<T> parameter_store(const LayerNormBackward& op) {
  return {rows_of<T>(op.dbeta), rows_of<T>(op.dgamma)};
}

template <class T>
LayerNormBackwardArguments<T> backward_arguments(const LayerNormBackward& op, int lanes) {
  return {.rows = op.dy.shape[0],
          .columns = op.dy.row_size(),
          .lanes = lanes,
          .share = T(1) / static_cast<T>(op.dy.row_size()),
          .x = rows_of<T>(op.x),
          .mean = rows_of<T>(op.mean),
          .inv_std = rows_of<T>(op.inv_std),
          .dy = rows_of<T>(op.dy),
          .gamma = op.gamma.as<T>(),
          .dx = rows_of<T>(op.dx)};
}

/// For rows that fit the registers.
template <class T, int kWidth>
void all_gradients(const CudaExec& exec, const LayerNormBackward& op, int lanes, T* partial) {
  const std::int64_t rows = op.dy.shape[0], columns = op.dy.row_size();
  const Slabs slabs = layer_norm_slabs<T>(rows, columns);
  with_held_packs(columns / kWidth, lanes, [&](auto held) {
    launch(exec, "layer_norm_backward", layer_norm_backward_by_slab<T, kWidth, decltype(held)::value>,
           {dim3(static_cast<unsigned>(slabs.count)), dim3(kHeldRowThreads)}, backward_arguments<T>(op, lanes), slabs,
           partial);
  });
  if (!needs_parameters(op)) return;
  launch(exec, "layer_norm_backward sums", column_totals<T, kParameterSums, StoreLayerNormGradients<T>>,
         {dim3(blocks_for(columns, kWarpSize)), dim3(kWarpSize, kReduceThreads / kWarpSize)}, slabs.count, columns,
         static_cast<const T*>(partial), parameter_store<T>(op));
}

/// For longer rows: the sums over rows apart, then dx, which may be dy.
template <class T, int kWidth>
void gradients_apart(const CudaExec& exec, const LayerNormBackward& op, int lanes, T* partial) {
  const std::int64_t rows = op.dy.shape[0], columns = op.dy.row_size();
  if (needs_parameters(op)) {
    reduce_columns<T, kWidth, kParameterSums>(
        exec, "layer_norm_backward sums", rows, columns,
        LayerNormParameterTerm<T, kWidth>{rows_of<T>(op.x), rows_of<T>(op.dy), rows_of<T>(op.mean),
                                          rows_of<T>(op.inv_std)},
        parameter_store<T>(op), partial);
  }
  if (!op.dx.defined()) return;
  launch(exec, "layer_norm_backward", layer_norm_backward_by_row<T, kWidth, kMaxHeldPacks>,
         {dim3(blocks_for(rows, kHeldRowThreads / lanes)), dim3(kHeldRowThreads)}, backward_arguments<T>(op, lanes));
}

template <class T>
void backward(const CudaExec& exec, const LayerNormBackward& op) {
  const std::int64_t columns = op.dy.row_size();
  backend::Carver carver(op.workspace.data);
  T* const partial = carve<T>(carver, op);
  const ConstTensorView gamma = op.dx.defined() ? as_row(op.gamma) : ConstTensorView{};
  with_pack_width<T>(pack_width<T>(columns, {op.x, gamma, op.dy, op.dx}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const int lanes = lanes_for(columns / kWidth);
    if (columns / kWidth <= kMaxHeldPacks * lanes) {
      all_gradients<T, kWidth>(exec, op, lanes, partial);
    } else {
      gradients_apart<T, kWidth>(exec, op, lanes, partial);
    }
  });
}

}  // namespace
}  // namespace warpgnn::kernels

namespace warpgnn::backend {

using namespace kernels;

void layer_norm_forward(const CudaExec& exec, const LayerNormForward& op) {
  with_real(op.y.dtype, [&](auto zero) { forward<decltype(zero)>(exec, op); });
}

std::size_t workspace_size(const CudaExec&, const LayerNormBackward& op) {
  Carver carver;
  with_real(op.dy.dtype, [&](auto zero) { carve<decltype(zero)>(carver, op); });
  return carver.bytes();
}

void layer_norm_backward(const CudaExec& exec, const LayerNormBackward& op) {
  with_real(op.dy.dtype, [&](auto zero) { backward<decltype(zero)>(exec, op); });
}

}  // namespace warpgnn::backend
