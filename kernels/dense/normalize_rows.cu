// SPDX-License-Identifier: MIT
#include "kernels/dense/normalize_rows.cuh"

namespace warpgnn::kernels {
namespace {

using backend::CudaExec;

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

void normalize_rows_forward(const CudaExec& exec, const NormalizeRowsForward& op) {
  with_real(op.y.dtype, [&](auto zero) { normalize<decltype(zero)>(exec, op); });
}

void normalize_rows_backward(const CudaExec& exec, const NormalizeRowsBackward& op) {
  with_real(op.dx.dtype, [&](auto zero) { normalize_gradient<decltype(zero)>(exec, op); });
}

}  // namespace warpgnn::backend
