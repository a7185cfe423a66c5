// SPDX-License-Identifier: MIT
#include "case_parts.hpp"
#include "warpgnn/nn/attention_layers.hpp"
#include "warpgnn/nn/graph_layers.hpp"

namespace warpgnn::bench {

namespace {

constexpr std::uint64_t kSeed = 1;

nn::Session make_session(const Context& context, Direction direction) {
  nn::Session session(context, Dtype::float32, kSeed);
  session.set_training(direction != Direction::forward);
  return session;
}

Bytes layer_linear_bytes(const Sizes& sizes, std::int64_t in, bool backward) {
  const auto width = static_cast<double>(in);
  return backward ? linear_backward_bytes(sizes, width) : linear_forward_bytes(sizes, width);
}

}  // namespace

Case gat_layer_case(const Context& context, const Graph& graph, std::int64_t in, HeadShape shape, Direction direction) {
  struct Memory {
    Memory(const Context& context, std::int64_t in, HeadShape shape, Direction direction)
        : session(make_session(context, direction)),
          layer(session, "gat", in, {.heads = shape.heads, .channels = shape.channels}) {}

    nn::Session session;
    nn::GATConv layer;
    Graph graph;
    Tensor x, dy;
  };
  const auto m = std::make_shared<Memory>(context, in, shape, direction);
  m->graph = graph.with_self_loops(context);
  m->x = random_tensor(context, {graph.num_nodes(), in});
  m->dy = random_tensor(context, {graph.num_nodes(), shape.heads * shape.channels});
  const Sizes sizes = sizes_of(m->graph, shape.heads * shape.channels, shape.heads);
  const Bytes scores = head_dot_forward_bytes(sizes), dscores = head_dot_backward_bytes(sizes);
  Memory* const p = m.get();
  return choose(direction,
                {[p] { p->layer.forward(p->graph, p->x); },
                 layer_linear_bytes(sizes, in, false) + scores +
                     gat_attention_forward_bytes(sizes, direction != Direction::forward)},
                {[p] { p->layer.backward(p->dy); },
                 layer_linear_bytes(sizes, in, true) + dscores + gat_attention_backward_bytes(sizes)},
                m);
}

Case gcn_layer_case(const Context& context, const Graph& graph, std::int64_t in, std::int64_t out,
                    Direction direction) {
  struct Memory {
    Memory(const Context& context, std::int64_t in, std::int64_t out, Direction direction)
        : session(make_session(context, direction)), layer(session, "gcn", in, out) {}

    nn::Session session;
    nn::GCNConv layer;
    Graph graph;
    Tensor x, dy, inv_sqrt_degree;
  };
  const auto m = std::make_shared<Memory>(context, in, out, direction);
  m->graph = graph.with_self_loops(context);
  m->x = random_tensor(context, {graph.num_nodes(), in});
  m->dy = random_tensor(context, {graph.num_nodes(), out});
  m->inv_sqrt_degree = empty(context, {graph.num_nodes()});
  const Sizes narrow = sizes_of(m->graph, std::min(in, out)), sizes = sizes_of(m->graph, out);
  Memory* const p = m.get();
  return choose(direction,
                {[p, context] {
                   gcn_norm_forward(context, {.graph = p->graph}, {.inv_sqrt_degree = p->inv_sqrt_degree});
                   p->layer.forward(p->graph, p->x, nn::NodeScale(p->inv_sqrt_degree));
                 },
                 gcn_roots_bytes(sizes) + aggregate_forward_bytes(narrow, Reduce::sum, Factors::nodes) +
                     layer_linear_bytes(sizes, in, false)},
                {[p] { p->layer.backward(p->dy); },
                 aggregate_backward_bytes(narrow, Reduce::sum, Factors::nodes) + layer_linear_bytes(sizes, in, true)},
                m);
}

namespace {

/// A layer of attention_layers.hpp, made by make(session).
template <class Make>
Case attention_layer_case(const Context& context, const Graph& graph, std::int64_t in, HeadShape shape,
                          Direction direction, const Make& make, bool shared, std::int64_t projections) {
  using Layer = decltype(make(std::declval<nn::Session&>()));
  struct Memory {
    Memory(const Context& on, Direction way, const Make& made) : session(make_session(on, way)), layer(made(session)) {}

    nn::Session session;
    Layer layer;
    Graph graph;
    Tensor x, dy;
  };
  const auto m = std::make_shared<Memory>(context, direction, make);
  const std::int64_t width = shape.heads * shape.channels;
  m->graph = graph.with_self_loops(context);
  m->x = random_tensor(context, {graph.num_nodes(), in});
  m->dy = random_tensor(context, {graph.num_nodes(), width});
  const Sizes sizes = sizes_of(m->graph, width, shape.heads);
  const Sizes projected = sizes_of(m->graph, projections * width);
  Memory* const p = m.get();
  return choose(direction,
                {[p] { p->layer.forward(p->graph, p->x); },
                 layer_linear_bytes(projected, in, false) + attention_forward_bytes(sizes, shared)},
                {[p] { p->layer.backward(p->dy); },
                 layer_linear_bytes(projected, in, true) + attention_backward_bytes(sizes, shared)},
                m);
}

}  // namespace

Case gatv2_layer_case(const Context& context, const Graph& graph, std::int64_t in, HeadShape shape,
                      Direction direction) {
  return attention_layer_case(
      context, graph, in, shape, direction,
      [=](nn::Session& session) {
        return nn::GATv2Conv(session, "gatv2", in, nn::GATv2Options{.heads = shape.heads, .channels = shape.channels});
      },
      true, 2);
}

Case transformer_layer_case(const Context& context, const Graph& graph, std::int64_t in, HeadShape shape,
                            Direction direction) {
  return attention_layer_case(
      context, graph, in, shape, direction,
      [=](nn::Session& session) {
        return nn::TransformerConv(session, "transformer", in,
                                   nn::TransformerOptions{.heads = shape.heads, .channels = shape.channels});
      },
      false, 4);
}

}  // namespace warpgnn::bench
