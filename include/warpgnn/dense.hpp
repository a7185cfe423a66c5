#pragma once

#include <cstdint>

#include "warpgnn/context.hpp"
#include "warpgnn/tensor.hpp"

/// The dense operations that a graph network needs beside its graph operations. All are stream-ordered, allocate
/// nothing (but see LinearForward) and give bit-identical reruns on the same machine. Outputs are overwritten and may
/// not overlap an input unless said. Errors: `invalid_argument` names the argument.
///
/// Dtypes. Matrices of rows (x, y and their gradients) of one op have one dtype: float32, float64, float16 or bfloat16.
/// Parameter vectors, statistics, and the gradients of parameters have accumulator_of it: float32 beside 16-bit rows.
/// The loss and Adam take float32 and float64 only.
namespace warpgnn {

/// y = x weight^T + bias: x [N, I], weight [O, I] of x's dtype, bias [O] (optional), y [N, O]. oneDNN, Eigen (float64)
/// or cuBLAS in full precision; 16-bit matrices are multiplied with float32 sums. On the CPU the product is cut by its
/// sizes into pieces that are each one thread's work, so no bit depends on the number of threads; oneDNN and Eigen may
/// take scratch memory for the time of the call. Workspace: CPU, 16-bit matrices only.
struct LinearForward {
  ConstTensorView x;
  ConstTensorView weight;
  ConstTensorView bias{};
  TensorView y;
  Workspace workspace{};
};

/// dx = dy weight, dweight = dy^T x, dbias = column sums of dy; each only where its view is given. dweight and dbias
/// are float32 beside 16-bit rows: what an optimiser adds to its float32 copy of the parameters, of which the next
/// step's weight is made by `convert`.
struct LinearBackward {
  ConstTensorView x{};
  ConstTensorView weight{};
  ConstTensorView dy;
  TensorView dx{};
  TensorView dweight{};
  TensorView dbias{};
  Workspace workspace{};
};

enum class Activation : std::uint8_t { relu, leaky_relu, elu, tanh, sigmoid };

/// y = activation(x), element by element, for tensors of any one shape; in place (y = x) is allowed.
/// `slope`, a finite number, is the factor of negative inputs for leaky_relu and alpha for elu.
/// relu(-0) is +0. NaN stays NaN. Where leaky_relu multiplies, it does as IEEE 754 says: slope 0 makes -inf NaN.
struct ActivationForward {
  Activation kind = Activation::relu;
  double slope = 0.2;
  ConstTensorView x;
  TensorView y;
};

/// dx = dy activation'(x), from y alone (leaky_relu and elu need slope > 0); in place (dx = dy) is allowed.
/// The derivative at a kink is that of the negative side.
struct ActivationBackward {
  Activation kind = Activation::relu;
  double slope = 0.2;
  ConstTensorView y;
  ConstTensorView dy;
  TensorView dx;
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
/// LinearBackward's dbias.
struct AddBias {
  ConstTensorView x;
  ConstTensorView bias;
  TensorView y;
};

/// Batch normalisation over rows (Ioffe and Szegedy 2015): y = gamma (x - mean) / sqrt(var + epsilon) + beta.
///
/// Training: mean and (biased) variance of the batch, and running = (1 - momentum) running + momentum batch, with the
/// unbiased variance, as PyTorch does; needs N >= 1 (a single row has variance 0 and leaves running_var untouched).
/// Evaluation: the running statistics; saved_* are then not written.
/// Shapes. x, y [N, F]; gamma, beta, running_mean, running_var, saved_mean, saved_inv_std [F].
/// Saved for backward. saved_mean, saved_inv_std.
struct BatchNormForward {
  bool training = true;
  double epsilon = 1e-5;
  double momentum = 0.1;
  ConstTensorView x;
  ConstTensorView gamma;
  ConstTensorView beta;
  TensorView running_mean;
  TensorView running_var;
  TensorView y;
  TensorView saved_mean{};
  TensorView saved_inv_std{};
  Workspace workspace{};
};

/// With z = (x - mean) inv_std: dgamma = sum dy z, dbeta = sum dy,
/// dx = gamma inv_std (dy - dbeta / N - z dgamma / N) for a training forward.
struct BatchNormBackward {
  ConstTensorView x;
  ConstTensorView gamma;
  ConstTensorView saved_mean;
  ConstTensorView saved_inv_std;
  ConstTensorView dy;
  TensorView dx;
  TensorView dgamma;
  TensorView dbeta;
  Workspace workspace{};
};

/// Cross entropy of the classes, with w the class weights and s the smoothing, l_k = -log softmax(logits_n)_k:
///   loss = sum over rows of ((1 - s) w_label l_label + s / K sum_k w_k l_k) / total_weight,
///   total_weight = sum over rows of w_label,   probability = softmax(logits).
///
/// A row whose label is ignore_index counts in neither sum. Where no row counts, the loss is 0.
/// Shapes. logits, probability [N, K], K >= 1; label [N] int32; class_weight [K] contiguous (optional: all ones); loss,
/// total_weight [1]. label_smoothing in [0, 1].
/// Saved for backward. probability and total_weight.
/// Errors. `out_of_range` for a label that is neither ignore_index nor in [0, K), on the CPU, before anything is
/// written; on CUDA, where labels are seen too late for that, the loss and the row of dlogits are NaN.
/// Source. Szegedy et al. 2016 (smoothing); the mean is weighted as PyTorch's.
struct CrossEntropyForward {
  double label_smoothing = 0;
  std::int32_t ignore_index = -100;
  ConstTensorView logits;
  ConstTensorView label;
  ConstTensorView class_weight{};
  TensorView loss;
  TensorView probability;
  TensorView total_weight;
  Workspace workspace{};
};

/// dlogits_k = ((1 - s) w_label (probability_k - [k = label]) + s / K (probability_k sum_j w_j - w_k)) / total_weight;
/// 0 in rows that do not count. Shapes, options and errors as in CrossEntropyForward.
struct CrossEntropyBackward {
  double label_smoothing = 0;
  std::int32_t ignore_index = -100;
  ConstTensorView probability;
  ConstTensorView label;
  ConstTensorView class_weight{};
  ConstTensorView total_weight;
  TensorView dlogits;
};

/// One parameter of an Adam step; all four views have one shape and are contiguous.
struct AdamSlot {
  TensorView value;
  ConstTensorView gradient;
  TensorView first_moment;
  TensorView second_moment;
};

/// Adam (Kingma and Ba 2015) with L2 weight decay added to the gradient, for all slots at once:
/// t = ++step; g = gradient + weight_decay value; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2;
/// value -= learning_rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon).
/// step [1] int64 lies on the device, so that a captured step counts on when it is replayed.
struct AdamStep {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  std::span<const AdamSlot> slots;
  TensorView step;
};

std::size_t workspace_size(const Context& context, const LinearForward& op);
std::size_t workspace_size(const Context& context, const LinearBackward& op);
std::size_t workspace_size(const Context& context, const BatchNormForward& op);
std::size_t workspace_size(const Context& context, const BatchNormBackward& op);
std::size_t workspace_size(const Context& context, const CrossEntropyForward& op);
void linear_forward(const Context& context, const LinearForward& op);
void linear_backward(const Context& context, const LinearBackward& op);
void activation_forward(const Context& context, const ActivationForward& op);
void activation_backward(const Context& context, const ActivationBackward& op);
void dropout(const Context& context, const Dropout& op);
void advance_counter(const Context& context, const AdvanceCounter& op);
void gather_rows(const Context& context, const GatherRows& op);
void convert(const Context& context, const Convert& op);
void add_scaled(const Context& context, const AddScaled& op);
void add_bias(const Context& context, const AddBias& op);
void batch_norm_forward(const Context& context, const BatchNormForward& op);
void batch_norm_backward(const Context& context, const BatchNormBackward& op);
void cross_entropy_forward(const Context& context, const CrossEntropyForward& op);
void cross_entropy_backward(const Context& context, const CrossEntropyBackward& op);
void adam_step(const Context& context, const AdamStep& op);

}  // namespace warpgnn
