// SPDX-License-Identifier: MIT
#pragma once

#include "tests/oracle/types.hpp"

namespace oracle {

enum class AttentionScore { gatv2, additive, dot };

/// Attention between pairs of feature vectors, for edge e = (j -> i) and k = key_j + edge_key_e:
/// l = <vector, LeakyReLU(query_i + k)>, <vector, tanh(query_i + k)> or scale <query_i, k>, plus edge_bias_e;
/// alpha = softmax over the row of i, y_i = sum of mask_e alpha_e (value_j + edge_value_e).
struct Attention {
  Edges edges;
  AttentionScore score = AttentionScore::gatv2;
  std::size_t heads = 1;
  std::size_t channels = 1;  // of a score
  std::size_t values = 1;    // channels of a value
  double slope = 0.2;
  double scale = 1;
  Reals query{};       // [N_dst, H, D]
  Reals key{};         // [N_src, H, D]
  Reals value{};       // [N_src, H, C]
  Reals edge_key{};    // [E, H, D], empty: none
  Reals edge_value{};  // [E, H, C], empty: none
  Reals edge_bias{};   // [E, H], empty: none
  Reals vector{};      // [H, D], empty for dot
  double dropout = 0;
  std::uint64_t seed = 0;
  std::int64_t counter = 0;
};

struct AttentionForward {
  Sums y;        // [N_dst, H, C]
  Sums maximum;  // [N_dst, H], -inf without edges; magnitudes are those of the score
  Sums sum;      // [N_dst, H]
  Sums weight;   // alpha [E, H]
  Sums dropped;  // the same after dropout
};
AttentionForward attention(const Attention& in);

struct AttentionGradients {
  Sums dquery, dkey, dvalue;
  Sums dedge_key, dedge_value, dedge_bias;  // whether or not there were such inputs
  Sums dvector;                             // zeros for dot
};
AttentionGradients attention_backward(const Attention& in, const Reals& dy);

}  // namespace oracle
