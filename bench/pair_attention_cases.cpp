#include <cmath>

#include "case_parts.hpp"

namespace warpgnn::bench {

Case pair_attention_case(const Context& context, const Graph& graph, PairScore score, HeadShape shape,
                         Direction direction, Dtype storage) {
  struct Memory {
    Tensor query, key, value, vector, y, maximum, sum;
    Tensor dy, dquery, dkey, dvalue, dvector;
  };
  const std::int64_t nodes = graph.num_nodes(), heads = shape.heads, channels = shape.channels;
  const bool dot = score == PairScore::dot;  // as in a Transformer, with values of its own; the others share the keys
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
  return choose(direction,
                {call_of(context, pair_attention_forward,
                         PairAttentionForward{.graph = graph,
                                              .score = score,
                                              .scale = scale,
                                              .query = m->query,
                                              .key = m->key,
                                              .value = value,
                                              .vector = m->vector,
                                              .y = m->y,
                                              .maximum = m->maximum,
                                              .sum = m->sum}),
                 pair_attention_forward_bytes(sizes, !dot)},
                {call_of(context, pair_attention_backward,
                         PairAttentionBackward{.graph = graph,
                                               .score = score,
                                               .scale = scale,
                                               .query = m->query,
                                               .key = m->key,
                                               .value = value,
                                               .vector = m->vector,
                                               .y = m->y,
                                               .maximum = m->maximum,
                                               .sum = m->sum,
                                               .dy = m->dy,
                                               .dquery = m->dquery,
                                               .dkey = m->dkey,
                                               .dvalue = m->dvalue,
                                               .dvector = m->dvector}),
                 pair_attention_backward_bytes(sizes, !dot)},
                m);
}

}  // namespace warpgnn::bench
