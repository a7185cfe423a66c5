// SPDX-License-Identifier: MIT
#pragma once

/// Scores of attention, one channel at a time.
///
/// A score of two feature vectors, query and k, the key with the edge's own part, consists of
///   keep             what is kept of a query and a key until the gradients
///   term, score      the score is score(sum over channels of term)
///   chain            dl as a factor of all gradients below
///   key_gradient, query_gradient, vector_gradient

#include "host/math/activations.hpp"
#include "host/math/softmax.hpp"
#include "warpgnn/ops/attention.hpp"

namespace warpgnn::math {

/// GAT: l = LeakyReLU(p) of the sum p of one term per source, destination and, optionally, edge.
template <class M, class T>
struct GatActivation {
  T slope;

  /// -inf stays -inf at any slope: a masked edge must get weight 0, and 0 * -inf would be NaN.
  WARPGNN_MATH T operator()(T p) const { return p == -kInfinity<T> ? p : leaky_relu<M>(p, slope); }
  WARPGNN_MATH T derivative(T p) const { return leaky_relu_derivative(p, slope); }
  /// The sum of dp over a destination's edges, from what the forward saved of those with p > 0: <dy, positive_y> and
  /// positive_weight, and delta = <dy, y>.
  WARPGNN_MATH T destination_gradient(T positive_dot, T delta, T positive_weight) const {
    return (T(1) - slope) * (positive_dot - delta * positive_weight);
  }
};

/// A score <vector, f(query + k)>: kept is what Score keeps of a sum query + k, value and derivative are f and f' from
/// that.
template <class Score>
struct ActivatedScore {
  static constexpr bool kHasVector = true;

  template <class T>
  WARPGNN_MATH T keep(T query, T key) const {
    return self().kept(query + key);
  }
  template <class T>
  WARPGNN_MATH T term(T kept, T /*query*/, T vector) const {
    return vector * self().value(kept);
  }
  template <class T>
  WARPGNN_MATH T score(T sum) const {
    return sum;
  }
  template <class T>
  WARPGNN_MATH T chain(T dl) const {
    return dl;
  }
  template <class T>
  WARPGNN_MATH T key_gradient(T g, T kept, T /*query*/, T vector) const {
    return g * vector * self().derivative(kept);
  }
  template <class T>
  WARPGNN_MATH T query_gradient(T g, T kept, T vector) const {
    return g * vector * self().derivative(kept);
  }
  template <class T>
  WARPGNN_MATH T vector_gradient(T g, T kept) const {
    return g * self().value(kept);
  }

 private:
  WARPGNN_MATH const Score& self() const { return static_cast<const Score&>(*this); }
};

/// GATv2: f is LeakyReLU.
template <class M, class T>
struct LeakyScore : ActivatedScore<LeakyScore<M, T>> {
  T slope{};

  template <class Op>
  static LeakyScore of(const Op& op) {
    LeakyScore score;
    score.slope = static_cast<T>(op.negative_slope);
    return score;
  }
  WARPGNN_MATH T kept(T sum) const { return sum; }
  template <class V>
  WARPGNN_MATH V value(V kept) const {
    return leaky_relu<M>(kept, slope);
  }
  template <class V>
  WARPGNN_MATH V derivative(V kept) const {
    return leaky_relu_derivative(kept, slope);
  }
};

/// Additive: f is tanh, which is kept.
template <class M, class T>
struct TanhScore : ActivatedScore<TanhScore<M, T>> {
  template <class Op>
  static TanhScore of(const Op&) {
    return {};
  }
  WARPGNN_MATH T kept(T sum) const { return M::tanh(sum); }
  template <class V>
  WARPGNN_MATH V value(V kept) const {
    return kept;
  }
  template <class V>
  WARPGNN_MATH V derivative(V kept) const {
    return T(1) - kept * kept;
  }
};

/// scale <query, k>.
template <class M, class T>
struct DotScore {
  static constexpr bool kHasVector = false;
  T scale{};

  template <class Op>
  static DotScore of(const Op& op) {
    return DotScore{static_cast<T>(op.scale)};
  }
  WARPGNN_MATH T keep(T /*query*/, T key) const { return key; }
  WARPGNN_MATH T term(T kept, T query, T /*vector*/) const { return query * kept; }
  WARPGNN_MATH T score(T sum) const { return M::rounded_product(scale, sum); }
  WARPGNN_MATH T chain(T dl) const { return scale * dl; }
  WARPGNN_MATH T key_gradient(T g, T /*kept*/, T query, T /*vector*/) const { return g * query; }
  WARPGNN_MATH T query_gradient(T g, T kept, T /*vector*/) const { return g * kept; }
  WARPGNN_MATH T vector_gradient(T /*g*/, T /*kept*/) const { return T(0); }
};

/// Calls `function` with the score of the op.
template <class M, class T, class Op, class Function>
void with_attention_score(const Op& op, Function&& function) {
  switch (op.score) {
    case AttentionScore::gatv2: return function(LeakyScore<M, T>::of(op));
    case AttentionScore::additive: return function(TanhScore<M, T>::of(op));
    case AttentionScore::dot: return function(DotScore<M, T>::of(op));
  }
}

}  // namespace warpgnn::math
