// Normalisation of rows: launchers.

#include "kernels/reduce.cuh"
#include "kernels/row_norm.cuh"

namespace warpgnn::kernels {
namespace {

using backend::CudaExec;

constexpr int kParameterSums = 2;  // per column: dbeta and dgamma

/// A vector as the one row of a matrix: the strides of its elements are nobody's concern then.
ConstTensorView as_row(const ConstTensorView& vector) {
  return reshape(vector, {1, vector.shape[0]});
}

/// Calls `function` with how many packs of a row each lane holds: all of them up to four, else four.
template <class Function>
void with_held_packs(std::int64_t packs, int lanes, const Function& function) {
  if (packs <= lanes) return function(std::integral_constant<int, 1>{});
  if (packs <= 2 * lanes) return function(std::integral_constant<int, 2>{});
  return function(std::integral_constant<int, 4>{});
}

/// Calls launch_rows(width, held, lanes, shape), the first two as compile-time constants.
template <class T, class Launch>
void for_rows(std::int64_t rows, std::int64_t columns, int width, const Launch& launch_rows) {
  with_pack_width<T>(width, [&](auto width_constant) {
    const std::int64_t packs = columns / width_constant;
    const int lanes = lanes_for(packs);
    const LaunchShape shape{dim3(blocks_for(rows, kRowNormThreads / lanes)), dim3(kRowNormThreads)};
    with_held_packs(packs, lanes, [&](auto held) { launch_rows(width_constant, held, lanes, shape); });
  });
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

template <class T>
T* carve(backend::Carver& carver, const LayerNormBackward& op) {
  if (!needs_parameters(op)) return nullptr;
  return carver.take<T>(column_partial_count(op.dy.shape[0], op.dy.row_size(), kParameterSums));
}

template <class T>
void parameter_gradients(const CudaExec& exec, const LayerNormBackward& op) {
  const std::int64_t rows = op.dy.shape[0], columns = op.dy.row_size();
  backend::Carver carver(op.workspace.data);
  T* const partial = carve<T>(carver, op);
  with_pack_width<T>(pack_width<T>(columns, {op.x, op.dy}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    reduce_columns<T, kWidth, kParameterSums>(
        exec, "layer_norm_backward sums", rows, columns,
        LayerNormParameterTerm<T, kWidth>{rows_of<T>(op.x), rows_of<T>(op.dy), rows_of<T>(op.mean),
                                          rows_of<T>(op.inv_std)},
        StoreLayerNormGradients<T>{rows_of<T>(op.dbeta), rows_of<T>(op.dgamma)}, partial);
  });
}

template <class T>
void input_gradient(const CudaExec& exec, const LayerNormBackward& op) {
  const std::int64_t rows = op.dy.shape[0], columns = op.dy.row_size();
  for_rows<T>(rows, columns, pack_width<T>(columns, {op.x, as_row(op.gamma), op.dy, op.dx}),
              [&](auto width, auto held, int lanes, const LaunchShape& shape) {
                launch(exec, "layer_norm_backward",
                       layer_norm_backward_by_row<T, decltype(width)::value, decltype(held)::value>, shape,
                       LayerNormBackwardArguments<T>{.rows = rows,
                                                     .columns = columns,
                                                     .lanes = lanes,
                                                     .share = T(1) / static_cast<T>(columns),
                                                     .x = rows_of<T>(op.x),
                                                     .mean = rows_of<T>(op.mean),
                                                     .inv_std = rows_of<T>(op.inv_std),
                                                     .dy = rows_of<T>(op.dy),
                                                     .gamma = op.gamma.as<T>(),
                                                     .dx = rows_of<T>(op.dx)});
              });
}

template <class T>
void normalize(const CudaExec& exec, const NormalizeRowsForward& op) {
  const std::int64_t rows = op.x.shape[0], columns = op.x.row_size();
  for_rows<T>(rows, columns, pack_width<T>(columns, {op.x, op.y}),
              [&](auto width, auto held, int lanes, const LaunchShape& shape) {
                launch(exec, "normalize_rows_forward",
                       normalize_rows_forward_by_row<T, decltype(width)::value, decltype(held)::value>, shape,
                       NormalizeRowsForwardArguments<T>{rows, columns, lanes, rows_of<T>(op.x), rows_of<T>(op.y),
                                                        rows_of<T>(op.norm)});
              });
}

template <class T>
void normalize_gradient(const CudaExec& exec, const NormalizeRowsBackward& op) {
  const std::int64_t rows = op.dy.shape[0], columns = op.dy.row_size();
  for_rows<T>(rows, columns, pack_width<T>(columns, {op.y, op.dy, op.dx}),
              [&](auto width, auto held, int lanes, const LaunchShape& shape) {
                launch(exec, "normalize_rows_backward",
                       normalize_rows_backward_by_row<T, decltype(width)::value, decltype(held)::value>, shape,
                       NormalizeRowsBackwardArguments<T>{rows, columns, lanes, rows_of<T>(op.y), rows_of<T>(op.norm),
                                                         rows_of<T>(op.dy), rows_of<T>(op.dx)});
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
  with_real(op.dy.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (needs_parameters(op)) parameter_gradients<T>(exec, op);
    if (op.dx.defined()) input_gradient<T>(exec, op);  // last, because dx may be dy
  });
}

void normalize_rows_forward(const CudaExec& exec, const NormalizeRowsForward& op) {
  with_real(op.y.dtype, [&](auto zero) { normalize<decltype(zero)>(exec, op); });
}

void normalize_rows_backward(const CudaExec& exec, const NormalizeRowsBackward& op) {
  with_real(op.dx.dtype, [&](auto zero) { normalize_gradient<decltype(zero)>(exec, op); });
}

}  // namespace warpgnn::backend
