// SPDX-License-Identifier: MIT
#pragma once

#include "tests/oracle/gcn_norm.hpp"
#include "tests/oracle/types.hpp"

namespace oracle {

enum class PoolReduce { sum, mean, max };
enum class PoolGate { none, softmax, sigmoid, raw };

/// y_g = reduce over the nodes n in [offset[g], offset[g + 1]) of a_n x_n; each head weighs its own part of the
/// features.
struct Pool {
  Ids offset;  // [G + 1]
  PoolReduce reduce = PoolReduce::sum;
  PoolGate gate = PoolGate::none;
  std::size_t features = 1;
  Reals x;        // [N, F]
  Reals score{};  // [N, heads], with a gate
  std::size_t heads = 1;
  double temperature = 1;  // of a softmax gate

  std::size_t graphs() const { return offset.size() - 1; }
  /// Where the score is that weighs feature f of node n.
  std::size_t score_at(std::size_t n, std::size_t f) const { return n * heads + f / (features / heads); }
  std::size_t begin(std::size_t g) const { return static_cast<std::size_t>(offset[g]); }
  std::size_t end(std::size_t g) const { return static_cast<std::size_t>(offset[g + 1]); }
};

struct Pooled {
  Sums y;              // [G, F]
  Statistics softmax;  // [G, heads], softmax gate only
  Ids arg;             // [G, F], max only
  Reals weight;        // a_n [N, heads]
};
Pooled pool(const Pool& in);

struct PoolGradients {
  Sums dx;      // [N, F]
  Sums dscore;  // [N, heads]
};
PoolGradients pool_backward(const Pool& in, const Reals& dy);

}  // namespace oracle
