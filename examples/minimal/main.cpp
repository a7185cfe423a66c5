// SPDX-License-Identifier: MIT
// Fused GAT attention, forward and backward, on a graph of four nodes: two heads of two channels.
#include <cstdio>
#include <vector>

#include "warpgnn/warpgnn.hpp"

int main() {
  using namespace warpgnn;
  const Context context = Context::best();  // the first GPU, else the CPU
  std::printf("running on %s\n", context.description().c_str());

  std::vector<std::int32_t> source = {0, 1, 2, 3, 3}, destination = {1, 2, 0, 0, 3};
  const Graph graph = Graph::from_coo(context, {view(source.data(), {5}), view(destination.data(), {5}), 4, 4});

  const std::vector<float> numbers = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, ones(16, 1.0F);
  const Tensor value = Tensor::from<float>(context, numbers, {4, 2, 2});
  const Tensor score = Tensor::from<float>(context, {numbers.data(), 8}, {4, 2});
  const Tensor dy = Tensor::from<float>(context, ones, {4, 2, 2});
  const GatAttention op{.graph = graph, .value = value, .source_score = score, .destination_score = score};
  const Owned<GatAttentionResult> result = allocate(context, op);  // y, and what backward reads
  const Tensor dvalue = empty_like(context, value), dsource = empty_like(context, score);
  WorkspaceBuffer scratch;
  gat_attention_forward(context, op, result, scratch);
  gat_attention_backward(context, op, result, {.dy = dy, .dvalue = dvalue, .dsource_score = dsource}, scratch);

  const std::vector<float> out = to_host<float>(context, result->y), gradient = dvalue.to_host<float>();
  for (std::size_t i = 0; i < out.size(); ++i) std::printf("y %8.4f   dvalue %8.4f\n", out[i], gradient[i]);
}
