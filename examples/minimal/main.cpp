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
  const auto per_channel = [&] { return Tensor(context, Dtype::float32, {4, 2, 2}); };
  const auto per_head = [&] { return Tensor(context, Dtype::float32, {4, 2}); };
  const Tensor y = per_channel(), positive_y = per_channel(), dvalue = per_channel();
  const Tensor maximum = per_head(), sum = per_head(), positive_weight = per_head(), dsource = per_head(),
               ddestination = per_head();
  WorkspaceBuffer scratch;

  GatAttentionForward forward{.graph = graph,
                              .value = value,
                              .source_score = score,
                              .destination_score = score,
                              .y = y,
                              .maximum = maximum,
                              .sum = sum,
                              .positive_y = positive_y,
                              .positive_weight = positive_weight};
  forward.workspace = scratch.reserve(context, workspace_size(context, forward));
  gat_attention_forward(context, forward);

  GatAttentionBackward backward{.graph = graph,
                                .value = value,
                                .source_score = score,
                                .destination_score = score,
                                .y = y,
                                .maximum = maximum,
                                .sum = sum,
                                .positive_y = positive_y,
                                .positive_weight = positive_weight,
                                .dy = dy,
                                .dvalue = dvalue,
                                .dsource_score = dsource,
                                .ddestination_score = ddestination};
  backward.workspace = scratch.reserve(context, workspace_size(context, backward));
  gat_attention_backward(context, backward);

  const std::vector<float> out = y.to_host<float>(), gradient = dvalue.to_host<float>();
  for (std::size_t i = 0; i < out.size(); ++i) std::printf("y %8.4f   dvalue %8.4f\n", out[i], gradient[i]);
}
