// SPDX-License-Identifier: MIT
#pragma once

// What the set-up of cases shares.

#include <utility>

#include "cases.hpp"
#include "random_tensor.hpp"

namespace warpgnn::bench {

/// A call of an op, with a workspace of its own where it asks for one.
template <class... Parameters, class... Parts>
std::function<void()> call_of(const Context& context, void (*op)(const Context&, Parameters...), Parts... parts) {
  if constexpr (sizeof...(Parameters) > sizeof...(Parts)) {
    const auto scratch = std::make_shared<WorkspaceBuffer>();
    scratch->reserve(context, workspace_size(context, parts...));  // before the call is captured
    return [=] { op(context, parts..., *scratch); };
  } else {
    return [=] { op(context, parts...); };
  }
}

struct Pass {
  std::function<void()> run;
  Bytes bytes;
  double flops = 0;
};

/// The case for one direction. Before a backward on its own the forward pass has run once.
inline Case choose(Direction direction, const Pass& forward, const Pass& backward, std::shared_ptr<const void> memory) {
  if (direction != Direction::both) forward.run();
  Case result{.memory = std::move(memory)};
  if (direction == Direction::both) {
    result.run = [first = forward.run, second = backward.run] {
      first();
      second();
    };
    result.bytes = forward.bytes + backward.bytes;
    result.flops = forward.flops + backward.flops;
  } else {
    const Pass& pass = direction == Direction::backward ? backward : forward;
    result.run = pass.run;
    result.bytes = pass.bytes;
    result.flops = pass.flops;
  }
  return result;
}

inline Sizes sizes_of(const Graph& graph, std::int64_t width = 0, std::int64_t heads = 0,
                      Dtype storage = Dtype::float32) {
  return {.nodes = static_cast<double>(graph.num_nodes()),
          .edges = static_cast<double>(graph.num_edges()),
          .width = static_cast<double>(width),
          .heads = static_cast<double>(heads),
          .graphs = static_cast<double>(graph.num_graphs()),
          .stored = static_cast<double>(size_of(storage))};
}

inline Tensor empty(const Context& context, std::initializer_list<std::int64_t> shape, Dtype dtype = Dtype::float32) {
  return Tensor(context, dtype, shape);
}

}  // namespace warpgnn::bench
