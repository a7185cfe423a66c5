// SPDX-License-Identifier: MIT
#include "graph_rows.hpp"

#include <utility>

namespace warpgnn::bench {

namespace {

constexpr std::int64_t kLayerInputs = 128;

std::string text(Direction direction) {
  switch (direction) {
    case Direction::forward: return "forward";
    case Direction::training: return "forward_training";
    case Direction::backward: return "backward";
    case Direction::both: return "forward_backward";
  }
  return {};
}

std::string text(Reduce reduce) {
  switch (reduce) {
    case Reduce::sum: return "sum";
    case Reduce::mean: return "mean";
    case Reduce::max: return "max";
    case Reduce::min: return "min";
  }
  return {};
}

std::string text(Reduce reduce, Factors factors) {
  switch (factors) {
    case Factors::none: return text(reduce);
    case Factors::edges: return "weighted";
    case Factors::nodes: return "scaled";
  }
  return {};
}

std::string text(EdgeMessage message) {
  switch (message) {
    case EdgeMessage::add: return "add";
    case EdgeMessage::multiply: return "multiply";
    case EdgeMessage::relu_add: return "relu_add";
    case EdgeMessage::edge: return "edge";
  }
  return {};
}

std::string text(AttentionScore score) {
  switch (score) {
    case AttentionScore::gatv2: return "gatv2";
    case AttentionScore::additive: return "additive";
    case AttentionScore::dot: return "dot";
  }
  return {};
}

std::string text(StepModel model) {
  return model == StepModel::gat ? "gat" : "gine";
}

std::string text(HeadShape shape) {
  return std::to_string(shape.heads) + "x" + std::to_string(shape.channels);
}

struct Pool {
  const char* name;
  PoolReduce reduce;
  PoolGate gate;
};

constexpr Pool kPools[] = {
    {"pool_sum", PoolReduce::sum, PoolGate::none},         {"pool_mean", PoolReduce::mean, PoolGate::none},
    {"pool_max", PoolReduce::max, PoolGate::none},         {"pool_softmax", PoolReduce::sum, PoolGate::softmax},
    {"pool_sigmoid", PoolReduce::mean, PoolGate::sigmoid}, {"pool_raw", PoolReduce::mean, PoolGate::raw},
};

}  // namespace

GraphRows::GraphRows(std::string graph, std::vector<Row>& rows, Dtype storage)
    : graph_(std::move(graph)), shown_(display_name(graph_)), storage_(storage), rows_(rows) {}

void GraphRows::aggregate(Reduce reduce, Factors factors, std::int64_t width,
                          const std::vector<Direction>& directions) {
  const std::string op = "aggregate_" + text(reduce, factors);
  for (const Direction direction : directions) {
    add(op, text(direction), std::to_string(width),
        [=, storage = storage_](const Context& context, const Graph& graph) {
          return aggregate_case(context, graph, reduce, factors, width, direction, storage);
        });
  }
}

void GraphRows::all_aggregates(std::int64_t width, const std::vector<Direction>& directions) {
  for (const Reduce reduce : {Reduce::sum, Reduce::mean, Reduce::max})
    aggregate(reduce, Factors::none, width, directions);
  weighted_sums(width, directions);
  edge_dot(width);
}

void GraphRows::weighted_sums(std::int64_t width, const std::vector<Direction>& directions) {
  for (const Factors factors : {Factors::edges, Factors::nodes}) aggregate(Reduce::sum, factors, width, directions);
}

void GraphRows::edge_dot(std::int64_t width) {
  add("edge_dot", "forward", std::to_string(width),
      [=](const Context& context, const Graph& graph) { return edge_dot_case(context, graph, width); });
}

void GraphRows::message_aggregate(EdgeMessage message, Reduce reduce, std::int64_t width,
                                  const std::vector<Direction>& directions) {
  const std::string op = "message_aggregate_" + text(message) + "_" + text(reduce);
  for (const Direction direction : directions) {
    add(op, text(direction), std::to_string(width),
        [=, storage = storage_](const Context& context, const Graph& graph) {
          return message_aggregate_case(context, graph, message, reduce, width, direction, storage);
        });
  }
}

void GraphRows::all_message_aggregates(std::int64_t width, const std::vector<Direction>& directions) {
  for (const auto message : {EdgeMessage::add, EdgeMessage::multiply, EdgeMessage::relu_add, EdgeMessage::edge}) {
    message_aggregate(message, Reduce::sum, width, directions);
  }
  message_aggregate(EdgeMessage::add, Reduce::max, width, directions);
}

void GraphRows::relations(std::int64_t relations, std::int64_t bases, std::int64_t width,
                          const std::vector<Direction>& directions) {
  const std::string sizes = std::to_string(relations) + "r" + std::to_string(bases) + "b";
  add("relation_weights", "forward", std::to_string(relations) + "r",
      [=](const Context& context, const Graph& graph) { return relation_weights_case(context, graph, relations); });
  for (const Direction direction : directions) {
    add("relation_aggregate", text(direction), sizes + "x" + std::to_string(width),
        [=](const Context& context, const Graph& graph) {
          return relation_case(context, graph, relations, bases, width, direction);
        });
  }
}

void GraphRows::edges(std::int64_t heads, const std::vector<Direction>& directions) {
  for (const Direction direction : directions) {
    add("gcn_norm", text(direction), "",
        [=](const Context& context, const Graph& graph) { return gcn_norm_case(context, graph, direction); });
    add("edge_softmax", text(direction), std::to_string(heads), [=](const Context& context, const Graph& graph) {
      return edge_softmax_case(context, graph, heads, direction);
    });
  }
}

void GraphRows::gat_attention(HeadShape shape, const std::vector<Direction>& directions) {
  for (const Direction direction : directions) {
    add("gat_attention", text(direction), text(shape),
        [=, storage = storage_](const Context& context, const Graph& graph) {
          return gat_attention_case(context, graph, shape, direction, storage);
        });
  }
}

void GraphRows::attention(AttentionScore score, HeadShape shape, const std::vector<Direction>& directions) {
  for (const Direction direction : directions) {
    add("attention_" + text(score), text(direction), text(shape),
        [=, storage = storage_](const Context& context, const Graph& graph) {
          return attention_case(context, graph, score, shape, direction, storage);
        });
  }
}

void GraphRows::all_attention(HeadShape shape, const std::vector<Direction>& directions) {
  for (const AttentionScore score : {AttentionScore::gatv2, AttentionScore::additive, AttentionScore::dot}) {
    attention(score, shape, directions);
  }
}

void GraphRows::dense(HeadShape shape, const std::vector<Direction>& directions) {
  const std::int64_t out = shape.heads * shape.channels;
  for (const Direction direction : directions) {
    add("head_dot", text(direction), text(shape),
        [=](const Context& context, const Graph& graph) { return head_dot_case(context, graph, shape, direction); });
    add("linear", text(direction), std::to_string(kLayerInputs) + "to" + std::to_string(out),
        [=, storage = storage_](const Context& context, const Graph& graph) {
          return linear_case(context, graph.num_nodes(), kLayerInputs, out, direction, storage);
        });
  }
}

void GraphRows::pools(std::int64_t width, const std::vector<Direction>& directions) {
  for (const Pool& pool : kPools) {
    for (const Direction direction : directions) {
      add(pool.name, text(direction), std::to_string(width),
          [=, storage = storage_](const Context& context, const Graph& graph) {
            return pool_case(context, graph, pool.reduce, pool.gate, width, direction, storage);
          });
    }
  }
}

void GraphRows::more_pools(HeadShape shape, const std::vector<Direction>& directions) {
  const std::int64_t width = shape.heads * shape.channels;
  for (const Direction direction : directions) {
    add("pool_heads", text(direction), text(shape), [=](const Context& context, const Graph& graph) {
      return head_pool_case(context, graph, PoolGate::softmax, shape, direction);
    });
    add("pool_gated_features", text(direction), std::to_string(width), [=](const Context& context, const Graph& graph) {
      return head_pool_case(context, graph, PoolGate::sigmoid, {width, 1}, direction);
    });
    add("segment_dot", text(direction), std::to_string(width),
        [=](const Context& context, const Graph& graph) { return segment_dot_case(context, graph, width, direction); });
    add("lstm_cell", text(direction), std::to_string(width),
        [=](const Context& context, const Graph& graph) { return lstm_cell_case(context, graph, width, direction); });
    add("gru_cell", text(direction), std::to_string(width),
        [=](const Context& context, const Graph& graph) { return gru_cell_case(context, graph, width, direction); });
    add("scaled_gather", text(direction), std::to_string(width), [=](const Context& context, const Graph& graph) {
      return scaled_gather_case(context, graph, width, direction);
    });
  }
  add("segment_top_k", "forward", "", segment_top_k_case);
  add("induced_subgraph", "", "", induced_subgraph_case);
  rows_.back().capturable = false;
}

void GraphRows::row_norms(std::int64_t width, const std::vector<Direction>& directions) {
  for (const Direction direction : directions) {
    add("layer_norm", text(direction), std::to_string(width), [=](const Context& context, const Graph& graph) {
      return layer_norm_case(context, graph.num_nodes(), width, direction);
    });
    add("normalize_rows", text(direction), std::to_string(width), [=](const Context& context, const Graph& graph) {
      return normalize_rows_case(context, graph.num_nodes(), width, direction);
    });
  }
}

void GraphRows::layers(HeadShape shape, const std::vector<Direction>& directions) {
  const std::string sizes = std::to_string(kLayerInputs) + "to";
  const std::int64_t out = shape.heads * shape.channels;
  for (const Direction direction : directions) {
    add("gat_layer", text(direction), sizes + text(shape), [=](const Context& context, const Graph& graph) {
      return gat_layer_case(context, graph, kLayerInputs, shape, direction);
    });
    add("gatv2_layer", text(direction), sizes + text(shape), [=](const Context& context, const Graph& graph) {
      return gatv2_layer_case(context, graph, kLayerInputs, shape, direction);
    });
    add("transformer_layer", text(direction), sizes + text(shape), [=](const Context& context, const Graph& graph) {
      return transformer_layer_case(context, graph, kLayerInputs, shape, direction);
    });
    add("gcn_layer", text(direction), sizes + std::to_string(out), [=](const Context& context, const Graph& graph) {
      return gcn_layer_case(context, graph, kLayerInputs, out, direction);
    });
  }
}

void GraphRows::build() {
  rows_.push_back({"graph_build/" + shown_,
                   [name = graph_](GraphShelf& shelf) { return graph_build_case(shelf.context(), shelf.edges(name)); },
                   false});
}

void GraphRows::select() {
  add("graph_select", "", "", graph_select_case);
  rows_.back().capturable = false;
}

void GraphRows::train_step(StepModel model) {
  add("train_step", text(model), "",
      [=](const Context& context, const Graph& graph) { return train_step_case(context, graph, model); });
}

void GraphRows::cusparse_spmm(std::int64_t width) {
  for (const auto algorithm : {SpmmAlgorithm::csr_alg2, SpmmAlgorithm::csr_alg3}) {
    const std::string name = algorithm == SpmmAlgorithm::csr_alg2 ? "alg2" : "alg3";
    add("baseline_cusparse_spmm_" + name, "forward", std::to_string(width),
        [=](const Context& context, const Graph& graph) {
          return cusparse_spmm_case(context, graph, width, algorithm);
        });
  }
}

void GraphRows::cusparse_sddmm(std::int64_t width) {
  add("baseline_cusparse_sddmm", "forward", std::to_string(width),
      [=](const Context& context, const Graph& graph) { return cusparse_sddmm_case(context, graph, width); });
}

void GraphRows::baselines(std::int64_t width, bool cuda) {
  if (!cuda) {
    add("baseline_naive_cpu_spmm", "forward", std::to_string(width),
        [=](const Context& context, const Graph& graph) { return naive_spmm_case(context, graph, width); });
    return;
  }
  cusparse_spmm(width);
  cusparse_sddmm(width);
}

void GraphRows::add(const std::string& op, const std::string& direction, const std::string& shape,
                    std::function<Case(const Context&, const Graph&)> make) {
  std::string name = op + (storage_ == Dtype::float32 ? "" : std::string("_") + name_of(storage_));
  for (const std::string& part : {direction, shown_, shape}) {
    if (!part.empty()) name += "/" + part;
  }
  rows_.push_back({name,
                   [make = std::move(make), graph = graph_](GraphShelf& shelf) {
                     return make(shelf.context(), shelf.graph(graph));
                   },
                   true});
}

}  // namespace warpgnn::bench
