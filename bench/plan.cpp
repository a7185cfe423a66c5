// SPDX-License-Identifier: MIT
#include "plan.hpp"

#include <stdexcept>
#include <utility>

#include "device_suites.hpp"
#include "graph_rows.hpp"

namespace warpgnn::bench {

namespace {

constexpr std::pair<std::string_view, Suite> kSuites[] = {
    {"smoke", Suite::smoke}, {"standard", Suite::standard}, {"full", Suite::full},
    {"large", Suite::large}, {"core", Suite::core},         {"steps", Suite::steps},
};

std::vector<Row> smoke_rows(bool cuda) {
  std::vector<Row> rows;
  GraphRows smoke("smoke", rows);
  smoke.all_aggregates(16, kAllPasses);
  smoke.all_message_aggregates(16, kAllPasses);
  smoke.relations(3, 2, 16, kAllPasses);
  smoke.edges(2, kAllPasses);
  smoke.gat_attention({2, 8}, kAllUses);
  smoke.all_attention({2, 8}, kAllPasses);
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
    half.all_message_aggregates(16, kAllPasses);
    half.gat_attention({2, 8}, kAllUses);
    half.all_attention({2, 8}, kAllPasses);
    half.pools(16, kAllPasses);
  }
  return rows;
}

std::vector<Row> standard_rows(bool cuda) {
  std::vector<Row> rows;
  GraphRows yardstick("yardstick", rows);
  yardstick.layers({4, 32}, kUses);
  for (const HeadShape shape : {HeadShape{8, 8}, HeadShape{4, 32}, HeadShape{8, 32}, HeadShape{1, 128}}) {
    yardstick.gat_attention(shape, kAllUses);
  }
  for (const HeadShape shape : {HeadShape{8, 8}, HeadShape{4, 32}, HeadShape{1, 128}}) {
    yardstick.all_attention(shape, kAllPasses);
  }
  yardstick.all_aggregates(128, kPasses);
  for (const std::int64_t width : {16, 64, 256}) yardstick.weighted_sums(width, kPasses);
  yardstick.message_aggregate(EdgeMessage::relu_add, Reduce::sum, 128, kPasses);
  yardstick.relations(16, 4, 64, kPasses);
  yardstick.edges(4, kPasses);
  yardstick.dense({4, 32}, kPasses);
  yardstick.row_norms(128, kPasses);
  yardstick.build();
  yardstick.baselines(128, cuda);
  GraphRows half("yardstick", rows, Dtype::bfloat16);
  half.weighted_sums(128, kPasses);
  half.gat_attention({4, 32}, kPasses);
  half.all_attention({4, 32}, kPasses);

  for (const char* name : {"cora", "road", "hub16th", "arxiv"}) {
    GraphRows graph(name, rows);
    graph.weighted_sums(64, kPasses);
    graph.gat_attention({8, 8}, kUses);
    graph.build();
  }
  for (const char* name : {"mutag128", "zinc1024", "pattern128"}) {
    GraphRows batch(name, rows);
    batch.aggregate(Reduce::mean, Factors::none, 64, kPasses);
    batch.aggregate(Reduce::max, Factors::none, 64, kPasses);
    batch.message_aggregate(EdgeMessage::relu_add, Reduce::sum, 64, kPasses);
    batch.gat_attention({4, 32}, kUses);
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
    graph.all_message_aggregates(width, kAllPasses);
    graph.baselines(width, cuda);
  }
  for (const HeadShape shape : {HeadShape{8, 8}, HeadShape{4, 32}, HeadShape{8, 32}, HeadShape{4, 64}, HeadShape{8, 64},
                                HeadShape{1, 128}, HeadShape{1, 256}}) {
    graph.gat_attention(shape, kAllUses);
    graph.all_attention(shape, kAllPasses);
    graph.dense(shape, kAllPasses);
  }
  GraphRows half(name, rows, Dtype::bfloat16);
  for (const std::int64_t width : {16, 64, 128, 256}) half.weighted_sums(width, kAllPasses);
  for (const HeadShape shape : {HeadShape{8, 8}, HeadShape{4, 32}, HeadShape{8, 64}, HeadShape{1, 256}}) {
    half.gat_attention(shape, kAllUses);
    half.all_attention(shape, kAllPasses);
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
      graph.gat_attention(shape, kAllUses);
      graph.all_attention(shape, kPasses);
    }
    graph.build();
  }
  return rows;
}

}  // namespace

std::vector<std::string> suite_names() {
  std::vector<std::string> names;
  for (const auto& [name, suite] : kSuites) names.emplace_back(name);
  return names;
}

Suite suite_of(std::string_view name) {
  for (const auto& [known, suite] : kSuites) {
    if (name == known) return suite;
  }
  throw std::invalid_argument("no suite is named " + std::string(name));
}

std::vector<Timing> timings_of(Suite suite, bool cuda) {
  if (!cuda) return {{}};
  const Timing cold{.name = "cold", .cold = true}, cold_replay{.name = "cold_replay", .cold = true, .replay = true};
  const Timing warm{.name = "warm"}, warm_replay{.name = "warm_replay", .replay = true};
  switch (suite) {
    case Suite::smoke:
    case Suite::standard: return {cold, warm_replay};
    case Suite::full:
    case Suite::large: return {cold, warm_replay, warm, cold_replay};
    case Suite::core: return {cold};
    case Suite::steps: return {warm, warm_replay};
  }
  return {};
}

Repetitions repetitions_of(Suite suite, const Timing& timing, double seconds) {
  constexpr int kCore = 10, kLeast = 3, kMost = 1'000'000, kMostCold = 200;
  if (suite == Suite::core) return {.least = kCore, .most = kCore};
  return {.least = kLeast, .most = timing.cold ? kMostCold : kMost, .seconds = seconds};
}

const std::shared_ptr<const EdgeTensors>& GraphShelf::edges(const std::string& name) {
  if (name_ != name) {
    graph_.reset();
    edges_.reset();
    edges_ = std::make_shared<const EdgeTensors>(named_graph(context_, name, scale_));
    name_ = name;
  }
  return edges_;
}

const Graph& GraphShelf::graph(const std::string& name) {
  edges(name);
  if (!graph_) graph_ = Graph::from_coo(context_, edges_->view());
  return *graph_;
}

std::vector<Row> rows_of(Suite suite, bool cuda) {
  switch (suite) {
    case Suite::smoke: return smoke_rows(cuda);
    case Suite::standard: return standard_rows(cuda);
    case Suite::full: return full_rows(cuda);
    case Suite::large: return large_rows(cuda);
    case Suite::core: return core_rows(cuda);
    case Suite::steps: return step_rows();
  }
  return {};
}

}  // namespace warpgnn::bench
