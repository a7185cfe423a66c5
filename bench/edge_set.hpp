// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include "warpgnn/graph.hpp"

namespace warpgnn::bench {

/// A directed graph on the host. graph_offsets is empty unless it is a batch.
struct EdgeSet {
  std::int64_t nodes = 0;
  std::vector<std::int32_t> source;
  std::vector<std::int32_t> destination;
  std::vector<std::int64_t> graph_offsets;

  std::int64_t edges() const { return static_cast<std::int64_t>(source.size()); }
  EdgeList view() const;
};

/// The same in the memory of a context's device; graph_offsets stay on the host.
struct EdgeTensors {
  std::int64_t nodes = 0;
  Tensor source{}, destination{};
  std::vector<std::int64_t> graph_offsets{};

  std::int64_t edges() const { return source.view().count(); }
  EdgeList view() const;
};

EdgeTensors upload(const Context& context, const EdgeSet& set);

}  // namespace warpgnn::bench
