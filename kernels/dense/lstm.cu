// SPDX-License-Identifier: MIT
#include "kernels/dense/lstm.cuh"

namespace warpgnn::backend {

using namespace kernels;

void lstm_cell_forward(const CudaExec& exec, const LstmCellForward& op) {
  const std::int64_t rows = op.c.shape[0], features = op.c.row_size();
  if (rows == 0) return;
  with_real(op.c.dtype, [&](auto zero) {
    using T = decltype(zero);
    // Packs divide the features, so that those of the four gates are aligned like the row.
    with_pack_width<T>(pack_width<T>(features, {op.gates, op.c_previous, op.c, op.h}), [&](auto constant) {
      constexpr int kWidth = decltype(constant)::value;
      launch(exec, "lstm_cell_forward", lstm_cell_forward_by_row<T, kWidth>, row_tiles(exec, rows, features / kWidth),
             LstmCellForwardArguments<T>{.rows = rows,
                                         .features = features,
                                         .gates = rows_of<T>(op.gates),
                                         .c_previous = rows_of<T>(op.c_previous),
                                         .c = rows_of<T>(op.c),
                                         .h = rows_of<T>(op.h)});
    });
  });
}

void lstm_cell_backward(const CudaExec& exec, const LstmCellBackward& op) {
  const std::int64_t rows = op.c.shape[0], features = op.c.row_size();
  if (rows == 0) return;
  with_real(op.c.dtype, [&](auto zero) {
    using T = decltype(zero);
    const int width = pack_width<T>(features, {op.gates, op.c_previous, op.c, op.dh, op.dc, op.dgates, op.dc_previous});
    with_pack_width<T>(width, [&](auto constant) {
      constexpr int kWidth = decltype(constant)::value;
      launch(exec, "lstm_cell_backward", lstm_cell_backward_by_row<T, kWidth>, row_tiles(exec, rows, features / kWidth),
             LstmCellBackwardArguments<T>{.rows = rows,
                                          .features = features,
                                          .gates = rows_of<T>(op.gates),
                                          .c_previous = rows_of<T>(op.c_previous),
                                          .c = rows_of<T>(op.c),
                                          .dh = rows_of<T>(op.dh),
                                          .dc = rows_of<T>(op.dc),
                                          .dgates = rows_of<T>(op.dgates),
                                          .dc_previous = rows_of<T>(op.dc_previous)});
    });
  });
}

}  // namespace warpgnn::backend
