// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/context.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// score_nh = <x_nh, vector_h>: x [N, H, C], vector [H, C], score [N, H]. score is overwritten.
/// Dtypes. x: float32, float64, float16 or bfloat16; the rest: accumulator_of it (dtype.hpp).
struct HeadDotForward {
  ConstTensorView x;
  ConstTensorView vector;
  TensorView score;
};

/// dx_nh += dscore_nh vector_h (ACCUMULATES: x usually has another use, as the value of attention);
/// dvector_h = sum_n dscore_nh x_nh (overwritten). Deterministic. Dtypes as in HeadDotForward, dx like x: in 16 bits
/// the sum dx is rounded once more.
struct HeadDotBackward {
  ConstTensorView x;
  ConstTensorView vector;
  ConstTensorView dscore;
  TensorView dx;
  TensorView dvector;
  Workspace workspace{};
};

std::size_t workspace_size(const Context& context, const HeadDotBackward& op);
void head_dot_forward(const Context& context, const HeadDotForward& op);
void head_dot_backward(const Context& context, const HeadDotBackward& op);

}  // namespace warpgnn
