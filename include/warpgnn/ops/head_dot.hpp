// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/context.hpp"
#include "warpgnn/result.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// score_nh = <x_nh, vector_h>: x [N, H, C], vector [H, C], score [N, H]. score is overwritten.
/// Dtypes. x: float32, float64, float16 or bfloat16; the rest: accumulator_of it (dtype.hpp).
struct HeadDot {
  ConstTensorView x{};
  ConstTensorView vector{};
};

/// What head_dot_forward writes.
struct HeadDotResult {
  TensorView score{};
};

/// dx_nh += dscore_nh vector_h (ACCUMULATES: x usually has another use, as the value of attention);
/// dvector_h = sum_n dscore_nh x_nh (overwritten). Each is optional. Deterministic. Dtypes as in HeadDot, dx like x: in
/// 16 bits the sum dx is rounded once more.
struct HeadDotGradients {
  ConstTensorView dscore{};
  TensorView dx{};
  TensorView dvector{};
};

Owned<HeadDotResult> allocate(const Context& context, const HeadDot& op, Purpose purpose = Purpose::training);
std::size_t workspace_size(const Context& context, const HeadDot& op, const HeadDotGradients& gradients);
void head_dot_forward(const Context& context, const HeadDot& op, const HeadDotResult& result);
void head_dot_backward(const Context& context, const HeadDot& op, const HeadDotGradients& gradients,
                       const WorkspaceSource& workspace = {});

}  // namespace warpgnn
