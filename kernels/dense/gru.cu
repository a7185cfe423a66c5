// SPDX-License-Identifier: MIT
#include "kernels/dense/gru.cuh"

namespace warpgnn::backend {

using namespace kernels;

void gru_cell_forward(const CudaExec& exec, const GruCellForward& op) {
  const std::int64_t rows = op.h.shape[0], features = op.h.row_size();
  if (rows == 0) return;
  with_real(op.h.dtype, [&](auto zero) {
    using T = decltype(zero);
    // Packs divide the features, so that those of the three gates are aligned like the row.
    with_pack_width<T>(pack_width<T>(features, {op.input, op.hidden, op.h_previous, op.h}), [&](auto constant) {
      constexpr int kWidth = decltype(constant)::value;
      launch(exec, "gru_cell_forward", gru_cell_forward_by_row<T, kWidth>, row_tiles(exec, rows, features / kWidth),
             GruCellForwardArguments<T>{.rows = rows,
                                        .features = features,
                                        .input = rows_of<T>(op.input),
                                        .hidden = rows_of<T>(op.hidden),
                                        .h_previous = rows_of<T>(op.h_previous),
                                        .h = rows_of<T>(op.h)});
    });
  });
}

void gru_cell_backward(const CudaExec& exec, const GruCellBackward& op) {
  const std::int64_t rows = op.dh.shape[0], features = op.dh.row_size();
  if (rows == 0) return;
  with_real(op.dh.dtype, [&](auto zero) {
    using T = decltype(zero);
    const int width =
        pack_width<T>(features, {op.input, op.hidden, op.h_previous, op.dh, op.dinput, op.dhidden, op.dh_previous});
    with_pack_width<T>(width, [&](auto constant) {
      constexpr int kWidth = decltype(constant)::value;
      launch(exec, "gru_cell_backward", gru_cell_backward_by_row<T, kWidth>, row_tiles(exec, rows, features / kWidth),
             GruCellBackwardArguments<T>{.rows = rows,
                                         .features = features,
                                         .input = rows_of<T>(op.input),
                                         .hidden = rows_of<T>(op.hidden),
                                         .h_previous = rows_of<T>(op.h_previous),
                                         .dh = rows_of<T>(op.dh),
                                         .dinput = rows_of<T>(op.dinput),
                                         .dhidden = rows_of<T>(op.dhidden),
                                         .dh_previous = rows_of<T>(op.dh_previous)});
    });
  });
}

}  // namespace warpgnn::backend
