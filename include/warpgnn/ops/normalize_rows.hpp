// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/context.hpp"
#include "warpgnn/result.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// Divides every row by its length: y_n = x_n / |x_n|, a row of zeros staying as it is.
///
/// Shapes. x, y [N, F], F >= 1; norm [N] = |x_n| (optional, needed for backward); one real dtype.
/// Saved for backward. y and norm.
/// Writes. Outputs are overwritten; y may be x, and overlaps nothing otherwise.
/// Determinism. Bit-identical reruns; stream-ordered, no allocation, no workspace, can be captured.
/// Errors. `invalid_argument` names the argument.
struct NormalizeRows {
  ConstTensorView x{};
};

/// What normalize_rows_forward writes and normalize_rows_backward reads.
struct NormalizeRowsResult {
  TensorView y{};
  TensorView norm{};
};

/// dx_n = (dy_n - y_n <y_n, dy_n>) / |x_n|, 0 for a row of zeros. dx is overwritten and may be dy.
struct NormalizeRowsGradients {
  ConstTensorView dy{};
  TensorView dx{};
};

Owned<NormalizeRowsResult> allocate(const Context& context, const NormalizeRows& op,
                                    Purpose purpose = Purpose::training);
void normalize_rows_forward(const Context& context, const NormalizeRows& op, const NormalizeRowsResult& result);
void normalize_rows_backward(const Context& context, const NormalizeRows& op, const NormalizeRowsResult& result,
                             const NormalizeRowsGradients& gradients);

}  // namespace warpgnn
