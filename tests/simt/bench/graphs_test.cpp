// SPDX-License-Identifier: MIT
// The benchmarks' graphs and inputs: the same from run to run, and on a GPU the ones of the host.

#include <gtest/gtest.h>

#include <string>

#include "bench/cases/random_tensor.hpp"
#include "bench/generators.hpp"
#include "bench/named_graphs.hpp"

namespace warpgnn::bench {
namespace {

/// FNV-1a over 32-bit words.
std::uint64_t digest_of(const EdgeTensors& graph) {
  std::uint64_t digest = 0xCBF29CE484222325u;
  for (const Tensor* ends : {&graph.source, &graph.destination}) {
    for (const std::int32_t node : ends->to_host<std::int32_t>()) {
      digest = (digest ^ static_cast<std::uint32_t>(node)) * 0x100000001B3u;
    }
  }
  return digest;
}

// Results are compared over the years: these edges may not change.
TEST(BenchGraphs, AreThoseOfPublishedResults) {
  const std::pair<const char*, std::uint64_t> published[] = {
      {"yardstick", 0x0956A997D1BDE1DFu}, {"arxiv", 0xB132F60A033A3A9Bu},    {"hub16th", 0x7CE9B89253726173u},
      {"road", 0x51E96B9A2CFCEAD9u},      {"zinc1024", 0xDD65AA477DDA296Fu}, {"pattern128", 0x74A1B77B21A30433u},
  };
  for (const auto& [name, digest] : published) EXPECT_EQ(digest_of(named_graph(Context::cpu(), name)), digest) << name;
}

void expect_equal(const EdgeTensors& drawn, const EdgeSet& wanted) {
  EXPECT_EQ(drawn.nodes, wanted.nodes);
  EXPECT_EQ(drawn.source.to_host<std::int32_t>(), wanted.source);
  EXPECT_EQ(drawn.destination.to_host<std::int32_t>(), wanted.destination);
}

TEST(BenchGraphs, AreDrawnOnTheDeviceAsOnTheHost) {
  const Context cuda = Context::cuda();
  const PowerLaw laws[] = {{1, 2, 1, 1}, {60, 800, 120, 2}, {2708, 10556, 168, 3}, {500, 20000, 3000, 4}};
  for (const PowerLaw& law : laws) {
    SCOPED_TRACE("power law of " + std::to_string(law.nodes) + " nodes");
    expect_equal(power_law(cuda, law), power_law(law));
  }
  const HubStress hubs[] = {{80, 1600, 600, 5}, {3000, 5000, 2500, 6}, {3000, 5000, 0, 7}, {10, 0, 0, 8}};
  for (const HubStress& hub : hubs) {
    SCOPED_TRACE("hub of degree " + std::to_string(hub.hub_degree));
    expect_equal(hub_stress(cuda, hub), hub_stress(hub));
  }
}

TEST(BenchGraphs, TinyOnesKeepTheirKind) {
  for (const char* name : kCoreGraphs) {
    const EdgeTensors graph = named_graph(Context::cpu(), name, Scale::tiny);
    EXPECT_GT(graph.edges(), 500) << name;
    EXPECT_LT(graph.edges(), 2000) << name;
  }
  const Graph hub = Graph::from_coo(Context::cpu(), named_graph(Context::cpu(), "hub", Scale::tiny).view());
  EXPECT_GT(hub.in_edges().long_rows.rows, 0);
}

TEST(BenchInputs, AreFilledOnTheDeviceAsOnTheHost) {
  for (const std::int64_t rows : {0, 1, 100}) {
    SCOPED_TRACE(rows);
    const auto values = [&](const Context& context) { return random_tensor(context, {rows, 33}).to_host<float>(); };
    EXPECT_EQ(values(Context::cuda()), values(Context::cpu()));
    const auto halves = [&](const Context& context) {
      return random_tensor(context, {rows, 33}, Dtype::bfloat16).to_host<std::uint16_t>();
    };
    EXPECT_EQ(halves(Context::cuda()), halves(Context::cpu()));
  }
}

TEST(BenchInputs, AreUniform) {
  const auto values = random_tensor(Context::cpu(), {10000}).to_host<float>();
  double sum = 0, squares = 0;
  for (const float value : values) {
    ASSERT_GE(value, -1);
    ASSERT_LT(value, 1);
    sum += value;
    squares += double{value} * value;
  }
  EXPECT_NEAR(sum / 10000, 0, 0.02);
  EXPECT_NEAR(squares / 10000, 1.0 / 3, 0.01);
}

}  // namespace
}  // namespace warpgnn::bench
