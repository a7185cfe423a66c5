// SPDX-License-Identifier: MIT
#include "case_parts.hpp"

namespace warpgnn::bench {

Case message_aggregate_case(const Context& context, const Graph& graph, EdgeMessage message, Reduce reduce,
                            std::int64_t width, Direction direction, Dtype storage) {
  struct Memory {
    Tensor x, edge, y, arg, dy, dx, dedge;
  };
  const std::int64_t nodes = graph.num_nodes(), edges = graph.num_edges();
  const auto m = std::make_shared<Memory>(Memory{.x = {},
                                                 .edge = random_tensor(context, {edges, width}, storage),
                                                 .y = empty(context, {nodes, width}, storage),
                                                 .arg = {},
                                                 .dy = random_tensor(context, {nodes, width}, storage),
                                                 .dx = {},
                                                 .dedge = empty(context, {edges, width}, storage)});
  if (message != EdgeMessage::edge) {
    m->x = random_tensor(context, {nodes, width}, storage);
    m->dx = empty(context, {nodes, width}, storage);
  }
  if (reduce == Reduce::max || reduce == Reduce::min) m->arg = empty(context, {nodes, width}, Dtype::int32);
  const Sizes sizes = sizes_of(graph, width, 0, storage);
  const MessageAggregate op{.graph = graph, .message = message, .reduce = reduce, .x = m->x, .edge = m->edge};
  return choose(direction,
                {call_of(context, message_aggregate_forward, op, MessageAggregateResult{.y = m->y, .arg = m->arg}),
                 message_aggregate_forward_bytes(sizes, message, reduce)},
                {call_of(context, message_aggregate_backward, op, MessageAggregateResult{.arg = m->arg},
                         MessageAggregateGradients{.dy = m->dy, .dx = m->dx, .dedge = m->dedge}),
                 message_aggregate_backward_bytes(sizes, message, reduce)},
                m);
}

namespace {

/// Relations in turn, so that every node meets all of them.
Tensor relations_in_turn(const Context& context, std::int64_t edges, std::int64_t relations) {
  std::vector<std::int32_t> relation(static_cast<std::size_t>(edges));
  for (std::size_t e = 0; e < relation.size(); ++e) {
    relation[e] = static_cast<std::int32_t>(static_cast<std::int64_t>(e) % relations);
  }
  return Tensor::from<std::int32_t>(context, relation, {edges});
}

}  // namespace

Case relation_weights_case(const Context& context, const Graph& graph, std::int64_t relations) {
  struct Memory {
    Tensor relation, weight;
  };
  const auto m = std::make_shared<Memory>(Memory{.relation = relations_in_turn(context, graph.num_edges(), relations),
                                                 .weight = empty(context, {graph.num_edges()})});
  return {.run = call_of(context, relation_weights,
                         RelationWeights{.graph = graph, .relations = relations, .relation = m->relation},
                         RelationWeightsResult{.weight = m->weight}),
          .bytes = relation_weights_bytes(sizes_of(graph)),
          .memory = m};
}

Case relation_case(const Context& context, const Graph& graph, std::int64_t relations, std::int64_t bases,
                   std::int64_t width, Direction direction) {
  struct Memory {
    Tensor relation, coefficient, weight, x, y, dy, dx, dcoefficient;
  };
  const std::int64_t nodes = graph.num_nodes(), edges = graph.num_edges();
  const auto m = std::make_shared<Memory>(Memory{.relation = relations_in_turn(context, edges, relations),
                                                 .coefficient = random_tensor(context, {relations, bases}),
                                                 .weight = random_tensor(context, {edges}),
                                                 .x = random_tensor(context, {nodes, width}),
                                                 .y = empty(context, {nodes, bases, width}),
                                                 .dy = random_tensor(context, {nodes, bases, width}),
                                                 .dx = empty(context, {nodes, width}),
                                                 .dcoefficient = empty(context, {relations, bases})});
  const Sizes sizes = sizes_of(graph, width);
  const auto count = static_cast<double>(bases);
  const RelationAggregate op{
      .graph = graph, .relation = m->relation, .coefficient = m->coefficient, .weight = m->weight, .x = m->x};
  return choose(direction,
                {call_of(context, relation_aggregate_forward, op, RelationAggregateResult{.y = m->y}),
                 relation_forward_bytes(sizes, count)},
                {call_of(context, relation_aggregate_backward, op,
                         RelationAggregateGradients{.dy = m->dy, .dx = m->dx, .dcoefficient = m->dcoefficient}),
                 relation_backward_bytes(sizes, count)},
                m);
}

}  // namespace warpgnn::bench
