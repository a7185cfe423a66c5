#include "case_parts.hpp"

namespace warpgnn::bench {

Case pool_case(const Context& context, const Graph& graph, PoolReduce reduce, PoolGate gate, std::int64_t width,
               Direction direction, Dtype storage) {
  struct Memory {
    Tensor x, score, y, maximum, sum, arg, dy, dx, dscore;
  };
  const std::int64_t nodes = graph.num_nodes(), graphs = graph.num_graphs();
  const auto m = std::make_shared<Memory>(Memory{.x = random_tensor(context, {nodes, width}, storage),
                                                 .score = {},
                                                 .y = empty(context, {graphs, width}, storage),
                                                 .maximum = {},
                                                 .sum = {},
                                                 .arg = {},
                                                 .dy = random_tensor(context, {graphs, width}, storage),
                                                 .dx = empty(context, {nodes, width}, storage),
                                                 .dscore = {}});
  if (gate != PoolGate::none) {
    m->score = random_tensor(context, {nodes});
    m->dscore = empty(context, {nodes});
  }
  if (gate == PoolGate::softmax) {
    m->maximum = empty(context, {graphs});
    m->sum = empty(context, {graphs});
  }
  if (reduce == PoolReduce::max) m->arg = empty(context, {graphs, width}, Dtype::int32);
  const Sizes sizes = sizes_of(graph, width, 0, storage);
  return choose(direction,
                {call_of(context, pool_forward,
                         PoolForward{.graph = graph,
                                     .reduce = reduce,
                                     .gate = gate,
                                     .x = m->x,
                                     .score = m->score,
                                     .y = m->y,
                                     .maximum = m->maximum,
                                     .sum = m->sum,
                                     .arg = m->arg}),
                 pool_forward_bytes(sizes, reduce, gate)},
                {call_of(context, pool_backward,
                         PoolBackward{.graph = graph,
                                      .reduce = reduce,
                                      .gate = gate,
                                      .x = m->x,
                                      .score = m->score,
                                      .y = m->y,
                                      .maximum = m->maximum,
                                      .sum = m->sum,
                                      .arg = m->arg,
                                      .dy = m->dy,
                                      .dx = m->dx,
                                      .dscore = m->dscore}),
                 pool_backward_bytes(sizes, reduce, gate)},
                m);
}

Case linear_case(const Context& context, std::int64_t rows, std::int64_t in, std::int64_t out, Direction direction,
                 Dtype storage) {
  struct Memory {
    Tensor x, weight, y, dy, dx, dweight;
  };
  const auto m = std::make_shared<Memory>(Memory{.x = random_tensor(context, {rows, in}, storage),
                                                 .weight = random_tensor(context, {out, in}, storage),
                                                 .y = empty(context, {rows, out}, storage),
                                                 .dy = random_tensor(context, {rows, out}, storage),
                                                 .dx = empty(context, {rows, in}, storage),
                                                 .dweight = empty(context, {out, in})});
  const Sizes sizes{.nodes = static_cast<double>(rows),
                    .width = static_cast<double>(out),
                    .stored = static_cast<double>(size_of(storage))};
  const double flops = 2 * static_cast<double>(rows) * static_cast<double>(in) * static_cast<double>(out);
  return choose(
      direction,
      {call_of(context, linear_forward, LinearForward{.x = m->x, .weight = m->weight, .y = m->y}),
       linear_forward_bytes(sizes, static_cast<double>(in)), flops},
      {call_of(context, linear_backward,
               LinearBackward{.x = m->x, .weight = m->weight, .dy = m->dy, .dx = m->dx, .dweight = m->dweight}),
       linear_backward_bytes(sizes, static_cast<double>(in)), 2 * flops},
      m);
}

}  // namespace warpgnn::bench
