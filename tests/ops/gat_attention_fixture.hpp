// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include "tests/oracle/gat_attention.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/graphs.hpp"
#include "warpgnn/ops/gat_attention.hpp"

namespace warpgnn::test {

/// GAT attention on one backend, from the oracle's description of it.
class GatAttentionFixture : public OpTest {
 protected:
  struct Forward {
    TestTensor y, maximum, sum, positive_y, positive_weight;
  };
  struct Backward {
    TestTensor dvalue, dsource_score, ddestination_score, dedge_score;
  };
  struct Inputs {
    TestTensor value, source_score, destination_score, edge_score, counter;

    AttentionDropout dropout(const oracle::Gat& in) const { return {in.dropout, in.seed, counter}; }
  };

  static std::int64_t heads(const oracle::Gat& in) { return static_cast<std::int64_t>(in.heads); }
  static std::int64_t channels(const oracle::Gat& in) { return static_cast<std::int64_t>(in.channels); }
  static std::int64_t edges(const oracle::Gat& in) { return static_cast<std::int64_t>(in.edges.count()); }
  static Shape source_rows(const oracle::Gat& in) { return {in.edges.num_sources, heads(in), channels(in)}; }
  static Shape destination_rows(const oracle::Gat& in) { return {in.edges.num_destinations, heads(in), channels(in)}; }
  static Shape source_scores(const oracle::Gat& in) { return {in.edges.num_sources, heads(in)}; }
  static Shape destination_scores(const oracle::Gat& in) { return {in.edges.num_destinations, heads(in)}; }
  static Shape edge_scores(const oracle::Gat& in) { return {edges(in), heads(in)}; }

  TestTensor input(const Shape& shape, const oracle::Reals& values, Place place) const {
    return TestTensor::input(context(), dtype(), shape, values, place);
  }
  TestTensor output(const Shape& shape, Place place) const {
    return TestTensor::output(context(), dtype(), shape, place);
  }
  /// Everything that has no channels: scores, statistics and their gradients.
  TestTensor score_input(const Shape& shape, const oracle::Reals& values, Place place) const {
    return TestTensor::input(context(), accumulator(), shape, values, place);
  }
  TestTensor score_output(const Shape& shape, Place place) const {
    return TestTensor::output(context(), accumulator(), shape, place);
  }

  Inputs inputs(const oracle::Gat& in, Place place) const {
    return {input(source_rows(in), in.value, place), score_input(source_scores(in), in.source_score, place),
            score_input(destination_scores(in), in.destination_score, place),
            in.edge_score.empty() ? TestTensor() : score_input(edge_scores(in), in.edge_score, place),
            in.counter == 0 ? TestTensor() : TestTensor::input_ids(context(), Dtype::int64, {1}, {in.counter})};
  }

  Graph upload(const oracle::Gat& in) const { return TestGraph{"", in.edges}.upload(context()); }

  Forward forward(const oracle::Gat& in, Place place = Place::contiguous) const {
    const Inputs given = inputs(in, place);
    Forward out{output(destination_rows(in), place), score_output(destination_scores(in), place),
                score_output(destination_scores(in), place), output(destination_rows(in), place),
                score_output(destination_scores(in), place)};
    run(context(), gat_attention_forward,
        GatAttention{upload(in), in.slope, given.dropout(in), given.value, given.source_score, given.destination_score,
                     given.edge_score},
        GatAttentionResult{out.y, out.maximum, out.sum, out.positive_y, out.positive_weight});
    return out;
  }

  /// What the oracle's forward saves.
  Forward saved(const oracle::Gat& in, Place place) const {
    const oracle::GatForward out = oracle::gat(in);
    return {input(destination_rows(in), out.y.value, place),
            score_input(destination_scores(in), out.softmax.maximum, place),
            score_input(destination_scores(in), out.softmax.sum.value, place),
            input(destination_rows(in), out.positive_y.value, place),
            score_input(destination_scores(in), out.positive_weight.value, place)};
  }

