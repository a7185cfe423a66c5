// SPDX-License-Identifier: MIT
#include "case_parts.hpp"

namespace warpgnn::bench {

Case naive_spmm_case(const Context& context, const Graph& graph, std::int64_t width) {
  struct Memory {
    Tensor x, weight, y;
  };
  const auto m = std::make_shared<Memory>(Memory{.x = random_tensor(context, {graph.num_nodes(), width}),
                                                 .weight = random_tensor(context, {graph.num_edges()}),
                                                 .y = empty(context, {graph.num_nodes(), width})});
  const auto run = [graph, width, x = m->x.view().as<float>(), weight = m->weight.view().as<float>(),
                    y = m->y.view().as<float>()] {
    const Adjacency& in = graph.in_edges();
    for (std::int64_t i = 0; i < in.rows; ++i) {
      for (std::int64_t c = 0; c < width; ++c) y[i * width + c] = 0;
      for (std::int64_t s = in.offset[i]; s < in.offset[i + 1]; ++s) {
        const std::int64_t edge = in.edge_id == nullptr ? s : in.edge_id[s];
        for (std::int64_t c = 0; c < width; ++c) y[i * width + c] += weight[edge] * x[in.neighbor[s] * width + c];
      }
    }
  };
  return {
      .run = run, .bytes = aggregate_forward_bytes(sizes_of(graph, width), Reduce::sum, Factors::edges), .memory = m};
}

}  // namespace warpgnn::bench
