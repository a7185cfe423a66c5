// SPDX-License-Identifier: MIT
// Every gradient is optional: alone it has the bits that it has among all of its op's.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/graphs.hpp"
#include "tests/support/test_tensor.hpp"

namespace warpgnn::test {
namespace {

using oracle::Ids;
using oracle::Reals;

class GradientsTest : public OpTest {
 protected:
  static constexpr std::int64_t kHeads = 2, kChannels = 5, kRows = 40;

  TestTensor input(const Shape& shape) {
    std::size_t count = 1;
    for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
    return TestTensor::input(context(), dtype(), shape, rng_.reals(count, 0.25, 1.25));
  }
  TestTensor output(const Shape& shape) const { return TestTensor::output(context(), dtype(), shape); }

  /// @param call given a view for each gradient, undefined where it is not wanted, it runs the op.
  template <class Call>
  void expect_each_alone(const std::vector<Shape>& shapes, const Call& call) const {
    std::vector<TestTensor> together;
    std::vector<TensorView> views;
    const auto zeros = [&](const Shape& shape) {
      std::size_t count = 1;
      for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
      return TestTensor::inout(context(), dtype(), shape, Reals(count, 0.0));
    };
    for (const Shape& shape : shapes) {
      together.push_back(zeros(shape));
      views.push_back(together.back());
    }
    call(views);
    for (std::size_t k = 0; k < shapes.size(); ++k) {
      SCOPED_TRACE("gradient " + std::to_string(k));
      const TestTensor alone = zeros(shapes[k]);
      std::vector<TensorView> one(shapes.size());
      one[k] = alone;
      call(one);
      expect_same_bits(alone, together[k], "alone");
    }
    call(std::vector<TensorView>(shapes.size()));  // nothing is asked for
  }

  Rng rng_;
};

WARPGNN_INSTANTIATE_OP_TESTS(GradientsTest);

TEST_P(GradientsTest, GatAttention) {
  Ids degrees(30, 4);
  degrees[3] = kChunkEdges + 7;
  for (const std::int64_t channels : {kChannels, std::int64_t{300}}) {
    for (const bool out_of_hub : {false, true}) {
      SCOPED_TRACE(std::to_string(channels) + (out_of_hub ? " out of a hub" : ""));
      const TestGraph into = graph_with_degrees(rng_, 60, degrees);
      const Graph graph = (out_of_hub ? transposed(into) : into).upload(context());
      const std::int64_t sources = graph.num_sources(), rows = graph.num_destinations(), edges = graph.num_edges();
      const auto value = input({sources, kHeads, channels}), source = input({sources, kHeads}),
                 destination = input({rows, kHeads}), edge = input({edges, kHeads}),
                 dy = input({rows, kHeads, channels});
      const GatAttention op{.graph = graph,
                            .dropout = {.probability = 0.25, .seed = 5},
                            .value = value,
                            .source_score = source,
                            .destination_score = destination,
                            .edge_score = edge};
      const Owned<GatAttentionResult> result = allocate(context(), op);
      run(context(), gat_attention_forward, op, result.views());
      expect_each_alone({{sources, kHeads, channels}, {sources, kHeads}, {rows, kHeads}, {edges, kHeads}},
                        [&](const std::vector<TensorView>& to) {
                          run(context(), gat_attention_backward, op, result.views(),
                              GatAttentionGradients{.dy = dy,
                                                    .dvalue = to[0],
                                                    .dsource_score = to[1],
                                                    .ddestination_score = to[2],
                                                    .dedge_score = to[3]});
                        });
    }
  }
}

TEST_P(GradientsTest, ResidualGate) {
  const auto x = input({kRows, kChannels}), residual = input({kRows, kChannels}), weight = input({3, kChannels}),
             dy = input({kRows, kChannels});
  const ResidualGate op{x, residual, weight};
  const Owned<ResidualGateResult> result = allocate(context(), op);
  run(context(), residual_gate_forward, op, result.views());
  expect_each_alone({{kRows, kChannels}, {kRows, kChannels}, {3, kChannels}}, [&](const std::vector<TensorView>& to) {
    run(context(), residual_gate_backward, op, result.views(), ResidualGateGradients{dy, to[0], to[1], to[2]});
  });
}

TEST_P(GradientsTest, HeadDot) {
  const auto x = input({kRows, kHeads, kChannels}), vector = input({kHeads, kChannels}),
             second_vector = input({kHeads, kChannels}), dscore = input({kRows, kHeads}),
             dsecond_score = input({kRows, kHeads});
  const Shape vectors = {kHeads, kChannels};
  expect_each_alone({{kRows, kHeads, kChannels}, vectors, vectors}, [&](const std::vector<TensorView>& to) {
    run(context(), head_dot_backward, HeadDot{x, vector, second_vector},
        HeadDotGradients{dscore, to[0], to[1], dsecond_score, to[2]});
  });
}

TEST_P(GradientsTest, GruCell) {
  const auto given = input({kRows, 3 * kChannels}), hidden = input({kRows, 3 * kChannels}),
             h_previous = input({kRows, kChannels}), dh = input({kRows, kChannels});
  expect_each_alone({{kRows, 3 * kChannels}, {kRows, 3 * kChannels}, {kRows, kChannels}}, [&](const std::vector<
                                                                                              TensorView>& to) {
    run(context(), gru_cell_backward, GruCell{given, hidden, h_previous}, GruCellGradients{dh, to[0], to[1], to[2]});
  });
}

TEST_P(GradientsTest, LstmCell) {
  const auto gates = input({kRows, 4 * kChannels}), c_previous = input({kRows, kChannels}),
             dh = input({kRows, kChannels}), dc = input({kRows, kChannels});
  const LstmCell op{gates, c_previous};
  const Owned<LstmCellResult> result = allocate(context(), op);
  run(context(), lstm_cell_forward, op, result.views());
  expect_each_alone({{kRows, 4 * kChannels}, {kRows, kChannels}}, [&](const std::vector<TensorView>& to) {
    run(context(), lstm_cell_backward, op, result.views(), LstmCellGradients{dh, dc, to[0], to[1]});
  });
}

TEST_P(GradientsTest, BatchNorm) {
  const auto x = input({kRows, kChannels}), gamma = input({kChannels}), mean = input({kChannels}),
             inv_std = input({kChannels}), dy = input({kRows, kChannels});
  expect_each_alone({{kRows, kChannels}, {kChannels}, {kChannels}}, [&](const std::vector<TensorView>& to) {
    run(context(), batch_norm_backward, BatchNorm{.x = x, .gamma = gamma},
        BatchNormResult{.saved_mean = mean, .saved_inv_std = inv_std}, BatchNormGradients{dy, to[0], to[1], to[2]});
  });
}

}  // namespace
}  // namespace warpgnn::test
