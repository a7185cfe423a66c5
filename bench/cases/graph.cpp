// SPDX-License-Identifier: MIT
#include "case_parts.hpp"

namespace warpgnn::bench {

Case aggregate_case(const Context& context, const Graph& graph, Reduce reduce, Factors factors, std::int64_t width,
                    Direction direction, Dtype storage) {
  struct Memory {
    Tensor x, weight, scale, y, arg, dy, dx;
  };
  const std::int64_t nodes = graph.num_nodes();
  const bool extreme = reduce == Reduce::max || reduce == Reduce::min;
  const auto m = std::make_shared<Memory>(Memory{.x = random_tensor(context, {nodes, width}, storage),
                                                 .weight = {},
                                                 .scale = {},
                                                 .y = empty(context, {nodes, width}, storage),
                                                 .arg = {},
                                                 .dy = random_tensor(context, {nodes, width}, storage),
                                                 .dx = empty(context, {nodes, width}, storage)});
  if (factors == Factors::edges) m->weight = random_tensor(context, {graph.num_edges()});
  if (factors == Factors::nodes) m->scale = random_tensor(context, {nodes});
  if (extreme) m->arg = empty(context, {nodes, width}, Dtype::int32);
  const Sizes sizes = sizes_of(graph, width, 0, storage);
  const Aggregate op{.graph = graph,
                     .reduce = reduce,
                     .x = m->x,
                     .weight = m->weight,
                     .source_scale = m->scale,
                     .destination_scale = m->scale};
  return choose(direction,
                {call_of(context, aggregate_forward, op, AggregateResult{.y = m->y, .arg = m->arg}),
                 aggregate_forward_bytes(sizes, reduce, factors)},
                {call_of(context, aggregate_backward, op, AggregateResult{.arg = m->arg},
                         AggregateGradients{.dy = m->dy, .dx = m->dx}),
                 aggregate_backward_bytes(sizes, reduce, factors)},
                m);
}

Case edge_dot_case(const Context& context, const Graph& graph, std::int64_t width) {
  struct Memory {
    Tensor x, weight, dy, dweight;
  };
  const std::int64_t nodes = graph.num_nodes(), edges = graph.num_edges();
  const auto m = std::make_shared<Memory>(Memory{.x = random_tensor(context, {nodes, width}),
                                                 .weight = random_tensor(context, {edges}),
                                                 .dy = random_tensor(context, {nodes, width}),
                                                 .dweight = empty(context, {edges})});
  return {.run = call_of(context, aggregate_backward, Aggregate{.graph = graph, .x = m->x, .weight = m->weight},
                         AggregateResult{}, AggregateGradients{.dy = m->dy, .dweight = m->dweight}),
          .bytes = edge_dot_bytes(sizes_of(graph, width)),
          .memory = m};
}

Case gcn_norm_case(const Context& context, const Graph& graph, Direction direction) {
  struct Memory {
    Tensor norm, inv_sqrt_degree, dnorm, dweight;
  };
  const std::int64_t nodes = graph.num_nodes(), edges = graph.num_edges();
  const auto m = std::make_shared<Memory>(Memory{.norm = empty(context, {edges}),
                                                 .inv_sqrt_degree = empty(context, {nodes}),
                                                 .dnorm = random_tensor(context, {edges}),
                                                 .dweight = empty(context, {edges})});
  return choose(direction,
                {call_of(context, gcn_norm_forward, GcnNorm{.graph = graph},
                         GcnNormResult{.norm = m->norm, .inv_sqrt_degree = m->inv_sqrt_degree}),
                 gcn_norm_forward_bytes(sizes_of(graph))},
                {call_of(context, gcn_norm_backward, GcnNorm{.graph = graph},
                         GcnNormResult{.inv_sqrt_degree = m->inv_sqrt_degree},
                         GcnNormGradients{.dnorm = m->dnorm, .dweight = m->dweight}),
                 gcn_norm_backward_bytes(sizes_of(graph))},
                m);
}

Case edge_softmax_case(const Context& context, const Graph& graph, std::int64_t heads, Direction direction) {
  struct Memory {
    Tensor score, weight, dweight, dscore;
  };
  const std::int64_t edges = graph.num_edges();
  const auto m = std::make_shared<Memory>(Memory{.score = random_tensor(context, {edges, heads}),
                                                 .weight = empty(context, {edges, heads}),
                                                 .dweight = random_tensor(context, {edges, heads}),
                                                 .dscore = empty(context, {edges, heads})});
  const Sizes sizes = sizes_of(graph, 0, heads);
  return choose(
      direction,
      {call_of(context, edge_softmax_forward, EdgeSoftmax{.graph = graph, .score = m->score},
               EdgeSoftmaxResult{.weight = m->weight}),
       edge_softmax_forward_bytes(sizes)},
      {call_of(context, edge_softmax_backward, EdgeSoftmax{.graph = graph}, EdgeSoftmaxResult{.weight = m->weight},
               EdgeSoftmaxGradients{.dweight = m->dweight, .dscore = m->dscore}),
       edge_softmax_backward_bytes(sizes)},
      m);
}

Case graph_build_case(const Context& context, const std::shared_ptr<const EdgeTensors>& edges) {
  const Sizes sizes{.nodes = static_cast<double>(edges->nodes), .edges = static_cast<double>(edges->edges())};
  return {.run = [context, list = edges->view()] { Graph::from_coo(context, list); },
          .bytes = graph_build_bytes(sizes),
          .memory = edges};
}

Case graph_select_case(const Context& context, const Graph& graph) {
  const auto chosen = std::make_shared<std::vector<std::int64_t>>();
  for (std::int64_t g = 0; g < graph.num_graphs(); g += 8) chosen->push_back(g);
  const Graph batch = graph.select(context, *chosen).graph;
  return {.run = [context, graph, list = chosen.get()] { static_cast<void>(graph.select(context, *list)); },
          .bytes = graph_select_bytes(sizes_of(batch)),
          .memory = chosen};
}

}  // namespace warpgnn::bench
