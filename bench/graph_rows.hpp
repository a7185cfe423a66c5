// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "plan.hpp"

namespace warpgnn::bench {

/// Directions of ops whose forward pass is one and the same for inference and training.
inline const std::vector<Direction> kPasses{Direction::forward, Direction::backward};
inline const std::vector<Direction> kAllPasses{Direction::forward, Direction::backward, Direction::both};
/// Directions of attention and of whole layers.
inline const std::vector<Direction> kUses{Direction::forward, Direction::both};
inline const std::vector<Direction> kAllUses{Direction::forward, Direction::training, Direction::backward,
                                             Direction::both};

/// Adds rows of one graph to a plan. `storage` is that of features in aggregations, attention, pools and linear layers;
/// other rows have no choice and belong to float32.
class GraphRows {
 public:
  GraphRows(std::string graph, std::vector<Row>& rows, Dtype storage = Dtype::float32);

  void aggregate(Reduce reduce, Factors factors, std::int64_t width, const std::vector<Direction>& directions);
  /// Sums with weights of edges, and beside them with scales of nodes, as GCN can be computed either way.
  void weighted_sums(std::int64_t width, const std::vector<Direction>& directions);
  void all_aggregates(std::int64_t width, const std::vector<Direction>& directions);
  void message_aggregate(EdgeMessage message, Reduce reduce, std::int64_t width,
                         const std::vector<Direction>& directions);
  void all_message_aggregates(std::int64_t width, const std::vector<Direction>& directions);
  void relations(std::int64_t relations, std::int64_t bases, std::int64_t width,
                 const std::vector<Direction>& directions);
  void edges(std::int64_t heads, const std::vector<Direction>& directions);
  /// One dot product per edge.
  void edge_dot(std::int64_t width);
  void gat_attention(HeadShape shape, const std::vector<Direction>& directions);
  void attention(AttentionScore score, HeadShape shape, const std::vector<Direction>& directions);
  void all_attention(HeadShape shape, const std::vector<Direction>& directions);
  void dense(HeadShape shape, const std::vector<Direction>& directions);
  void pools(std::int64_t width, const std::vector<Direction>& directions);
  /// Heads, the parts of Set2Set, and normalisation of rows.
  void more_pools(HeadShape shape, const std::vector<Direction>& directions);
  void row_norms(std::int64_t width, const std::vector<Direction>& directions);
  void layers(HeadShape shape, const std::vector<Direction>& directions);
  void build();
  void select();

  void train_step(StepModel model);

  void cusparse_spmm(std::int64_t width);
  void cusparse_sddmm(std::int64_t width);
  void baselines(std::int64_t width, bool cuda);

 private:
  void add(const std::string& op, const std::string& direction, const std::string& shape,
           std::function<Case(const Context&, const Graph&)> make);

  std::string graph_, shown_;
  Dtype storage_;
  std::vector<Row>& rows_;
};

}  // namespace warpgnn::bench
