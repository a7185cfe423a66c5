// SPDX-License-Identifier: MIT
// Pools with heads, Set2Set's parts, and pools that leave a smaller graph.

#include "case_parts.hpp"

namespace warpgnn::bench {

namespace {

constexpr double kRatio = 0.5;

/// The chosen nodes of a graph, and where each of its nodes stands among them.
struct Chosen {
  Tensor selected, position;

  Chosen(const Context& context, const Graph& graph)
      : selected(empty(context, {top_k_count(graph, kRatio)}, Dtype::int32)),
        position(empty(context, {graph.num_nodes()}, Dtype::int32)) {
    const Tensor score = random_tensor(context, {graph.num_nodes()});
    call_of(context, segment_top_k, SegmentTopK{.graph = graph, .ratio = kRatio, .score = score},
            SegmentTopKResult{.selected = selected, .position = position})();
    context.synchronize();
  }
  double count() const { return static_cast<double>(selected.view().shape[0]); }
};

Sizes dense_sizes(std::int64_t rows, std::int64_t width) {
  return {.nodes = static_cast<double>(rows), .width = static_cast<double>(width)};
}

}  // namespace

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
  const Pool op{.graph = graph, .reduce = reduce, .gate = gate, .x = m->x, .score = m->score};
  const PoolResult result{.y = m->y, .maximum = m->maximum, .sum = m->sum, .arg = m->arg};
  return choose(
      direction, {call_of(context, pool_forward, op, result), pool_forward_bytes(sizes, reduce, gate)},
      {call_of(context, pool_backward, op, result, PoolGradients{.dy = m->dy, .dx = m->dx, .dscore = m->dscore}),
       pool_backward_bytes(sizes, reduce, gate)},
      m);
}

Case head_pool_case(const Context& context, const Graph& graph, PoolGate gate, HeadShape shape, Direction direction) {
  struct Memory {
    Tensor x, score, y, maximum, sum, dy, dx, dscore;
  };
  const std::int64_t nodes = graph.num_nodes(), graphs = graph.num_graphs();
  const auto m = std::make_shared<Memory>(Memory{.x = random_tensor(context, {nodes, shape.heads, shape.channels}),
                                                 .score = random_tensor(context, {nodes, shape.heads}),
                                                 .y = empty(context, {graphs, shape.heads, shape.channels}),
                                                 .maximum = {},
                                                 .sum = {},
                                                 .dy = random_tensor(context, {graphs, shape.heads, shape.channels}),
                                                 .dx = empty(context, {nodes, shape.heads, shape.channels}),
                                                 .dscore = empty(context, {nodes, shape.heads})});
  if (gate == PoolGate::softmax) {
    m->maximum = empty(context, {graphs, shape.heads});
    m->sum = empty(context, {graphs, shape.heads});
  }
  const Sizes sizes = sizes_of(graph, shape.heads * shape.channels, shape.heads);
  const Pool op{.graph = graph, .gate = gate, .x = m->x, .score = m->score};
  const PoolResult result{.y = m->y, .maximum = m->maximum, .sum = m->sum};
  return choose(
      direction, {call_of(context, pool_forward, op, result), pool_forward_bytes(sizes, PoolReduce::sum, gate)},
      {call_of(context, pool_backward, op, result, PoolGradients{.dy = m->dy, .dx = m->dx, .dscore = m->dscore}),
       pool_backward_bytes(sizes, PoolReduce::sum, gate)},
      m);
}

Case segment_dot_case(const Context& context, const Graph& graph, std::int64_t width, Direction direction) {
  struct Memory {
    Tensor x, query, score, dscore, dx, dquery;
  };
  const std::int64_t nodes = graph.num_nodes(), graphs = graph.num_graphs();
  const auto m = std::make_shared<Memory>(Memory{.x = random_tensor(context, {nodes, width}),
                                                 .query = random_tensor(context, {graphs, width}),
                                                 .score = empty(context, {nodes}),
                                                 .dscore = random_tensor(context, {nodes}),
                                                 .dx = random_tensor(context, {nodes, width}),
                                                 .dquery = empty(context, {graphs, width})});
  const Sizes sizes = sizes_of(graph, width);
  const SegmentDot op{.graph = graph, .x = m->x, .query = m->query};
  return choose(direction,
                {call_of(context, segment_dot_forward, op, SegmentDotResult{.score = m->score}),
                 segment_dot_forward_bytes(sizes)},
                {call_of(context, segment_dot_backward, op,
                         SegmentDotGradients{.dscore = m->dscore, .dx = m->dx, .dquery = m->dquery}),
                 segment_dot_backward_bytes(sizes)},
                m);
}

