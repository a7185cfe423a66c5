// SPDX-License-Identifier: MIT
#include "device_suites.hpp"

#include "graph_rows.hpp"

namespace warpgnn::bench {

namespace {

constexpr HeadShape kMainShape{8, 32}, kSecondShape{4, 32};
constexpr std::int64_t kMainWidth = 128;
constexpr std::int64_t kNarrowWidth = 16;
constexpr std::int64_t kOtherWidths[] = {64, 256, kNarrowWidth};

void add_attention(GraphRows& graph, HeadShape shape) {
  graph.gat_attention(shape, {Direction::forward, Direction::training, Direction::backward});
  graph.attention(AttentionScore::gatv2, shape, kPasses);
  graph.attention(AttentionScore::dot, shape, kPasses);
}

void add_core(const char* name, bool cuda, std::vector<Row>& rows) {
  GraphRows graph(name, rows), half(name, rows, Dtype::bfloat16);
  const auto add_sums = [&](std::int64_t width) {
    graph.aggregate(Reduce::sum, Factors::edges, width, kPasses);
    if (cuda) graph.cusparse_spmm(width);
    half.aggregate(Reduce::sum, Factors::edges, width, kPasses);
  };
  const auto add_scaled_sums = [&](std::int64_t width) {
    graph.aggregate(Reduce::sum, Factors::nodes, width, kPasses);
    half.aggregate(Reduce::sum, Factors::nodes, width, kPasses);
  };
  const auto add_dots = [&](std::int64_t width) {
    graph.edge_dot(width);
    if (cuda) graph.cusparse_sddmm(width);
  };
  add_attention(graph, kMainShape);
  add_sums(kMainWidth);
  add_attention(half, kMainShape);
  add_scaled_sums(kMainWidth);
  add_dots(kMainWidth);
  add_attention(graph, kSecondShape);
  add_attention(half, kSecondShape);
  for (const std::int64_t width : kOtherWidths) add_sums(width);
  add_scaled_sums(kNarrowWidth);
  for (const std::int64_t width : kOtherWidths) add_dots(width);
}

}  // namespace

std::vector<Row> core_rows(bool cuda) {
  std::vector<Row> rows;
  for (const char* name : kCoreGraphs) add_core(name, cuda, rows);
  return rows;
}

std::vector<Row> step_rows() {
  std::vector<Row> rows;
  GraphRows("mutag128", rows).train_step(StepModel::gat);
  for (const char* name : {"zinc128", "zinc1024"}) GraphRows(name, rows).train_step(StepModel::gine);
  return rows;
}

}  // namespace warpgnn::bench
