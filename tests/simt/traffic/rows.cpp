// SPDX-License-Identifier: MIT
#include "rows.hpp"

#include <stdexcept>

#include "bench/generators.hpp"

namespace warpgnn::traffic {
namespace {

using bench::Direction;
using bench::Factors;
using bench::HeadShape;

constexpr std::int64_t kWidth = 64;
constexpr std::int64_t kHeads = 4;
constexpr std::int64_t kRelations = 5, kBases = 3;
constexpr HeadShape kShape{kHeads, kWidth / kHeads};

class Rows {
 public:
  template <class Make>
  void add(const std::string& op, const std::string& direction, const std::string& graph, const Make& make) {
    rows_.push_back({op + "/" + direction + "/" + graph, graph, make});
  }
  /// `make` takes the direction last.
  template <class Make>
  void add_passes(const std::string& op, const std::string& graph, const Make& make) {
    for (const auto& [name, direction] :
         {std::pair("forward", Direction::forward), {"backward", Direction::backward}}) {
      add(op, name, graph,
          [make, way = direction](const Context& context, const Graph& g) { return make(context, g, way); });
    }
  }

  void aggregation(const std::string& graph) {
    const auto add_kind = [&](const char* op, Reduce reduce, Factors factors) {
      add_passes(op, graph, [=](const Context& context, const Graph& g, Direction direction) {
        return bench::aggregate_case(context, g, reduce, factors, kWidth, direction);
      });
    };
    add_kind("aggregate_sum", Reduce::sum, Factors::none);
    add_kind("aggregate_weighted", Reduce::sum, Factors::edges);
    add_kind("aggregate_scaled", Reduce::sum, Factors::nodes);
    add_kind("aggregate_max", Reduce::max, Factors::none);
    add("edge_dot", "forward", graph,
        [](const Context& context, const Graph& g) { return bench::edge_dot_case(context, g, kWidth); });
  }

  void messages(const std::string& graph) {
    add_passes("message_aggregate_relu", graph, [](const Context& context, const Graph& g, Direction direction) {
      return bench::message_aggregate_case(context, g, EdgeMessage::relu_add, Reduce::sum, kWidth, direction);
    });
    add("relation_weights", "forward", graph,
        [](const Context& context, const Graph& g) { return bench::relation_weights_case(context, g, kRelations); });
    add_passes("relation_sum", graph, [](const Context& context, const Graph& g, Direction direction) {
      return bench::relation_case(context, g, kRelations, kBases, kWidth, direction);
    });
  }

  void edges(const std::string& graph) {
    add_passes("gcn_norm", graph, bench::gcn_norm_case);
    add_passes("edge_softmax", graph, [](const Context& context, const Graph& g, Direction direction) {
      return bench::edge_softmax_case(context, g, kHeads, direction);
    });
  }

  void gat_attention(const std::string& graph) {
    const auto make = [](const Context& context, const Graph& g, Direction direction) {
      return bench::gat_attention_case(context, g, kShape, direction);
    };
    add_passes("gat_attention", graph, make);
    add("gat_attention", "training", graph,
        [=](const Context& context, const Graph& g) { return make(context, g, Direction::training); });
  }

  void attention(const std::string& graph) {
    const auto add_kind = [&](const char* op, AttentionScore score) {
      add_passes(op, graph, [=](const Context& context, const Graph& g, Direction direction) {
        return bench::attention_case(context, g, score, kShape, direction);
      });
    };
    add_kind("attention_gatv2", AttentionScore::gatv2);
    add_kind("attention_additive", AttentionScore::additive);
    add_kind("attention_dot", AttentionScore::dot);
  }

