// SPDX-License-Identifier: MIT
// Graphs that must be refused when they are built.

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/backends.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/graphs.hpp"

namespace warpgnn::test {
namespace {

using Values = std::vector<std::int64_t>;

constexpr std::int64_t kTooMany = std::int64_t{1} << 31;

template <class T>
ConstTensorView vector_of(const std::vector<T>& values) {
  return view(values.data(), {static_cast<std::int64_t>(values.size())});
}

class GraphErrorTest : public BackendTest {
 protected:
  template <class Id>
  void refuse_coo(ErrorCode code, const std::vector<std::string>& words, const std::vector<Id>& source,
                  const std::vector<Id>& destination, std::int64_t sources, std::int64_t destinations,
                  const Values& graph_offsets = {}) const {
    EdgeList edges{vector_of(source), vector_of(destination), sources, destinations};
    if (!graph_offsets.empty()) edges.graph_offsets = vector_of(graph_offsets);
    expect_error(code, words, [&] { Graph::from_coo(context(), edges); });
  }

  void refuse_csr(ErrorCode code, const std::vector<std::string>& words, const Values& offsets,
                  const std::vector<std::int32_t>& sources, std::int64_t num_sources) const {
    expect_error(code, words, [&] {
      Graph::from_csr(context(), {vector_of(offsets), vector_of(sources), num_sources});
    });
  }
};

WARPGNN_INSTANTIATE_BACKEND_TESTS(GraphErrorTest);

TEST_P(GraphErrorTest, NodeIdsOutOfRange) {
  const auto code = ErrorCode::out_of_range;
  refuse_coo<std::int64_t>(code, {"source:", "[0, 3)", "element 1"}, {0, 3, 1}, {0, 1, 2}, 3, 3);
  refuse_coo<std::int64_t>(code, {"destination:", "[0, 2)", "element 2"}, {0, 3, 1}, {0, 1, 2}, 4, 2);
  refuse_coo<std::int64_t>(code, {"source:", "element 0"}, {-1}, {0}, 3, 3);
  refuse_coo<std::int32_t>(code, {"source:", "element 0"}, {-1}, {0}, 3, 3);
  refuse_coo<std::int32_t>(code, {"destination:", "element 1"}, {0, 0}, {0, 5}, 3, 3);
  refuse_coo<std::int64_t>(code, {"source:", "element 0"}, {0}, {0}, 0, 3);
  // Ids that would be valid if only their low 32 bits were looked at.
  refuse_coo<std::int64_t>(code, {"source:", "element 1"}, {0, (std::int64_t{1} << 32) + 1}, {0, 0}, 3, 3);
  refuse_coo<std::int64_t>(code, {"destination:", "element 0"}, {0}, {std::numeric_limits<std::int64_t>::min()}, 3, 3);
}

TEST_P(GraphErrorTest, OneBadIdAmongMany) {
  std::vector<std::int64_t> source(100001, 5), destination(100001, 6);
  source[70003] = 10;
  source[90000] = -4;
  refuse_coo<std::int64_t>(ErrorCode::out_of_range, {"source:", "element 70003"}, source, destination, 10, 10);
}

TEST_P(GraphErrorTest, ShapesAndDtypes) {
  const auto code = ErrorCode::invalid_argument;
  refuse_coo<std::int64_t>(code, {"destination:", "3", "got 2"}, {0, 1, 1}, {0, 1}, 3, 3);
  const std::vector<std::int32_t> narrow{0, 1};
  const std::vector<std::int64_t> wide{0, 1};
  const std::vector<float> real{0, 1};
  const auto build = [&](const ConstTensorView& source, const ConstTensorView& destination) {
    return [this, source, destination] { Graph::from_coo(context(), {source, destination, 3, 3}); };
  };
  expect_error(code, {"destination:", "int32", "int64"}, build(vector_of(narrow), vector_of(wide)));
  expect_error(code, {"source:", "float32"}, build(vector_of(real), vector_of(real)));
  expect_error(code, {"source:", "none"}, build({}, vector_of(wide)));
  expect_error(code, {"destination:", "none"}, build(vector_of(wide), {}));
  expect_error(code, {"source:", "2 dimensions"}, build(view(wide.data(), {2, 1}), vector_of(wide)));
}

TEST_P(GraphErrorTest, MemoryThatIsNotThere) {
  const std::vector<std::int64_t> ids{0, 1};
  ConstTensorView null = vector_of(ids);
  null.data = nullptr;
  const auto code = ErrorCode::invalid_argument;
  expect_error(code, {"source:", "null"}, [&] { Graph::from_coo(context(), {null, vector_of(ids), 3, 3}); });
  expect_error(code, {"destination:", "null"}, [&] { Graph::from_coo(context(), {vector_of(ids), null, 3, 3}); });
  expect_error(code, {"graph_offsets:", "null"}, [&] {
    Graph::from_coo(context(), {vector_of(ids), vector_of(ids), 1, 1, null});
  });
  const std::vector<std::int32_t> sources{0};
  expect_error(code, {"offsets:", "null"}, [&] { Graph::from_csr(context(), {null, vector_of(sources), 3}); });
}

TEST_P(GraphErrorTest, MemoryOfAnotherDevice) {
  const std::vector<std::int64_t> ids{0, 1};
  ConstTensorView elsewhere = vector_of(ids);
  elsewhere.device = {DeviceType::cuda, 7};
  expect_error(ErrorCode::invalid_argument, {"source:", "host"}, [&] {
    Graph::from_coo(context(), {elsewhere, vector_of(ids), 3, 3});
  });
  expect_error(ErrorCode::invalid_argument, {"graph_offsets:", "host"}, [&] {
    Graph::from_coo(context(), {vector_of(ids), vector_of(ids), 1, 1, elsewhere});
  });
}

TEST_P(GraphErrorTest, CountsThatDoNotFit) {
  refuse_coo<std::int64_t>(ErrorCode::overflow, {"num_sources:", "2147483648"}, {}, {}, kTooMany, 3);
  refuse_coo<std::int64_t>(ErrorCode::overflow, {"num_destinations:", "2147483648"}, {}, {}, 3, kTooMany);
  refuse_coo<std::int64_t>(ErrorCode::invalid_argument, {"num_sources:", "-1"}, {}, {}, -1, 3);
  refuse_coo<std::int64_t>(ErrorCode::invalid_argument, {"num_destinations:", "-7"}, {}, {}, 3, -7);
  const std::int64_t id = 0;  // the ids themselves are never looked at
  const ConstTensorView ids = view(&id, {kTooMany});
  expect_error(ErrorCode::overflow, {"source:", "2147483648"}, [&] { Graph::from_coo(context(), {ids, ids, 1, 1}); });
}

TEST_P(GraphErrorTest, GraphOffsets) {
  const std::vector<std::int64_t> source{0, 3}, destination{1, 2};
  const auto refuse = [&](ErrorCode code, const std::vector<std::string>& words, const Values& offsets) {
    refuse_coo<std::int64_t>(code, words, source, destination, 4, 4, offsets);
  };
  refuse(ErrorCode::out_of_range, {"graph_offsets:", "got 1"}, {1, 4});
  refuse(ErrorCode::out_of_range, {"graph_offsets:", "3"}, {0, 2, 3});
  refuse(ErrorCode::out_of_range, {"graph_offsets:", "5"}, {0, 2, 5});
  refuse(ErrorCode::invalid_argument, {"graph_offsets:", "element 2"}, {0, 3, 2, 4});
  refuse(ErrorCode::invalid_argument, {"graph_offsets:", "node 2"}, {0, 3, 4});  // 3 -> 2 crosses
  refuse_coo<std::int64_t>(ErrorCode::invalid_argument, {"graph_offsets:", "4", "5"}, source, destination, 4, 5,
                           {0, 4});
  const std::vector<std::int32_t> narrow{0, 4};
  EdgeList edges{vector_of(source), vector_of(destination), 4, 4, vector_of(narrow)};
  expect_error(ErrorCode::invalid_argument, {"graph_offsets:", "int64", "int32"},
               [&] { Graph::from_coo(context(), edges); });
}

TEST_P(GraphErrorTest, CompressedRows) {
  refuse_csr(ErrorCode::invalid_argument, {"offsets:", "row 1"}, {0, 2, 1, 3}, {0, 1, 2}, 3);
  refuse_csr(ErrorCode::out_of_range, {"offsets:", "got 1"}, {1, 2, 3}, {0, 1, 2}, 3);
  refuse_csr(ErrorCode::out_of_range, {"offsets:", "3", "2"}, {0, 1, 2}, {0, 1, 2}, 3);
  refuse_csr(ErrorCode::out_of_range, {"offsets:", "3", "9"}, {0, 1, 9}, {0, 1, 2}, 3);
  refuse_csr(ErrorCode::out_of_range, {"sources:", "[0, 2)", "element 2"}, {0, 3}, {0, 1, 2}, 2);
  refuse_csr(ErrorCode::out_of_range, {"sources:", "element 0"}, {0, 1}, {-1}, 2);
  refuse_csr(ErrorCode::invalid_argument, {"offsets:", "at least 1"}, {}, {}, 2);
  refuse_csr(ErrorCode::overflow, {"num_sources:"}, {0}, {}, kTooMany);
  const std::vector<std::int64_t> wide{0, 0};
  const std::vector<std::int32_t> narrow{0, 0};
  expect_error(ErrorCode::invalid_argument, {"sources:", "int32", "int64"}, [&] {
    Graph::from_csr(context(), {vector_of(wide), vector_of(wide), 2});
  });
  expect_error(ErrorCode::invalid_argument, {"offsets:", "int64", "int32"}, [&] {
    Graph::from_csr(context(), {vector_of(narrow), vector_of(narrow), 2});
  });
}

TEST_P(GraphErrorTest, RowOffsetsThatJumpFarOut) {
  // In range at both ends, but a row in between would reach far beyond the edges.
  refuse_csr(ErrorCode::invalid_argument, {"offsets:", "row 1"}, {0, 1000000000, 1, 2}, {0, 0}, 1);
  refuse_csr(ErrorCode::invalid_argument, {"offsets:", "row 0"}, {0, -5, 1, 2}, {0, 0}, 1);
}

TEST_P(GraphErrorTest, BipartiteGraphsHaveNoNodes) {
  Rng rng;
  const Graph bipartite = random_graph(rng, 3, 4, 5).upload(context());
  const auto code = ErrorCode::invalid_argument;
  expect_error(code, {"graph:", "3", "4"}, [&] { bipartite.num_nodes(); });
  expect_error(code, {"graph:", "3", "4"}, [&] { bipartite.with_self_loops(context()); });
  expect_error(code, {"graph:", "3", "4"}, [&] { bipartite.without_self_loops(context()); });
  const std::vector<Graph> graphs{bipartite};
  expect_error(code, {"graph"}, [&] { Graph::batch(context(), graphs); });
}

TEST_P(GraphErrorTest, SelectingGraphsThatAreNotThere) {
  Rng rng;
  const Graph batch = random_batch(rng, {2, 3}, 2).upload(context());
  for (const std::int64_t wrong : {std::int64_t{2}, std::int64_t{-1}, std::int64_t{1} << 40}) {
    expect_error(ErrorCode::out_of_range, {"graphs:", "[0, 2)", std::to_string(wrong)}, [&] {
      batch.select(context(), Values{0, wrong});
    });
  }
}

TEST_P(GraphErrorTest, UndefinedGraphs) {
  const Graph none;
  const auto code = ErrorCode::invalid_argument;
  expect_error(code, {"graph:", "none"}, [&] { none.num_edges(); });
  expect_error(code, {"graph:", "none"}, [&] { none.in_edges(); });
  expect_error(code, {"graph:", "none"}, [&] { none.with_self_loops(context()); });
  expect_error(code, {"graph:", "none"}, [&] { none.without_self_loops(context()); });
  expect_error(code, {"graph:", "none"}, [&] { none.select(context(), {}); });
  const std::vector<Graph> graphs{none};
  expect_error(code, {"graph", "none"}, [&] { Graph::batch(context(), graphs); });
}

}  // namespace
}  // namespace warpgnn::test
