// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "warpgnn/nn/saved_state.hpp"
#include "warpgnn/ops/elementwise.hpp"
#include "warpgnn/ops/linear.hpp"
#include "warpgnn/ops/loss.hpp"
#include "warpgnn/ops/pointwise_loss.hpp"
#include "warpgnn/ops/soft_cross_entropy.hpp"

/// Dense layers with explicit forward and backward.
///
/// All layers have one shape: forward(x), or forward(graph, x, what belongs to the edges), returns y; backward(dy),
/// where something is learnt backward(dy, need_dx), overwrites the gradients of the layer's parameters and returns dx.
/// (GradientSum adds up those of several backwards.) Gradients of further inputs are asked for by name afterwards.
///
/// What comes back is a SharedTensor: kept, it stays as it is, and the next call takes other memory; let go, the next
/// call writes into the same. A ConstTensorView of it is good until then. A layer remembers what it was given as views,
/// not as copies, so x must stay alive and unchanged until backward.
///
/// A layer keeps the state of one forward. Every backward needs exactly one training forward of its layer since the
/// backward before (a second one for the same forward is allowed), else it throws `invalid_argument`: after an
/// evaluation forward, and after two training forwards. Session::end_step forgets forwards that no backward followed.
namespace warpgnn::nn {

/// Options of Linear.
struct LinearOptions {
  bool bias = true;
  Activation activation = Activation::identity;  ///< of the result, in the same pass as the bias
  double slope = 0.2;                            ///< as Activate has it
};

/// y = activation(x W^T + b). W [out, in] and b [out] start uniform in +-1/sqrt(in), as PyTorch's Linear does.
class Linear {
 public:
  Linear(Session& session, const std::string& name, std::int64_t in, std::int64_t out,
         const LinearOptions& options = {});

  SharedTensor forward(const ConstTensorView& x);
  /// Returns dx, or an undefined view when `need_dx` is false (a first layer).
  SharedTensor backward(const ConstTensorView& dy, bool need_dx = true);
  /// The same with a dx of the caller's: overwritten, or added to what another way back left there.
  void backward_to(const ConstTensorView& dy, const TensorView& dx);
  void backward_onto(const ConstTensorView& dy, const TensorView& dx);
  void collect(ParameterList& list);

  Parameter& weight() { return weight_; }
  std::int64_t inputs() const { return weight_.value.view().shape[1]; }

 private:
  warpgnn::Linear problem() const;
  void gradients(const ConstTensorView& dy, const TensorView& dx, bool add_to_dx);

  Session* session_;
  SavedState saved_;
  LinearOptions options_;
  Parameter weight_;
  Parameter bias_;
  ConstTensorView x_;
  Tensor y_, dx_;
};

/// An activation of ActivationForward, element by element.
class Activate {
 public:
  Activate(Session& session, Activation kind, double slope = 0.2);
  SharedTensor forward(const ConstTensorView& x);
  SharedTensor backward(const ConstTensorView& dy);

 private:
  Session* session_;
  SavedState saved_;
  Activation kind_;
  double slope_;
  Tensor y_, dx_;
};

/// Passes its input through when p = 0 or the session does not train.
class DropoutLayer {
 public:
  DropoutLayer(Session& session, double probability);
  SharedTensor forward(const ConstTensorView& x) { return forward(SharedTensor(x)); }
  SharedTensor forward(const SharedTensor& x);
  SharedTensor backward(const ConstTensorView& dy) { return backward(SharedTensor(dy)); }
  SharedTensor backward(const SharedTensor& dy);

 private:
  void apply(const ConstTensorView& from, const TensorView& to) const;

