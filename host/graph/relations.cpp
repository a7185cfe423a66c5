// SPDX-License-Identifier: MIT
// Graphs whose nodes stand once for each relation of their edges.

#include <algorithm>
#include <limits>

#include "host/core/dispatch.hpp"
#include "host/graph/arguments.hpp"

namespace warpgnn {

namespace {

constexpr std::int64_t kMaxCount = std::numeric_limits<std::int32_t>::max();

void expect_relations(const Context& context, const Graph& graph, const ConstTensorView& relation,
                      std::int64_t relations) {
  expect_on_device(context, graph);
  if (relations < 1) {
    throw Error(ErrorCode::invalid_argument, "relations: expected 1 or more, got " + std::to_string(relations));
  }
  const std::int64_t nodes = std::max({graph.num_sources(), graph.num_destinations(), std::int64_t{1}});
  if (relations > kMaxCount / nodes) {
    throw Error(ErrorCode::overflow, "relations: expected at most " + std::to_string(kMaxCount / nodes) + " for " +
                                         std::to_string(nodes) + " nodes, got " + std::to_string(relations));
  }
  expect_ids("relation", relation);
  if (relation.shape[0] != graph.num_edges()) {
    throw Error(ErrorCode::invalid_argument, "relation: expected shape [" + std::to_string(graph.num_edges()) +
                                                 "], got [" + std::to_string(relation.shape[0]) + "]");
  }
}

/// Typed nodes of those in `node`.
Tensor typed_nodes(const Context& context, const Tensor& node, const Tensor& relation, std::int64_t relations) {
  const std::int64_t count = node.view().shape[0];
  Tensor typed(context, Dtype::int32, {count});
  with_exec(context, [&](const auto& exec) {
    backend::number_typed_nodes(exec, count, node.view().as<const std::int32_t>(),
                                relation.view().as<const std::int32_t>(), relations, typed.view().as<std::int32_t>());
  });
  return typed;
}

}  // namespace

RelationGraph expand_relations(const Context& context, const Graph& graph, const ConstTensorView& relation,
                               std::int64_t relations) {
  expect_relations(context, graph, relation, relations);
  const Tensor types = narrowed_ids(context, "relation", relation, relations);
  const std::int64_t edges = graph.num_edges();
  const Tensor source(context, Dtype::int32, {edges}), destination(context, Dtype::int32, {edges});
  with_exec(context, [&](const auto& exec) {
    backend::list_edges(exec, graph.in_edges(), 0, source.view().as<std::int32_t>(),
                        destination.view().as<std::int32_t>());
  });
  const Tensor typed_source = typed_nodes(context, source, types, relations);
  RelationGraph result{.relations = relations,
                       .typed = {},
                       .merged = {},
                       .typed_destination = typed_nodes(context, destination, types, relations)};
  result.typed = Graph::from_coo(context, {.source = typed_source,
                                           .destination = result.typed_destination,
                                           .num_sources = graph.num_sources() * relations,
                                           .num_destinations = graph.num_destinations() * relations});
  result.merged = Graph::from_coo(context, {.source = typed_source,
                                            .destination = destination,
                                            .num_sources = graph.num_sources() * relations,
                                            .num_destinations = graph.num_destinations()});
  return result;
}

}  // namespace warpgnn