  /// What gathers most, on rows stored in 16 bits.
  void halves(const std::string& graph) {
    constexpr Dtype kStorage = Dtype::bfloat16;
    for (const auto& [op, factors] : {std::pair("aggregate_weighted_bfloat16", Factors::edges),
                                      std::pair("aggregate_scaled_bfloat16", Factors::nodes)}) {
      add_passes(op, graph, [way = factors](const Context& context, const Graph& g, Direction direction) {
        return bench::aggregate_case(context, g, Reduce::sum, way, kWidth, direction, kStorage);
      });
    }
    add_passes("message_aggregate_relu_bfloat16", graph,
               [](const Context& context, const Graph& g, Direction direction) {
                 return bench::message_aggregate_case(context, g, EdgeMessage::relu_add, Reduce::sum, kWidth, direction,
                                                      kStorage);
               });
    add_passes("gat_attention_bfloat16", graph, [](const Context& context, const Graph& g, Direction direction) {
      return bench::gat_attention_case(context, g, kShape, direction, kStorage);
    });
    add_passes("attention_gatv2_bfloat16", graph, [](const Context& context, const Graph& g, Direction direction) {
      return bench::attention_case(context, g, AttentionScore::gatv2, kShape, direction, kStorage);
    });
  }

  void nodes(const std::string& graph) {
    add_passes("layer_norm", graph, [](const Context& context, const Graph& g, Direction direction) {
      return bench::layer_norm_case(context, g.num_nodes(), kWidth, direction);
    });
    add_passes("head_dot", graph, [](const Context& context, const Graph& g, Direction direction) {
      return bench::head_dot_case(context, g, kShape, direction);
    });
  }

  void pooling(const std::string& graph) {
    const auto add_kind = [&](const char* op, PoolReduce reduce, PoolGate gate) {
      add_passes(op, graph, [=](const Context& context, const Graph& g, Direction direction) {
        return bench::pool_case(context, g, reduce, gate, kWidth, direction);
      });
    };
    add_kind("pool_sum", PoolReduce::sum, PoolGate::none);
    add_kind("pool_max", PoolReduce::max, PoolGate::none);
    add_kind("pool_softmax", PoolReduce::sum, PoolGate::softmax);
    add_passes("pool_softmax_heads", graph, [](const Context& context, const Graph& g, Direction direction) {
      return bench::head_pool_case(context, g, PoolGate::softmax, kShape, direction);
    });
    add_passes("segment_dot", graph, [](const Context& context, const Graph& g, Direction direction) {
      return bench::segment_dot_case(context, g, kWidth, direction);
    });
    add_passes("scaled_gather", graph, [](const Context& context, const Graph& g, Direction direction) {
      return bench::scaled_gather_case(context, g, kWidth, direction);
    });
    add("segment_top_k", "forward", graph, bench::segment_top_k_case);
    add_passes("gru_cell", graph, [](const Context& context, const Graph& g, Direction direction) {
      return bench::gru_cell_case(context, g, kWidth, direction);
    });
    add_passes("lstm_cell", graph, [](const Context& context, const Graph& g, Direction direction) {
      return bench::lstm_cell_case(context, g, kWidth, direction);
    });
  }

  std::vector<Row> take() { return std::move(rows_); }

 private:
  std::vector<Row> rows_;
};

}  // namespace

bench::EdgeSet graph_of(const std::string& name) {
  if (name == "power_law") return bench::power_law({.nodes = 2708, .edges = 10556, .max_degree = 168, .seed = 1});
  if (name == "hub") return bench::hub_stress({.nodes = 2000, .edges = 8000, .hub_degree = 3000, .seed = 2});
  if (name == "molecules") return bench::molecules(64, 18, 3, 3);
  if (name == "dense") return bench::dense_batch(2, 119, 6100, 4);
  throw std::invalid_argument("no graph is named " + name);
}

std::vector<Row> all_rows() {
  Rows rows;
  for (const char* graph : {"power_law", "hub", "molecules", "dense"}) {
    rows.aggregation(graph);
    rows.edges(graph);
    rows.messages(graph);
    rows.gat_attention(graph);
    rows.attention(graph);
    rows.halves(graph);
  }
  rows.nodes("power_law");
  for (const char* graph : {"molecules", "dense"}) rows.pooling(graph);
  return rows.take();
}

}  // namespace warpgnn::traffic