  Session* session_;
  SavedState saved_;
  double probability_;
  std::uint64_t seed_ = 0;
  bool active_ = false;
  Tensor y_, dx_;
};

/// Options of BatchNorm.
struct BatchNormOptions {
  double epsilon = 1e-5;
  double momentum = 0.1;  ///< the share of a batch in the running statistics
  bool affine = true;     ///< gamma and beta are learnt; else they stay 1 and 0, and are no parameters
};

/// Batch normalisation over rows (batch_norm.hpp); uses running statistics when the session does not train. gamma
/// starts as ones, beta as zeros.
class BatchNorm {
 public:
  BatchNorm(Session& session, const std::string& name, std::int64_t features, const BatchNormOptions& options = {});
  SharedTensor forward(const ConstTensorView& x);
  SharedTensor backward(const ConstTensorView& dy, bool need_dx = true);
  void collect(ParameterList& list);

 private:
  Session* session_;
  SavedState saved_;
  BatchNormOptions options_;
  Parameter gamma_, beta_, running_mean_, running_var_;
  Tensor saved_mean_, saved_inv_std_;
  ConstTensorView x_;
  Tensor y_, dx_;
};

/// Layer normalisation of every row, scaled by gamma, which starts as ones, and shifted by beta, which starts as zeros.
class LayerNorm {
 public:
  LayerNorm(Session& session, const std::string& name, std::int64_t features, double epsilon = 1e-5);
  SharedTensor forward(const ConstTensorView& x);
  SharedTensor backward(const ConstTensorView& dy, bool need_dx = true);
  void collect(ParameterList& list);

 private:
  Session* session_;
  SavedState saved_;
  double epsilon_;
  Parameter gamma_, beta_;
  ConstTensorView x_;
  Tensor mean_, inv_std_, y_, dx_;
};

/// Options of CrossEntropy.
struct CrossEntropyOptions {
  double label_smoothing = 0;
  std::int32_t ignore_index = -100;    ///< rows of this label do not count
  std::vector<double> class_weight{};  ///< one of each class; empty: all 1
};

/// Mean cross-entropy of logits [N, K] against labels [N] int32, as CrossEntropyForward of loss.hpp defines it.
class CrossEntropy {
 public:
  explicit CrossEntropy(Session& session, const CrossEntropyOptions& options = {});
  /// The loss, [1], on the device.
  SharedTensor forward(const ConstTensorView& logits, const ConstTensorView& labels);
  SharedTensor backward();
  SharedTensor probability() const { return probability_.share(); }

 private:
  Session* session_;
  SavedState saved_;
  ConstTensorView labels_;
  CrossEntropyOptions options_;
  Tensor class_weight_, loss_, total_weight_, probability_, dlogits_;
};

/// Cross entropy of logits and targets [N, K] that are chances or counts, as SoftCrossEntropy of soft_cross_entropy.hpp
/// defines it.
class SoftCrossEntropy {
 public:
  explicit SoftCrossEntropy(Session& session);
  /// The loss, [1], on the device.
  SharedTensor forward(const ConstTensorView& logits, const ConstTensorView& target);
  SharedTensor backward();

 private:
  SoftCrossEntropyResult result() const;

  Session* session_;
  SavedState saved_;
  warpgnn::SoftCrossEntropy problem_;
  Tensor loss_, total_weight_, maximum_, sum_, row_weight_, dlogits_;
};

/// Mean of a loss between predictions and targets [N, K], as PointwiseLossForward of pointwise_loss.hpp defines it: of
/// regression, and of labels that do not exclude each other.
class PointwiseLoss {
 public:
  explicit PointwiseLoss(Session& session, PointwiseLossKind kind, double delta = 1);
  /// The loss, [1], on the device. `weight` [N, K] may be undefined: all ones.
  SharedTensor forward(const ConstTensorView& prediction, const ConstTensorView& target,
                       const ConstTensorView& weight = {});
  SharedTensor backward();

 private:
  Session* session_;
  SavedState saved_;
  warpgnn::PointwiseLoss problem_;
  Tensor loss_, total_weight_, dprediction_;
};

}  // namespace warpgnn::nn