Case lstm_cell_case(const Context& context, const Graph& graph, std::int64_t width, Direction direction) {
  struct Memory {
    Tensor gates, c_previous, c, h, dh, dc, dgates, dc_previous;
  };
  const std::int64_t rows = graph.num_graphs();
  const auto m = std::make_shared<Memory>(Memory{.gates = random_tensor(context, {rows, 4 * width}),
                                                 .c_previous = random_tensor(context, {rows, width}),
                                                 .c = empty(context, {rows, width}),
                                                 .h = empty(context, {rows, width}),
                                                 .dh = random_tensor(context, {rows, width}),
                                                 .dc = random_tensor(context, {rows, width}),
                                                 .dgates = empty(context, {rows, 4 * width}),
                                                 .dc_previous = empty(context, {rows, width})});
  const Sizes sizes = dense_sizes(rows, width);
  return choose(
      direction,
      {call_of(context, lstm_cell_forward, LstmCell{.gates = m->gates, .c_previous = m->c_previous},
               LstmCellResult{.c = m->c, .h = m->h}),
       lstm_cell_forward_bytes(sizes)},
      {call_of(context, lstm_cell_backward, LstmCell{.gates = m->gates, .c_previous = m->c_previous},
               LstmCellResult{.c = m->c},
               LstmCellGradients{.dh = m->dh, .dc = m->dc, .dgates = m->dgates, .dc_previous = m->dc_previous}),
       lstm_cell_backward_bytes(sizes)},
      m);
}

Case gru_cell_case(const Context& context, const Graph& graph, std::int64_t width, Direction direction) {
  struct Memory {
    Tensor input, hidden, h_previous, h, dh, dinput, dhidden, dh_previous;
  };
  const std::int64_t rows = graph.num_graphs();
  const auto m = std::make_shared<Memory>(Memory{.input = random_tensor(context, {rows, 3 * width}),
                                                 .hidden = random_tensor(context, {rows, 3 * width}),
                                                 .h_previous = random_tensor(context, {rows, width}),
                                                 .h = empty(context, {rows, width}),
                                                 .dh = random_tensor(context, {rows, width}),
                                                 .dinput = empty(context, {rows, 3 * width}),
                                                 .dhidden = empty(context, {rows, 3 * width}),
                                                 .dh_previous = empty(context, {rows, width})});
  const Sizes sizes = dense_sizes(rows, width);
  return choose(
      direction,
      {call_of(context, gru_cell_forward, GruCell{.input = m->input, .hidden = m->hidden, .h_previous = m->h_previous},
               GruCellResult{.h = m->h}),
       gru_cell_forward_bytes(sizes)},
      {call_of(
           context, gru_cell_backward, GruCell{.input = m->input, .hidden = m->hidden, .h_previous = m->h_previous},
           GruCellGradients{.dh = m->dh, .dinput = m->dinput, .dhidden = m->dhidden, .dh_previous = m->dh_previous}),
       gru_cell_backward_bytes(sizes)},
      m);
}

Case segment_top_k_case(const Context& context, const Graph& graph) {
  struct Memory {
    Chosen chosen;
    Tensor score;
  };
  const auto m = std::make_shared<Memory>(
      Memory{.chosen = Chosen(context, graph), .score = random_tensor(context, {graph.num_nodes()})});
  return {.run = call_of(context, segment_top_k, SegmentTopK{.graph = graph, .ratio = kRatio, .score = m->score},
                         SegmentTopKResult{.selected = m->chosen.selected, .position = m->chosen.position}),
          .bytes = segment_top_k_bytes(sizes_of(graph), m->chosen.count()),
          .memory = m};
}

