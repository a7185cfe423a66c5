// SPDX-License-Identifier: MIT
// The suites that are meant for a GPU, run as they would be there but for cuSPARSE.

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "bench/device_kernels.hpp"
#include "bench/plan.hpp"
#include "simt/simt.hpp"

namespace warpgnn::bench {
namespace {

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

/// Measures every row that `chosen` takes, each way it would be timed on a GPU. The rows' number.
template <class Chosen>
int measure_rows(Suite suite, const Chosen& chosen) {
  const auto device = make_cuda_device(Scale::tiny);
  GraphShelf shelf(device->context(), Scale::tiny);
  int measured = 0;
  for (const Row& row : rows_of(suite, true)) {
    if (!chosen(row.name)) continue;
    SCOPED_TRACE(row.name);
    const Case work = row.make(shelf);
    work.run();  // as the program does before it measures
    for (const Timing& timing : timings_of(suite, true)) {
      const auto times = device->measure(work.run, timing, {.least = 1, .most = 1});
      EXPECT_TRUE(times.size() == 1 && times[0] > 0) << timing.name;
    }
    ++measured;
  }
  return measured;
}

// The other graphs of the suite are of the same two kinds.
TEST(BenchSuites, CoreRowsRun) {
  const auto measured = measure_rows(Suite::core, [](const std::string& name) {
    return !contains(name, "baseline") && (contains(name, "arxiv") || contains(name, "hub"));
  });
  EXPECT_EQ(measured, 2 * 56);
}

TEST(BenchSuites, StepRowsRunEagerAndReplayed) {
  EXPECT_EQ(measure_rows(Suite::steps, [](const std::string&) { return true; }), 3);
}

TEST(BenchSuites, CoreRowsComeByWorthAndOnce) {
  const std::vector<Row> rows = rows_of(Suite::core, true);
  std::set<std::string> names;
  std::vector<std::string> graphs;
  for (const Row& row : rows) {
    names.insert(row.name);
    for (const char* graph : kCoreGraphs) {
      const std::string shown = "/" + display_name(graph) + "/";
      if (contains(row.name, shown.c_str()) && (graphs.empty() || graphs.back() != graph)) graphs.emplace_back(graph);
    }
  }
  EXPECT_EQ(names.size(), rows.size());
  EXPECT_EQ(rows.size(), 4U * (56 + 12));
  EXPECT_EQ(graphs, std::vector<std::string>(kCoreGraphs.begin(), kCoreGraphs.end()));
  EXPECT_EQ(rows.front().name, "gat_attention/forward/arxiv-like/8x32");
}

TEST(BenchSuites, CoreIsOfFixedLength) {
  for (const Timing& timing : timings_of(Suite::core, true)) {
    const Repetitions repetitions = repetitions_of(Suite::core, timing, 100);
    EXPECT_EQ(repetitions.least, 10);
    EXPECT_EQ(repetitions.most, 10);
    EXPECT_TRUE(timing.cold);
  }
}

TEST(BenchSuites, RepetitionsKeepTheirBounds) {
  const auto runs = [](const Repetitions& repetitions) { return repeat(repetitions, [] { return 1.0; }).size(); };
  EXPECT_EQ(runs({.least = 3, .most = 9}), 3U);
  EXPECT_EQ(runs({.least = 3, .most = 9, .seconds = 5}), 5U);
  EXPECT_EQ(runs({.least = 3, .most = 9, .seconds = 50}), 9U);
}

TEST(BenchFlush, ReadsEveryByte) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "needs the calls of -fsanitize=thread";
#endif
  const Context context = Context::cuda();
  for (const std::int64_t words : {4, 4 * 1000, 4 * 300'000}) {
    Tensor tensor(context, Dtype::int32, {words});
    tensor.fill_zero();
    simt::options().count_traffic = true;
    simt::take_traffic();
    read_all(context, tensor, 1);
    simt::options().count_traffic = false;
    const auto traffic = simt::take_traffic();
    ASSERT_EQ(traffic.size(), 1U);
    EXPECT_EQ(traffic[0].loads.unique_sectors, static_cast<std::uint64_t>((4 * words + 31) / 32)) << words;
    EXPECT_EQ(traffic[0].stores.sectors, 0U);
  }
}

}  // namespace
}  // namespace warpgnn::bench
