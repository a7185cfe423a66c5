// SPDX-License-Identifier: MIT
#include <cmath>

#include "case_parts.hpp"

namespace warpgnn::bench {

Case gat_attention_case(const Context& context, const Graph& graph, HeadShape shape, Direction direction,
                        Dtype storage) {
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
  const GatAttention op{
      .graph = graph, .value = m->value, .source_score = m->source_score, .destination_score = m->destination_score};
  return choose(direction,
                {call_of(context, gat_attention_forward, op,
                         GatAttentionResult{.y = m->y,
                                            .maximum = m->maximum,
                                            .sum = m->sum,
                                            .positive_y = training ? m->positive_y.view() : TensorView{},
                                            .positive_weight = training ? m->positive_weight.view() : TensorView{}}),
                 gat_attention_forward_bytes(sizes, training)},
                {call_of(context, gat_attention_backward, op,
                         GatAttentionResult{.y = m->y,
                                            .maximum = m->maximum,
                                            .sum = m->sum,
                                            .positive_y = m->positive_y,
                                            .positive_weight = m->positive_weight},
                         GatAttentionGradients{.dy = m->dy,
                                               .dvalue = m->dvalue,
                                               .dsource_score = m->dsource_score,
                                               .ddestination_score = m->ddestination_score}),
                 gat_attention_backward_bytes(sizes)},
                m);
}

Case head_dot_case(const Context& context, const Graph& graph, HeadShape shape, Direction direction) {
  struct Memory {
    Tensor x, vectors[2], scores[2], dscores[2], dvectors[2];
  };
  const std::int64_t nodes = graph.num_nodes(), heads = shape.heads, channels = shape.channels;
  const auto m = std::make_shared<Memory>();
  m->x = random_tensor(context, {nodes, heads, channels});
  for (int s = 0; s < 2; ++s) {
    m->vectors[s] = random_tensor(context, {heads, channels});
    m->scores[s] = empty(context, {nodes, heads});
    m->dscores[s] = random_tensor(context, {nodes, heads});
    m->dvectors[s] = empty(context, {heads, channels});
  }
  const Sizes sizes = sizes_of(graph, heads * channels, heads);
  const HeadDot op{.x = m->x, .vector = m->vectors[0], .second_vector = m->vectors[1]};
  return choose(direction,
                {call_of(context, head_dot_forward, op, HeadDotResult{m->scores[0], m->scores[1]}),
                 head_dot_forward_bytes(sizes)},
                {call_of(context, head_dot_backward, op,
                         HeadDotGradients{.dscore = m->dscores[0],
                                          .dvector = m->dvectors[0],
                                          .dsecond_score = m->dscores[1],
                                          .dsecond_vector = m->dvectors[1]}),
                 head_dot_backward_bytes(sizes)},
                m);
}

Case attention_case(const Context& context, const Graph& graph, AttentionScore score, HeadShape shape,
                    Direction direction, Dtype storage) {
  struct Memory {
    Tensor query, key, value, vector, y, maximum, sum;
    Tensor dy, dquery, dkey, dvalue, dvector;
  };
  const std::int64_t nodes = graph.num_nodes(), heads = shape.heads, channels = shape.channels;
  const bool dot =
      score == AttentionScore::dot;  // as in a Transformer, with values of its own; the others share the keys
  const auto m = std::make_shared<Memory>();
  m->query = random_tensor(context, {nodes, heads, channels}, storage);
  m->key = random_tensor(context, {nodes, heads, channels}, storage);
  m->dy = random_tensor(context, {nodes, heads, channels}, storage);
  for (Tensor* tensor : {&m->y, &m->dquery, &m->dkey}) *tensor = empty(context, {nodes, heads, channels}, storage);
  for (Tensor* tensor : {&m->maximum, &m->sum}) *tensor = empty(context, {nodes, heads});
  if (dot) {
    m->value = random_tensor(context, {nodes, heads, channels}, storage);
    m->dvalue = empty(context, {nodes, heads, channels}, storage);
  } else {
    m->vector = random_tensor(context, {heads, channels});
    m->dvector = empty(context, {heads, channels});
  }
  const ConstTensorView value = dot ? m->value.view() : m->key.view();
  const double scale = 1 / std::sqrt(static_cast<double>(channels));
  const Sizes sizes = sizes_of(graph, heads * channels, heads, storage);
  const Attention op{.graph = graph,
                     .score = score,
                     .scale = scale,
                     .query = m->query,
                     .key = m->key,
                     .value = value,
                     .vector = m->vector};
  const AttentionResult result{.y = m->y, .maximum = m->maximum, .sum = m->sum};
  return choose(
      direction, {call_of(context, attention_forward, op, result), attention_forward_bytes(sizes, !dot)},
      {call_of(context, attention_backward, op, result,
               AttentionGradients{
                   .dy = m->dy, .dquery = m->dquery, .dkey = m->dkey, .dvalue = m->dvalue, .dvector = m->dvector}),
       attention_backward_bytes(sizes, !dot)},
      m);
}

}  // namespace warpgnn::bench