Case scaled_gather_case(const Context& context, const Graph& graph, std::int64_t width, Direction direction) {
  struct Memory {
    Chosen chosen;
    Tensor x, scale, y, dy, dx, dscale;
  };
  const std::int64_t nodes = graph.num_nodes(), kept = top_k_count(graph, kRatio);
  const auto m = std::make_shared<Memory>(Memory{.chosen = Chosen(context, graph),
                                                 .x = random_tensor(context, {nodes, width}),
                                                 .scale = random_tensor(context, {nodes}),
                                                 .y = empty(context, {kept, width}),
                                                 .dy = random_tensor(context, {kept, width}),
                                                 .dx = empty(context, {nodes, width}),
                                                 .dscale = empty(context, {nodes})});
  const Sizes sizes = sizes_of(graph, width);
  return choose(
      direction,
      {call_of(context, scaled_gather_forward, ScaledGather{.x = m->x, .scale = m->scale, .index = m->chosen.selected},
               ScaledGatherResult{.y = m->y}),
       scaled_gather_forward_bytes(sizes, m->chosen.count())},
      {call_of(context, scaled_gather_backward,
               ScaledGather{.x = m->x, .scale = m->scale, .position = m->chosen.position},
               ScaledGatherGradients{.dy = m->dy, .dx = m->dx, .dscale = m->dscale}),
       scaled_gather_backward_bytes(sizes, m->chosen.count())},
      m);
}

Case induced_subgraph_case(const Context& context, const Graph& graph) {
  const auto chosen = std::make_shared<Chosen>(context, graph);
  const Graph left = induced_subgraph(context, graph, chosen->selected).graph;
  return {
      .run = [context, graph, p = chosen.get()] { static_cast<void>(induced_subgraph(context, graph, p->selected)); },
      .bytes = induced_subgraph_bytes(sizes_of(graph), sizes_of(left)),
      .memory = chosen};
}

Case layer_norm_case(const Context& context, std::int64_t rows, std::int64_t width, Direction direction) {
  struct Memory {
    Tensor x, gamma, beta, y, mean, inv_std, dy, dx, dgamma, dbeta;
  };
  const auto m = std::make_shared<Memory>(Memory{.x = random_tensor(context, {rows, width}),
                                                 .gamma = random_tensor(context, {width}),
                                                 .beta = random_tensor(context, {width}),
                                                 .y = empty(context, {rows, width}),
                                                 .mean = empty(context, {rows}),
                                                 .inv_std = empty(context, {rows}),
                                                 .dy = random_tensor(context, {rows, width}),
                                                 .dx = empty(context, {rows, width}),
                                                 .dgamma = empty(context, {width}),
                                                 .dbeta = empty(context, {width})});
  const Sizes sizes = dense_sizes(rows, width);
  return choose(direction,
                {call_of(context, layer_norm_forward, LayerNorm{.x = m->x, .gamma = m->gamma, .beta = m->beta},
                         LayerNormResult{.y = m->y, .mean = m->mean, .inv_std = m->inv_std}),
                 layer_norm_forward_bytes(sizes)},
                {call_of(context, layer_norm_backward, LayerNorm{.x = m->x, .gamma = m->gamma},
                         LayerNormResult{.mean = m->mean, .inv_std = m->inv_std},
                         LayerNormGradients{.dy = m->dy, .dx = m->dx, .dgamma = m->dgamma, .dbeta = m->dbeta}),
                 layer_norm_backward_bytes(sizes)},
                m);
}

Case normalize_rows_case(const Context& context, std::int64_t rows, std::int64_t width, Direction direction) {
  struct Memory {
    Tensor x, y, norm, dy, dx;
  };
  const auto m = std::make_shared<Memory>(Memory{.x = random_tensor(context, {rows, width}),
                                                 .y = empty(context, {rows, width}),
                                                 .norm = empty(context, {rows}),
                                                 .dy = random_tensor(context, {rows, width}),
                                                 .dx = empty(context, {rows, width})});
  const Sizes sizes = dense_sizes(rows, width);
  return choose(
      direction,
      {call_of(context, normalize_rows_forward, NormalizeRows{.x = m->x},
               NormalizeRowsResult{.y = m->y, .norm = m->norm}),
       normalize_rows_forward_bytes(sizes)},
      {call_of(context, normalize_rows_backward, NormalizeRows{}, NormalizeRowsResult{.y = m->y, .norm = m->norm},
               NormalizeRowsGradients{.dy = m->dy, .dx = m->dx}),
       normalize_rows_backward_bytes(sizes)},
      m);
}

}  // namespace warpgnn::bench
