// SPDX-License-Identifier: MIT
#pragma once

#include "tests/oracle/gcn_norm.hpp"
#include "tests/oracle/types.hpp"

namespace oracle {

/// GAT attention for edge e = (j -> i): p = s_j + t_i + u_e, l = LeakyReLU(p), alpha = softmax over the row of i,
/// y_i = sum of mask_e alpha_e z_j.
struct Gat {
  Edges edges;
  std::size_t heads = 1;
  std::size_t channels = 1;
  double slope = 0.2;
  Reals value{};              // [N_src, H, C]
  Reals source_score{};       // [N_src, H]
  Reals destination_score{};  // [N_dst, H]
  Reals edge_score{};         // [E, H], empty: none
  double dropout = 0;
  std::uint64_t seed = 0;
  std::int64_t counter = 0;

  /// p_e, before the LeakyReLU.
  double score(std::size_t e, std::size_t h) const;
};

struct GatForward {
  Sums y;                // [N_dst, H, C]
  Statistics softmax;    // [N_dst, H]
  Sums positive_y;       // [N_dst, H, C], the edges with p > 0 only
  Sums positive_weight;  // [N_dst, H], before dropout
  Reals weight;          // alpha [E, H]
};
GatForward gat(const Gat& in);

struct GatGradients {
  Sums dvalue;
  Sums dsource_score;
  Sums ddestination_score;
  Sums dedge_score;  // [E, H], whether or not there was an edge score
};
GatGradients gat_backward(const Gat& in, const Reals& dy);

/// score_nh = <x_nh, vector_h>.
Sums head_dot(const Reals& x, const Reals& vector, std::size_t heads, std::size_t channels);
struct HeadDotGradients {
  Sums dx;
  Sums dvector;
};
HeadDotGradients head_dot_backward(const Reals& x, const Reals& vector, const Reals& dscore, std::size_t heads,
                                   std::size_t channels);

}  // namespace oracle