  Backward backward(const oracle::Gat& in, const oracle::Reals& dy, Place place = Place::contiguous) const {
    return backward(in, dy, place, saved(in, place));
  }
  Backward backward(const oracle::Gat& in, const oracle::Reals& dy, Place place, const Forward& from) const {
    const Inputs given = inputs(in, place);
    const TestTensor upstream = input(destination_rows(in), dy, place);
    Backward out{output(source_rows(in), place), score_output(source_scores(in), place),
                 score_output(destination_scores(in), place),
                 in.edge_score.empty() ? TestTensor() : score_output(edge_scores(in), place)};
    run(context(), gat_attention_backward,
        GatAttention{upload(in), in.slope, given.dropout(in), given.value, given.source_score, given.destination_score,
                     given.edge_score},
        GatAttentionResult{from.y, from.maximum, from.sum, from.positive_y, from.positive_weight},
        GatAttentionGradients{upstream, out.dvalue, out.dsource_score, out.ddestination_score, out.dedge_score});
    return out;
  }

  TestTensor weights(const oracle::Gat& in, Place place = Place::contiguous) const {
    return weights(in, place, saved(in, place));
  }
  TestTensor weights(const oracle::Gat& in, Place place, const Forward& from) const {
    const Inputs given = inputs(in, place);
    auto weight = score_output(edge_scores(in), place);
    run(context(), gat_attention_weights,
        GatAttention{.graph = upload(in),
                     .negative_slope = in.slope,
                     .source_score = given.source_score,
                     .destination_score = given.destination_score,
                     .edge_score = given.edge_score},
        GatAttentionResult{.maximum = from.maximum, .sum = from.sum}, GatAttentionWeights{weight});
    return weight;
  }

  /// What score gradients may lose where 16-bit storage rounds the y and positive_y that they are made of.
  double saved_factor(double factor) const { return factor + storage_rounding(dtype()) / epsilon_of(dtype()); }

  /// Everything against the oracle; factors in units of epsilon.
  void check(const oracle::Gat& in, const oracle::Reals& dy, Place place, double factor = kSumFactor) const {
    const auto want = oracle::gat(in);
    const Forward got = forward(in, place);
    expect_close(got.y, want.y, factor, "y");
    expect_relative(got.maximum, want.softmax.maximum, factor, "maximum", 1.0);
    expect_close(got.sum, want.softmax.sum, factor, "sum");
    expect_close(got.positive_y, want.positive_y, factor, "positive_y");
    expect_close(got.positive_weight, want.positive_weight, factor, "positive_weight");
    if (in.edges.count() > 0) expect_relative(weights(in, place), want.weight, factor, "weight");
    const auto gradients = oracle::gat_backward(in, dy);
    const Backward found = backward(in, dy, place);
    expect_close(found.dvalue, gradients.dvalue, factor, "dvalue");
    const double saved = saved_factor(factor);
    expect_close(found.dsource_score, gradients.dsource_score, saved, "dsource_score");
    expect_close(found.ddestination_score, gradients.ddestination_score, saved, "ddestination_score");
    if (!in.edge_score.empty()) expect_close(found.dedge_score, gradients.dedge_score, saved, "dedge_score");
  }
};

struct GatSettings {
  std::size_t heads = 2;
  std::size_t channels = 4;
  bool edge_score = false;
  double dropout = 0;
};

/// A random problem. Scores are small multiples of 1/64, shifted by 1/128 once: every p is exact in both precisions and
/// at least 1/128 away from the kink.
inline oracle::Gat random_gat(Rng& rng, const TestGraph& graph, const GatSettings& settings) {
  const auto scores = [&](std::size_t count, double shift) {
    oracle::Reals values = rng.integers(count * settings.heads, -64, 64);
    for (double& value : values) value = value / 64 + shift;
    return values;
  };
  oracle::Gat in{graph.edges, settings.heads, settings.channels};
  in.value = rng.reals(graph.edges.sources() * settings.heads * settings.channels);
  in.source_score = scores(graph.edges.sources(), 0);
  in.destination_score = scores(graph.edges.destinations(), 1.0 / 128);
  if (settings.edge_score) in.edge_score = scores(graph.edges.count(), 0);
  in.dropout = settings.dropout;
  in.seed = rng.next();
  return in;
}

inline oracle::Reals random_upstream(Rng& rng, const oracle::Gat& in) {
  return rng.reals(in.edges.destinations() * in.heads * in.channels);
}

}  // namespace warpgnn::test
