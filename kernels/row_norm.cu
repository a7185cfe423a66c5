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

/// The packs of a row that a lane holds at most.
constexpr int kMaxHeldPacks = 4;

/// Calls `function` with how many packs of a row each lane holds: all of them up to kMaxHeldPacks.
template <class Function>
void with_held_packs(std::int64_t packs, int lanes, const Function& function) {
  if (packs <= lanes) return function(std::integral_constant<int, 1>{});
  if (packs <= 2 * lanes) return function(std::integral_constant<int, 2>{});
  return function(std::integral_constant<int, kMaxHeldPacks>{});
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
                                                    .root_epsilon = static_cast<T>(std::sqrt(op.epsilon)),
                                                    .x = rows_of<T>(op.x),
                                                    .gamma = op.gamma.as<T>(),
                                                    .beta = op.beta.as<T>(),
                                                    .y = rows_of<T>(op.y),
                                                    .mean = rows_of<T>(op.mean),
                                                    .inv_std = rows_of<T>(op.inv_std)});
              });
}

// --- Backward of layer norm ------------------------------------------------------------------------------------------

bool needs_parameters(const LayerNormBackward& op) {
  return op.dgamma.defined() || op.dbeta.defined();
}

/// How the rows are cut where a block computes all gradients: every group of a block has a few rows. The memory for it
/// is asked for before it is known which packs the views allow, so it depends on the shape alone.
template <class T>
Slabs layer_norm_slabs(std::int64_t rows, std::int64_t columns) {
  const int most_groups = kRowNormThreads / lanes_for((columns + kMaxPackWidth<T> - 1) / kMaxPackWidth<T>);
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
           {dim3(static_cast<unsigned>(slabs.count)), dim3(kRowNormThreads)}, backward_arguments<T>(op, lanes), slabs,
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
         {dim3(blocks_for(rows, kRowNormThreads / lanes)), dim3(kRowNormThreads)}, backward_arguments<T>(op, lanes));
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

// --- Rows of length 1 ------------------------------------------------------------------------------------------------

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
  with_real(op.dy.dtype, [&](auto zero) { backward<decltype(zero)>(exec, op); });
}

void normalize_rows_forward(const CudaExec& exec, const NormalizeRowsForward& op) {
  with_real(op.y.dtype, [&](auto zero) { normalize<decltype(zero)>(exec, op); });
}

void normalize_rows_backward(const CudaExec& exec, const NormalizeRowsBackward& op) {
  with_real(op.dx.dtype, [&](auto zero) { normalize_gradient<decltype(zero)>(exec, op); });
}

}  // namespace warpgnn::backend
