// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/context.hpp"
#include "warpgnn/result.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// score_nh = <x_nh, vector_h>: x [N, H, C], vector [H, C], score [N, H]. With a second vector, which GAT has for the
/// other end of an edge, second_score likewise, in the same pass over x. Scores are overwritten.
/// Dtypes. x: float32, float64, float16 or bfloat16; the rest: accumulator_of it (dtype.hpp).
struct HeadDot {
  ConstTensorView x{};
  ConstTensorView vector{};
  ConstTensorView second_vector{};  ///< optional
};

/// What head_dot_forward writes.
struct HeadDotResult {
  TensorView score{};
  TensorView second_score{};  ///< with a second vector
};

/// dx_nh += dscore_nh vector_h + dsecond_score_nh second_vector_h (ACCUMULATES: x usually has another use, as the value
/// of attention, whose backward can add this itself); dvector_h = sum_n dscore_nh x_nh and dsecond_vector likewise
/// (overwritten). Each is optional. With a second vector, dsecond_score is needed. Deterministic. Dtypes as in HeadDot,
/// dx like x: in 16 bits the sum dx is rounded once more.
struct HeadDotGradients {
  ConstTensorView dscore{};
  TensorView dx{};
  TensorView dvector{};
  ConstTensorView dsecond_score{};
  TensorView dsecond_vector{};
};

Owned<HeadDotResult> allocate(const Context& context, const HeadDot& op, Purpose purpose = Purpose::training);
std::size_t workspace_size(const Context& context, const HeadDot& op, const HeadDotGradients& gradients);
void head_dot_forward(const Context& context, const HeadDot& op, const HeadDotResult& result);
void head_dot_backward(const Context& context, const HeadDot& op, const HeadDotGradients& gradients,
                       const WorkspaceSource& workspace = {});

}  // namespace warpgnn
