// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "warpgnn/nn/session.hpp"

namespace warpgnn::nn {

/// W x_i, what some layers add to the result of node i. Without a weight it is 0.
class RootTerm {
 public:
  RootTerm() = default;
  /// W [out, in] starts Glorot.
  RootTerm(Session& session, const std::string& weight, std::int64_t in, std::int64_t out);

  bool defined() const { return weight_.value.defined(); }
  /// y += x W^T.
  void add(Session& session, const ConstTensorView& x, const Tensor& y);
  /// The gradient of W, from that of the sum, and where need_dx that of x, which is returned.
  SharedTensor backward(Session& session, const ConstTensorView& x, const ConstTensorView& dy, bool need_dx);
  void collect(ParameterList& list);

 private:
  Parameter weight_;
  Tensor product_, dx_;
};

}  // namespace warpgnn::nn
