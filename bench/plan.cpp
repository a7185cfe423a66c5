#include "plan.hpp"

#include <stdexcept>

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

std::string text(EdgeMessage message) {
  switch (message) {
    case EdgeMessage::add: return "add";
    case EdgeMessage::multiply: return "multiply";
    case EdgeMessage::relu_add: return "relu_add";
    case EdgeMessage::edge: return "edge";
  }
  return {};
}

std::string text(PairScore score) {
  switch (score) {
    case PairScore::gatv2: return "gatv2";
    case PairScore::additive: return "additive";
    case PairScore::dot: return "dot";
  }
  return {};
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

/// Directions of ops whose forward pass is one and the same for inference and training.
const std::vector<Direction> kPasses{Direction::forward, Direction::backward};
const std::vector<Direction> kAllPasses{Direction::forward, Direction::backward, Direction::both};
/// Directions of attention and of whole layers.
const std::vector<Direction> kUses{Direction::forward, Direction::both};
const std::vector<Direction> kAllUses{Direction::forward, Direction::training, Direction::backward, Direction::both};

/// The rows of one graph. `storage` is that of features in aggregations, attention, pools and linear layers; other rows
/// have no choice and belong to float32.
class GraphRows {
 public:
  GraphRows(std::string graph, std::vector<Row>& rows, Dtype storage = Dtype::float32)
      : graph_(std::move(graph)), shown_(display_name(graph_)), storage_(storage), rows_(rows) {}

  void aggregate(Reduce reduce, bool weighted, std::int64_t width, const std::vector<Direction>& directions) {
    const std::string op = "aggregate_" + (weighted ? "weighted" : text(reduce));
    for (const Direction direction : directions) {
      add(op, text(direction), std::to_string(width),
          [=, storage = storage_](const Context& context, const Graph& graph) {
            return aggregate_case(context, graph, reduce, weighted, width, direction, storage);
          });
    }
  }
  void all_aggregates(std::int64_t width, const std::vector<Direction>& directions) {
    for (const Reduce reduce : {Reduce::sum, Reduce::mean, Reduce::max}) aggregate(reduce, false, width, directions);
    aggregate(Reduce::sum, true, width, directions);
    add("edge_dot", "forward", std::to_string(width),
        [=](const Context& context, const Graph& graph) { return edge_dot_case(context, graph, width); });
  }
  void edge_aggregate(EdgeMessage message, Reduce reduce, std::int64_t width,
                      const std::vector<Direction>& directions) {
    const std::string op = "edge_aggregate_" + text(message) + "_" + text(reduce);
    for (const Direction direction : directions) {
      add(op, text(direction), std::to_string(width),
          [=, storage = storage_](const Context& context, const Graph& graph) {
            return edge_aggregate_case(context, graph, message, reduce, width, direction, storage);
          });
    }
  }
  void all_edge_aggregates(std::int64_t width, const std::vector<Direction>& directions) {
    for (const auto message : {EdgeMessage::add, EdgeMessage::multiply, EdgeMessage::relu_add, EdgeMessage::edge}) {
      edge_aggregate(message, Reduce::sum, width, directions);
    }
    edge_aggregate(EdgeMessage::add, Reduce::max, width, directions);
  }
  void relations(std::int64_t relations, std::int64_t bases, std::int64_t width,
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
  void edges(std::int64_t heads, const std::vector<Direction>& directions) {
    for (const Direction direction : directions) {
      add("gcn_norm", text(direction), "",
          [=](const Context& context, const Graph& graph) { return gcn_norm_case(context, graph, direction); });
      add("edge_softmax", text(direction), std::to_string(heads), [=](const Context& context, const Graph& graph) {
        return edge_softmax_case(context, graph, heads, direction);
      });
    }
  }
  void attention(HeadShape shape, const std::vector<Direction>& directions) {
    for (const Direction direction : directions) {
      add("attention", text(direction), text(shape),
          [=, storage = storage_](const Context& context, const Graph& graph) {
            return attention_case(context, graph, shape, direction, storage);
          });
    }
  }
  void pair_attention(HeadShape shape, const std::vector<Direction>& directions) {
    for (const PairScore score : {PairScore::gatv2, PairScore::additive, PairScore::dot}) {
      for (const Direction direction : directions) {
        add("pair_attention_" + text(score), text(direction), text(shape),
            [=, storage = storage_](const Context& context, const Graph& graph) {
              return pair_attention_case(context, graph, score, shape, direction, storage);
            });
      }
    }
  }
  void dense(HeadShape shape, const std::vector<Direction>& directions) {
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
  void pools(std::int64_t width, const std::vector<Direction>& directions) {
    for (const Pool& pool : kPools) {
      for (const Direction direction : directions) {
        add(pool.name, text(direction), std::to_string(width),
            [=, storage = storage_](const Context& context, const Graph& graph) {
              return pool_case(context, graph, pool.reduce, pool.gate, width, direction, storage);
            });
      }
    }
  }
  /// Heads, the parts of Set2Set, and normalisation of rows.
  void more_pools(HeadShape shape, const std::vector<Direction>& directions) {
    const std::int64_t width = shape.heads * shape.channels;
    for (const Direction direction : directions) {
      add("pool_heads", text(direction), text(shape), [=](const Context& context, const Graph& graph) {
        return head_pool_case(context, graph, PoolGate::softmax, shape, direction);
      });
      add("pool_gated_features", text(direction), std::to_string(width),
          [=](const Context& context, const Graph& graph) {
            return head_pool_case(context, graph, PoolGate::sigmoid, {width, 1}, direction);
          });
      add("segment_dot", text(direction), std::to_string(width), [=](const Context& context, const Graph& graph) {
        return segment_dot_case(context, graph, width, direction);
      });
      add("lstm_cell", text(direction), std::to_string(width),
          [=](const Context& context, const Graph& graph) { return lstm_cell_case(context, graph, width, direction); });
      add("scaled_gather", text(direction), std::to_string(width), [=](const Context& context, const Graph& graph) {
        return scaled_gather_case(context, graph, width, direction);
      });
    }
    add("segment_top_k", "forward", "", segment_top_k_case);
    add("induced_subgraph", "", "", induced_subgraph_case);
    rows_.back().capturable = false;
  }
  void row_norms(std::int64_t width, const std::vector<Direction>& directions) {
    for (const Direction direction : directions) {
      add("layer_norm", text(direction), std::to_string(width), [=](const Context& context, const Graph& graph) {
        return layer_norm_case(context, graph.num_nodes(), width, direction);
      });
      add("normalize_rows", text(direction), std::to_string(width), [=](const Context& context, const Graph& graph) {
        return normalize_rows_case(context, graph.num_nodes(), width, direction);
      });
    }
  }
  void layers(HeadShape shape, const std::vector<Direction>& directions) {
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
  void build() {
    rows_.push_back(
        {"graph_build/" + shown_,
         [name = graph_](GraphShelf& shelf) { return graph_build_case(shelf.context(), shelf.edge_set(name)); },
         false});
  }
  void select() {
    add("graph_select", "", "", graph_select_case);
    rows_.back().capturable = false;
  }

  void baselines(std::int64_t width, bool cuda) {
    const std::string shape = std::to_string(width);
    if (!cuda) {
      add("baseline_naive_cpu_spmm", "forward", shape,
          [=](const Context& context, const Graph& graph) { return naive_spmm_case(context, graph, width); });
      return;
    }
    for (const auto algorithm : {SpmmAlgorithm::csr_alg2, SpmmAlgorithm::csr_alg3}) {
      const std::string name = algorithm == SpmmAlgorithm::csr_alg2 ? "alg2" : "alg3";
      add("baseline_cusparse_spmm_" + name, "forward", shape, [=](const Context& context, const Graph& graph) {
        return cusparse_spmm_case(context, graph, width, algorithm);
      });
    }
    add("baseline_cusparse_sddmm", "forward", shape,
        [=](const Context& context, const Graph& graph) { return cusparse_sddmm_case(context, graph, width); });
  }

 private:
  void add(const std::string& op, const std::string& direction, const std::string& shape,
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

  std::string graph_, shown_;
  Dtype storage_;
  std::vector<Row>& rows_;
};

std::vector<Row> smoke_rows(bool cuda) {
  std::vector<Row> rows;
  GraphRows smoke("smoke", rows);
  smoke.all_aggregates(16, kAllPasses);
  smoke.all_edge_aggregates(16, kAllPasses);
  smoke.relations(3, 2, 16, kAllPasses);
  smoke.edges(2, kAllPasses);
  smoke.attention({2, 8}, kAllUses);
  smoke.pair_attention({2, 8}, kAllPasses);
  smoke.dense({2, 8}, kAllPasses);
  smoke.pools(16, kAllPasses);
  smoke.more_pools({2, 8}, kAllPasses);
  smoke.row_norms(16, kAllPasses);
  smoke.layers({2, 8}, kAllUses);
  smoke.build();
  smoke.select();
  smoke.baselines(16, cuda);
  for (const Dtype storage : {Dtype::float16, Dtype::bfloat16}) {
    GraphRows half("smoke", rows, storage);
    half.all_aggregates(16, kAllPasses);
    half.all_edge_aggregates(16, kAllPasses);
    half.attention({2, 8}, kAllUses);
    half.pair_attention({2, 8}, kAllPasses);
    half.pools(16, kAllPasses);
  }
  return rows;
}

std::vector<Row> standard_rows(bool cuda) {
  std::vector<Row> rows;
  GraphRows yardstick("yardstick", rows);
  yardstick.layers({4, 32}, kUses);
  for (const HeadShape shape : {HeadShape{8, 8}, HeadShape{4, 32}, HeadShape{8, 32}, HeadShape{1, 128}}) {
    yardstick.attention(shape, kAllUses);
  }
  for (const HeadShape shape : {HeadShape{8, 8}, HeadShape{4, 32}, HeadShape{1, 128}}) {
    yardstick.pair_attention(shape, kAllPasses);
  }
  yardstick.all_aggregates(128, kPasses);
  for (const std::int64_t width : {16, 64, 256}) yardstick.aggregate(Reduce::sum, true, width, kPasses);
  yardstick.edge_aggregate(EdgeMessage::relu_add, Reduce::sum, 128, kPasses);
  yardstick.relations(16, 4, 64, kPasses);
  yardstick.edges(4, kPasses);
  yardstick.dense({4, 32}, kPasses);
  yardstick.row_norms(128, kPasses);
  yardstick.build();
  yardstick.baselines(128, cuda);
  GraphRows half("yardstick", rows, Dtype::bfloat16);
  half.aggregate(Reduce::sum, true, 128, kPasses);
  half.attention({4, 32}, kPasses);
  half.pair_attention({4, 32}, kPasses);

  for (const char* name : {"cora", "road", "hub16th", "arxiv"}) {
    GraphRows graph(name, rows);
    graph.aggregate(Reduce::sum, true, 64, kPasses);
    graph.attention({8, 8}, kUses);
    graph.build();
  }
  for (const char* name : {"mutag128", "zinc1024", "pattern128"}) {
    GraphRows batch(name, rows);
    batch.aggregate(Reduce::mean, false, 64, kPasses);
    batch.aggregate(Reduce::max, false, 64, kPasses);
    batch.edge_aggregate(EdgeMessage::relu_add, Reduce::sum, 64, kPasses);
    batch.attention({4, 32}, kUses);
    batch.pools(64, kPasses);
    batch.more_pools({4, 16}, kPasses);
    batch.select();
  }
  return rows;
}

/// Every op in every direction and width on one graph.
void add_everything(const char* name, bool cuda, std::vector<Row>& rows) {
  GraphRows graph(name, rows);
  for (const std::int64_t width : {16, 64, 128, 256}) {
    graph.all_aggregates(width, kAllPasses);
    graph.all_edge_aggregates(width, kAllPasses);
    graph.baselines(width, cuda);
  }
  for (const HeadShape shape : {HeadShape{8, 8}, HeadShape{4, 32}, HeadShape{8, 32}, HeadShape{4, 64}, HeadShape{8, 64},
                                HeadShape{1, 128}, HeadShape{1, 256}}) {
    graph.attention(shape, kAllUses);
    graph.pair_attention(shape, kAllPasses);
    graph.dense(shape, kAllPasses);
  }
  GraphRows half(name, rows, Dtype::bfloat16);
  for (const std::int64_t width : {16, 64, 128, 256}) half.aggregate(Reduce::sum, true, width, kAllPasses);
  for (const HeadShape shape : {HeadShape{8, 8}, HeadShape{4, 32}, HeadShape{8, 64}, HeadShape{1, 256}}) {
    half.attention(shape, kAllUses);
    half.pair_attention(shape, kAllPasses);
  }
  for (const std::int64_t heads : {1, 4, 8}) graph.edges(heads, kAllPasses);
  for (const std::int64_t bases : {1, 4, 30}) graph.relations(90, bases, 64, kPasses);
  graph.layers({4, 32}, kAllUses);
  graph.build();
}

std::vector<Row> full_rows(bool cuda) {
  std::vector<Row> rows;
  for (const char* name : {"yardstick", "cora", "road", "hub16th", "arxiv"}) add_everything(name, cuda, rows);
  for (const char* name : {"mutag128", "zinc128", "zinc1024", "pattern128"}) {
    add_everything(name, cuda, rows);
    GraphRows batch(name, rows);
    for (const std::int64_t width : {16, 64, 128, 256}) {
      batch.pools(width, kAllPasses);
      batch.row_norms(width, kAllPasses);
    }
    for (const HeadShape shape : {HeadShape{4, 16}, HeadShape{8, 32}}) batch.more_pools(shape, kAllPasses);
    batch.select();
  }
  return rows;
}

std::vector<Row> large_rows(bool cuda) {
  std::vector<Row> rows = full_rows(cuda);
  for (const char* name : {"hub", "reddit", "products"}) {
    GraphRows graph(name, rows);
    for (const std::int64_t width : {64, 128}) {
      graph.all_aggregates(width, kPasses);
      graph.baselines(width, cuda);
    }
    for (const HeadShape shape : {HeadShape{8, 8}, HeadShape{4, 32}}) {
      graph.attention(shape, kAllUses);
      graph.pair_attention(shape, kPasses);
    }
    graph.build();
  }
  return rows;
}

}  // namespace

Suite suite_of(std::string_view name) {
  if (name == "smoke") return Suite::smoke;
  if (name == "standard") return Suite::standard;
  if (name == "full") return Suite::full;
  if (name == "large") return Suite::large;
  throw std::invalid_argument("--suite: expected smoke, standard, full or large, got " + std::string(name));
}

const EdgeSet& GraphShelf::edge_set(const std::string& name) {
  if (name_ != name) {
    graph_.reset();
    edge_set_ = named_edge_set(name);
    name_ = name;
  }
  return edge_set_;
}

const Graph& GraphShelf::graph(const std::string& name) {
  edge_set(name);
  if (!graph_) graph_ = Graph::from_coo(context_, edge_set_.view());
  return *graph_;
}

std::vector<Row> rows_of(Suite suite, const Device& device) {
  const bool cuda = device.context().is_cuda();
  switch (suite) {
    case Suite::smoke: return smoke_rows(cuda);
    case Suite::standard: return standard_rows(cuda);
    case Suite::full: return full_rows(cuda);
    case Suite::large: return large_rows(cuda);
  }
  return {};
}

}  // namespace warpgnn::bench
