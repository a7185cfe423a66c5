#pragma once

#include "types.hpp"

namespace oracle {

enum class PoolReduce { sum, mean, max };
enum class PoolGate { none, softmax, sigmoid, raw };

/// y_g = reduce over the nodes n in [offset[g], offset[g + 1]) of a_n x_n.
struct Pool {
  Ids offset;  // [G + 1]
  PoolReduce reduce = PoolReduce::sum;
  PoolGate gate = PoolGate::none;
  std::size_t features = 1;
  Reals x;        // [N, F]
  Reals score{};  // [N], with a gate

  std::size_t graphs() const { return offset.size() - 1; }
  std::size_t begin(std::size_t g) const { return static_cast<std::size_t>(offset[g]); }
  std::size_t end(std::size_t g) const { return static_cast<std::size_t>(offset[g + 1]); }
};

struct Pooled {
  Sums y;        // [G, F]
  Reals lse;     // [G], softmax gate only
  Ids arg;       // [G, F], max only
  Reals weight;  // a_n [N]
};
Pooled pool(const Pool& in);

struct PoolGradients {
  Sums dx;      // [N, F]
  Sums dscore;  // [N]
};
PoolGradients pool_backward(const Pool& in, const Reals& dy);

}  // namespace oracle
