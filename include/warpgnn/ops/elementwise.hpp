// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>

#include "warpgnn/context.hpp"
#include "warpgnn/result.hpp"
#include "warpgnn/tensor.hpp"

/// What happens to elements or whole rows one by one. Stream-ordered, no allocation, bit-identical reruns on the same
/// machine. Outputs are overwritten and may not overlap an input unless said.
/// Errors. `invalid_argument` names the argument.
///
/// Dtypes. Matrices of rows (x, y and their gradients) of one op have one dtype: float32, float64, float16 or bfloat16.
/// Parameter vectors and the gradients of parameters have accumulator_of it: float32 beside 16-bit rows.
namespace warpgnn {

/// The activations; Activate says what their slope is.
enum class Activation : std::uint8_t { identity, relu, leaky_relu, elu, tanh, sigmoid };

/// y = activation(x), element by element, for tensors of any one shape; in place (y = x) is allowed.
/// `slope`, a finite number, is the factor of negative inputs for leaky_relu and alpha for elu.
/// relu(-0) is +0. NaN stays NaN. Where leaky_relu multiplies, it does as IEEE 754 says: slope 0 makes -inf NaN.
struct Activate {
  Activation kind = Activation::relu;
  double slope = 0.2;
  ConstTensorView x{};
};

/// What activation_forward writes and activation_backward reads.
struct ActivateResult {
  TensorView y{};
};

/// dx = dy activation'(x), from y alone (leaky_relu and elu need slope > 0); in place (dx = dy) is allowed.
/// The derivative at a kink is that of the negative side.
struct ActivateGradients {
  ConstTensorView dy{};
  TensorView dx{};
};

/// y = x / (1 - p) where dropout_keeps(seed, threshold(p), row, column), else 0; x and y [N, F], in place allowed.
/// Its gradient is itself, applied to dy with the same seed. With a counter, [1] int64 on the op's device, the seed is
/// dropout_seed(seed, counter) of random.hpp, read when the op runs: captured work that is replayed after
/// advance_counter draws another mask.
struct Dropout {
  double probability = 0.5;
  std::uint64_t seed = 0;
  ConstTensorView x;
  TensorView y;
  ConstTensorView counter{};
};

/// ++counter: [1] int64. It lies on the device, so that captured work counts on when it is replayed.
struct AdvanceCounter {
  TensorView counter;
};

/// y_n = x[index_n]: x [M, F], index [N] int32 in [0, M), y [N, F]. Any dtype.
/// A row whose index is out of range is filled with zeros.
struct GatherRows {
  ConstTensorView x;
  ConstTensorView index;
  TensorView y;
};

/// Rows of several tables, each as GatherRows says: on a GPU one launch, where a batch of small graphs would take one
/// for each of its features. Rows of 16-bit numbers that are not of whole pairs take a launch of their own.
struct GatherTables {
  std::span<const GatherRows> tables;
};

/// y = x, rounded to nearest where y has less precision: tensors of one shape, each float32, float16 or bfloat16.
struct Convert {
  ConstTensorView x;
  TensorView y;
};

/// target += scale * source: tensors of one shape.
struct AddScaled {
  double scale = 1;
  ConstTensorView source;
  TensorView target;
};

/// y_n = x_n + bias for every row: x and y [N, F], bias [F]; in place (y = x) is allowed. The gradient of bias is
/// that of LinearGradients.
struct AddBias {
  ConstTensorView x;
  ConstTensorView bias;
  TensorView y;
};

Owned<ActivateResult> allocate(const Context& context, const Activate& op, Purpose purpose = Purpose::training);
void activation_forward(const Context& context, const Activate& op, const ActivateResult& result);
void activation_backward(const Context& context, const Activate& op, const ActivateResult& result,
                         const ActivateGradients& gradients);
void dropout(const Context& context, const Dropout& op);
void advance_counter(const Context& context, const AdvanceCounter& op);
void gather_rows(const Context& context, const GatherRows& op);
void gather_tables(const Context& context, const GatherTables& op);
void convert(const Context& context, const Convert& op);
void add_scaled(const Context& context, const AddScaled& op);
void add_bias(const Context& context, const AddBias& op);

}  // namespace warpgnn
