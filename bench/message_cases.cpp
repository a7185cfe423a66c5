#include "case_parts.hpp"

namespace warpgnn::bench {

Case edge_aggregate_case(const Context& context, const Graph& graph, EdgeMessage message, Reduce reduce,
                         std::int64_t width, Direction direction) {
  struct Memory {
    Tensor x, edge, y, arg, dy, dx, dedge;
  };
  const std::int64_t nodes = graph.num_nodes(), edges = graph.num_edges();
  const auto m = std::make_shared<Memory>(Memory{.x = {},
                                                 .edge = random_tensor(context, {edges, width}),
                                                 .y = empty(context, {nodes, width}),
                                                 .arg = {},
                                                 .dy = random_tensor(context, {nodes, width}),
                                                 .dx = {},
                                                 .dedge = empty(context, {edges, width})});
  if (message != EdgeMessage::edge) {
    m->x = random_tensor(context, {nodes, width});
    m->dx = empty(context, {nodes, width});
  }
  if (reduce == Reduce::max || reduce == Reduce::min) m->arg = empty(context, {nodes, width}, Dtype::int32);
  const Sizes sizes = sizes_of(graph, width);
  return choose(direction,
                {call_of(context, edge_aggregate_forward,
                         EdgeAggregateForward{.graph = graph,
                                              .message = message,
                                              .reduce = reduce,
                                              .x = m->x,
                                              .edge = m->edge,
                                              .y = m->y,
                                              .arg = m->arg}),
                 edge_aggregate_forward_bytes(sizes, message, reduce)},
                {call_of(context, edge_aggregate_backward,
                         EdgeAggregateBackward{.graph = graph,
                                               .message = message,
                                               .reduce = reduce,
                                               .x = m->x,
                                               .edge = m->edge,
                                               .arg = m->arg,
                                               .dy = m->dy,
                                               .dx = m->dx,
                                               .dedge = m->dedge}),
                 edge_aggregate_backward_bytes(sizes, message, reduce)},
                m);
}

}  // namespace warpgnn::bench
