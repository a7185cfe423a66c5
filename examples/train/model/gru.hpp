// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "warpgnn/nn/layers.hpp"

namespace train {

/// A gated recurrent unit (Cho et al. 2014) over M sequences of T steps. Step t of sequence m is row m T + t of what it
/// takes and gives. It starts from zeros.
class Gru {
 public:
  Gru(warpgnn::nn::Session& session, const std::string& name, std::int64_t in, std::int64_t width);

  /// The states [M T, width] of all steps, from x [M T, in].
  warpgnn::ConstTensorView forward(const warpgnn::ConstTensorView& x, std::int64_t steps);
  /// From the gradient of the states to that of x.
  warpgnn::ConstTensorView backward(const warpgnn::ConstTensorView& dstates);
  void collect(warpgnn::nn::ParameterList& list);

 private:
  /// The rows of a step in a tensor of [M T, parts * width].
  warpgnn::TensorView at(const warpgnn::Tensor& tensor, std::int64_t step, std::int64_t parts) const;
  warpgnn::ConstTensorView input_at(std::int64_t step) const;

  warpgnn::nn::Session* session_;
  std::int64_t width_, steps_ = 0, sequences_ = 0;
  warpgnn::nn::Linear input_;
  warpgnn::nn::Parameter weight_, bias_;  // of the states
  warpgnn::ConstTensorView from_input_;
  warpgnn::Tensor states_, previous_, from_states_, dinput_, dstates_, dprevious_;
};

}  // namespace train
