#include "case_parts.hpp"

namespace warpgnn::bench {

Case attention_case(const Context& context, const Graph& graph, HeadShape shape, Direction direction, Dtype storage) {
  struct Memory {
    Tensor value, source_score, destination_score, y, maximum, sum, positive_y, positive_weight;
    Tensor dy, dvalue, dsource_score, ddestination_score;
  };
  const std::int64_t nodes = graph.num_nodes(), heads = shape.heads, channels = shape.channels;
  const auto m = std::make_shared<Memory>();
  m->value = random_tensor(context, {nodes, heads, channels}, storage);
  m->source_score = random_tensor(context, {nodes, heads});
  m->destination_score = random_tensor(context, {nodes, heads});
  for (Tensor* tensor : {&m->y, &m->positive_y, &m->dvalue})
    *tensor = empty(context, {nodes, heads, channels}, storage);
  for (Tensor* tensor : {&m->maximum, &m->sum, &m->positive_weight, &m->dsource_score, &m->ddestination_score}) {
    *tensor = empty(context, {nodes, heads});
  }
  m->dy = random_tensor(context, {nodes, heads, channels}, storage);

  const bool training = direction != Direction::forward;
  const Sizes sizes = sizes_of(graph, heads * channels, heads, storage);
  return choose(direction,
                {call_of(context, attention_forward,
                         AttentionForward{.graph = graph,
                                          .value = m->value,
                                          .source_score = m->source_score,
                                          .destination_score = m->destination_score,
                                          .y = m->y,
                                          .maximum = m->maximum,
                                          .sum = m->sum,
                                          .positive_y = training ? m->positive_y.view() : TensorView{},
                                          .positive_weight = training ? m->positive_weight.view() : TensorView{}}),
                 attention_forward_bytes(sizes, training)},
                {call_of(context, attention_backward,
                         AttentionBackward{.graph = graph,
                                           .value = m->value,
                                           .source_score = m->source_score,
                                           .destination_score = m->destination_score,
                                           .y = m->y,
                                           .maximum = m->maximum,
                                           .sum = m->sum,
                                           .positive_y = m->positive_y,
                                           .positive_weight = m->positive_weight,
                                           .dy = m->dy,
                                           .dvalue = m->dvalue,
                                           .dsource_score = m->dsource_score,
                                           .ddestination_score = m->ddestination_score}),
                 attention_backward_bytes(sizes)},
                m);
}

Case head_dot_case(const Context& context, const Graph& graph, HeadShape shape, Direction direction) {
  struct Memory {
    Tensor x, vector, score, dscore, dx, dvector;
  };
  const std::int64_t nodes = graph.num_nodes(), heads = shape.heads, channels = shape.channels;
  const auto m = std::make_shared<Memory>(Memory{.x = random_tensor(context, {nodes, heads, channels}),
                                                 .vector = random_tensor(context, {heads, channels}),
                                                 .score = empty(context, {nodes, heads}),
                                                 .dscore = random_tensor(context, {nodes, heads}),
                                                 .dx = empty(context, {nodes, heads, channels}),
                                                 .dvector = empty(context, {heads, channels})});
  m->dx.fill_zero();  // backward adds to it
  const Sizes sizes = sizes_of(graph, heads * channels, heads);
  return choose(direction,
                {call_of(context, head_dot_forward, HeadDotForward{.x = m->x, .vector = m->vector, .score = m->score}),
                 head_dot_forward_bytes(sizes)},
                {call_of(context, head_dot_backward,
                         HeadDotBackward{
                             .x = m->x, .vector = m->vector, .dscore = m->dscore, .dx = m->dx, .dvector = m->dvector}),
                 head_dot_backward_bytes(sizes)},
                m);
}

}  // namespace warpgnn::bench
