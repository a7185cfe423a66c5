// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/context.hpp"
#include "warpgnn/ops/elementwise.hpp"
#include "warpgnn/result.hpp"
#include "warpgnn/tensor.hpp"

/// Dense layers. Stream-ordered, no allocation (but see Linear), bit-identical reruns on the same machine.
/// Outputs are overwritten and may not overlap an input unless said.
/// Errors. `invalid_argument` names the argument.
///
/// Dtypes. Matrices of rows (x, y and their gradients) of one op have one dtype: float32, float64, float16 or bfloat16.
/// Parameter vectors and the gradients of parameters have accumulator_of it: float32 beside 16-bit rows.
namespace warpgnn {

/// y = activation(x weight^T + bias): x [N, I], weight [O, I] of x's dtype, bias [O] (optional), y [N, O]. The slope is
/// that of Activate; bias and activation are one pass over what the product has just written. oneDNN, Eigen (float64)
/// or cuBLAS in full precision; 16-bit matrices are multiplied with float32 sums. On the CPU the product is cut by its
/// sizes into pieces that are each one thread's work, so no bit depends on the number of threads; oneDNN and Eigen may
/// take scratch memory for the time of the call.
/// Workspace. CPU, 16-bit matrices only.
struct Linear {
  ConstTensorView x{};
  ConstTensorView weight{};
  ConstTensorView bias{};
  Activation activation = Activation::identity;
  double slope = 0.2;
};

/// What linear_forward writes.
struct LinearResult {
  TensorView y{};
};

/// dx = dz weight (or dx += dz weight, where add_to_dx says so), dweight = dz^T x, dbias = column sums of dz; each only
/// where its view is given. dz is dy, and with an activation dy activation'(z), from y alone as in ActivateGradients.
/// dweight and dbias are float32 beside 16-bit rows: what an optimiser adds to its float32 copy of the parameters, of
/// which the next step's weight is made by `convert`.
/// Workspace. dz, with an activation; partial sums.
struct LinearGradients {
  ConstTensorView dy{};
  TensorView dx{};
  TensorView dweight{};
  TensorView dbias{};
  ConstTensorView y{};     ///< what forward wrote; read only with an activation
  bool add_to_dx = false;  ///< dx holds the gradient that came by another way
};

Owned<LinearResult> allocate(const Context& context, const Linear& op, Purpose purpose = Purpose::training);
std::size_t workspace_size(const Context& context, const Linear& op, const LinearResult& result);
std::size_t workspace_size(const Context& context, const Linear& op, const LinearGradients& gradients);
void linear_forward(const Context& context, const Linear& op, const LinearResult& result,
                    const WorkspaceSource& workspace = {});
void linear_backward(const Context& context, const Linear& op, const LinearGradients& gradients,
                     const WorkspaceSource& workspace = {});

}  // namespace warpgnn
