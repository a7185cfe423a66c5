// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/context.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// Divides every row by its length: y_n = x_n / |x_n|, a row of zeros staying as it is.
///
/// Shapes. x, y [N, F], F >= 1; norm [N] = |x_n| (optional, needed for backward); one real dtype.
/// Saved for backward. y and norm.
/// Writes. Outputs are overwritten; y may be x, and overlaps nothing otherwise.
/// Determinism. Bit-identical reruns; stream-ordered, no allocation, no workspace, can be captured.
/// Errors. `invalid_argument` names the argument.
struct NormalizeRowsForward {
  ConstTensorView x;
  TensorView y;
  TensorView norm{};
};

/// dx_n = (dy_n - y_n <y_n, dy_n>) / |x_n|, 0 for a row of zeros. dx is overwritten and may be dy.
struct NormalizeRowsBackward {
  ConstTensorView y;
  ConstTensorView norm;
  ConstTensorView dy;
  TensorView dx;
};

void normalize_rows_forward(const Context& context, const NormalizeRowsForward& op);
void normalize_rows_backward(const Context& context, const NormalizeRowsBackward& op);

}  // namespace warpgnn
