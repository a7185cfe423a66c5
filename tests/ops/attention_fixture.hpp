// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include "tests/oracle/attention.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/graphs.hpp"
#include "warpgnn/ops/attention.hpp"

namespace warpgnn::test {

inline constexpr oracle::AttentionScore kAttentionScores[] = {
    oracle::AttentionScore::gatv2, oracle::AttentionScore::additive, oracle::AttentionScore::dot};
inline const char* name_of(oracle::AttentionScore score) {
  switch (score) {
    case oracle::AttentionScore::gatv2: return "gatv2";
    case oracle::AttentionScore::additive: return "additive";
    case oracle::AttentionScore::dot: return "dot";
  }
  return "unknown";
}

/// A problem as the oracle sees it, and which of its tensors the library gets as one view.
struct AttentionProblem : oracle::Attention {
  bool value_is_key = false;
  bool edge_value_is_key = false;
};

/// Attention between pairs of feature vectors on one backend, from the oracle's description of it.
class AttentionFixture : public OpTest {
 protected:
  struct Inputs {
    TestTensor query, key, own_value, edge_key, own_edge_value, edge_bias, vector, counter;
    bool value_is_key, edge_value_is_key;

    ConstTensorView value() const { return value_is_key ? key : own_value; }
    ConstTensorView edge_value() const { return edge_value_is_key ? edge_key : own_edge_value; }
  };
  struct Forward {
    TestTensor y, maximum, sum;
  };
  struct Backward {
    TestTensor dquery, dkey, dvalue, dedge_key, dedge_value, dedge_bias, dvector;
  };

  static std::int64_t heads(const AttentionProblem& in) { return static_cast<std::int64_t>(in.heads); }
  static std::int64_t channels(const AttentionProblem& in) { return static_cast<std::int64_t>(in.channels); }
  static std::int64_t values(const AttentionProblem& in) { return static_cast<std::int64_t>(in.values); }
  static std::int64_t edges(const AttentionProblem& in) { return static_cast<std::int64_t>(in.edges.count()); }
  static Shape queries(const AttentionProblem& in) { return {in.edges.num_destinations, heads(in), channels(in)}; }
  static Shape keys(const AttentionProblem& in) { return {in.edges.num_sources, heads(in), channels(in)}; }
  static Shape source_values(const AttentionProblem& in) { return {in.edges.num_sources, heads(in), values(in)}; }
  static Shape results(const AttentionProblem& in) { return {in.edges.num_destinations, heads(in), values(in)}; }
  static Shape row_scores(const AttentionProblem& in) { return {in.edges.num_destinations, heads(in)}; }
  static Shape edge_keys(const AttentionProblem& in) { return {edges(in), heads(in), channels(in)}; }
  static Shape edge_values(const AttentionProblem& in) { return {edges(in), heads(in), values(in)}; }
  static Shape edge_scores(const AttentionProblem& in) { return {edges(in), heads(in)}; }
  static Shape vectors(const AttentionProblem& in) { return {heads(in), channels(in)}; }
  static AttentionScore score(const AttentionProblem& in) {
    return static_cast<AttentionScore>(static_cast<int>(in.score));
  }
  /// Parameters have no gaps between rows.
  static Place packed(Place place) { return place == Place::strided ? Place::misaligned : place; }

  TestTensor input(const Shape& shape, const oracle::Reals& values, Place place) const {
    return TestTensor::input(context(), dtype(), shape, values, place);
  }
  TestTensor given(const Shape& shape, const oracle::Reals& values, Place place) const {
    return values.empty() && shape[0] > 0 ? TestTensor() : input(shape, values, place);
  }
  TestTensor output(const Shape& shape, Place place) const {
    return TestTensor::output(context(), dtype(), shape, place);
  }
  /// Everything that is no row of features: statistics, biases, weights and the vector.
  TestTensor real_input(const Shape& shape, const oracle::Reals& values, Place place) const {
    return TestTensor::input(context(), accumulator(), shape, values, place);
  }
  TestTensor real_output(const Shape& shape, Place place) const {
    return TestTensor::output(context(), accumulator(), shape, place);
  }
  Graph upload(const AttentionProblem& in) const { return TestGraph{"", in.edges}.upload(context()); }

  Inputs inputs(const AttentionProblem& in, Place place) const {
    return {input(queries(in), in.query, place),
            input(keys(in), in.key, place),
            in.value_is_key ? TestTensor() : input(source_values(in), in.value, place),
            given(edge_keys(in), in.edge_key, place),
            in.edge_value_is_key ? TestTensor() : given(edge_values(in), in.edge_value, place),
            in.edge_bias.empty() && edges(in) > 0 ? TestTensor() : real_input(edge_scores(in), in.edge_bias, place),
            in.score == oracle::AttentionScore::dot ? TestTensor() : real_input(vectors(in), in.vector, packed(place)),
            in.counter == 0 ? TestTensor() : TestTensor::input_ids(context(), Dtype::int64, {1}, {in.counter}),
            in.value_is_key,
            in.edge_value_is_key};
  }

  template <class Op>
  Op op_of(const AttentionProblem& in, const Inputs& given_inputs) const {
    Op op;
    op.graph = upload(in);
    op.score = score(in);
    op.negative_slope = in.slope;
    op.scale = in.scale;
    op.dropout = {in.dropout, in.seed, given_inputs.counter};
    op.query = given_inputs.query;
    op.key = given_inputs.key;
    op.value = given_inputs.value();
    op.edge_value = given_inputs.edge_value();
    op.edge_key = given_inputs.edge_key;
    op.edge_bias = given_inputs.edge_bias;
    op.vector = given_inputs.vector;
    return op;
  }

  Forward forward(const AttentionProblem& in, Place place = Place::contiguous) const {
    const Inputs given_inputs = inputs(in, place);
    Forward out{output(results(in), place), real_output(row_scores(in), place), real_output(row_scores(in), place)};
    auto op = op_of<AttentionForward>(in, given_inputs);
    op.y = out.y;
    op.maximum = out.maximum;
    op.sum = out.sum;
    run(context(), attention_forward, op);
    return out;
  }

  /// All gradients, but those of values that are joined to keys.
  Backward outputs(const AttentionProblem& in, Place place) const {
    const bool with_vector = in.score != oracle::AttentionScore::dot;
    return {output(queries(in), place),
            output(keys(in), place),
            in.value_is_key ? TestTensor() : output(source_values(in), place),
            output(edge_keys(in), place),
            in.edge_value_is_key ? TestTensor() : output(edge_values(in), place),
            real_output(edge_scores(in), place),
            with_vector ? real_output(vectors(in), packed(place)) : TestTensor()};
  }

  static void set_outputs(const Backward& out, AttentionBackward& op) {
    op.dquery = out.dquery;
    op.dkey = out.dkey;
    op.dvalue = out.dvalue;
    op.dedge_key = out.dedge_key;
    op.dedge_value = out.dedge_value;
    op.dedge_bias = out.dedge_bias;
    op.dvector = out.dvector;
  }

  /// What the oracle's forward saves.
  Forward saved(const AttentionProblem& in, Place place) const {
    const oracle::AttentionForward out = oracle::attention(in);
    return {input(results(in), out.y.value, place), real_input(row_scores(in), out.maximum.value, place),
            real_input(row_scores(in), out.sum.value, place)};
  }

  void backward(const AttentionProblem& in, const oracle::Reals& dy, Place place, const Backward& out) const {
    backward(in, dy, place, out, saved(in, place));
  }
  void backward(const AttentionProblem& in, const oracle::Reals& dy, Place place, const Backward& out,
                const Forward& from) const {
    const Inputs given_inputs = inputs(in, place);
    const TestTensor upstream = input(results(in), dy, place);
    auto op = op_of<AttentionBackward>(in, given_inputs);
    op.y = from.y;
    op.maximum = from.maximum;
    op.sum = from.sum;
    op.dy = upstream;
    set_outputs(out, op);
    run(context(), attention_backward, op);
  }
  Backward backward(const AttentionProblem& in, const oracle::Reals& dy, Place place = Place::contiguous) const {
    Backward out = outputs(in, place);
    backward(in, dy, place, out);
    return out;
  }

  /// The weights after dropout.
  TestTensor weights(const AttentionProblem& in, Place place = Place::contiguous) const {
    return weights(in, place, saved(in, place));
  }
  TestTensor weights(const AttentionProblem& in, Place place, const Forward& from) const {
    const Inputs given_inputs = inputs(in, place);
    TestTensor weight = real_output(edge_scores(in), place);
    auto op = op_of<AttentionWeightsArgs>(in, given_inputs);
    op.maximum = from.maximum;
    op.sum = from.sum;
    op.weight = weight;
    op.dropped = true;
    run(context(), attention_weights, op);
    return weight;
  }
  TestTensor weights_before_dropout(AttentionProblem in, Place place = Place::contiguous) const {
    in.dropout = 0;
    return weights(in, place);
  }

  static oracle::Sums joined(oracle::Sums a, const oracle::Sums& b) {
    for (std::size_t k = 0; k < a.value.size(); ++k) a.add(k, b.value[k], b.magnitude[k]);
    return a;
  }

  void expect_gradients(const AttentionProblem& in, const Backward& found, const oracle::AttentionGradients& want,
                        double factor) const {
    // Where 16-bit storage has rounded y, so is delta, which all gradients of scores are made of.
    const double saved = factor + storage_rounding(dtype()) / epsilon_of(dtype());
    expect_close(found.dquery, want.dquery, saved, "dquery");
    expect_close(found.dkey, in.value_is_key ? joined(want.dkey, want.dvalue) : want.dkey, saved, "dkey");
    if (!in.value_is_key) expect_close(found.dvalue, want.dvalue, factor, "dvalue");
    expect_close(found.dedge_bias, want.dedge_bias, saved, "dedge_bias");
    expect_close(found.dedge_key, in.edge_value_is_key ? joined(want.dedge_key, want.dedge_value) : want.dedge_key,
                 saved, "dedge_key");
    if (!in.edge_value_is_key) expect_close(found.dedge_value, want.dedge_value, factor, "dedge_value");
    if (in.score != oracle::AttentionScore::dot) expect_close(found.dvector, want.dvector, saved, "dvector");
  }

  /// Everything against the oracle; factors in units of epsilon.
  void check(const AttentionProblem& in, const oracle::Reals& dy, Place place, double factor = kSumFactor) const {
    const auto want = oracle::attention(in);
    const Forward got = forward(in, place);
    expect_close(got.y, want.y, factor, "y");
    expect_close(got.maximum, want.maximum, factor, "maximum");
    expect_close(got.sum, want.sum, factor, "sum");
    if (in.edges.count() > 0) {
      expect_close(weights(in, place), want.dropped, factor, "weight after dropout");
      expect_close(weights_before_dropout(in, place), want.weight, factor, "weight before dropout");
    }
    expect_gradients(in, backward(in, dy, place), oracle::attention_backward(in, dy), factor);
  }
};

struct AttentionSettings {
  oracle::AttentionScore score = oracle::AttentionScore::gatv2;
  std::size_t heads = 2;
  std::size_t channels = 4;
  std::size_t values = 3;  // 0: the value is the key
  bool edge_key = false;
  bool edge_value = false;
  bool edge_bias = false;
  double dropout = 0;
};

/// A random problem. Queries and keys are multiples of 1/64, queries shifted by 1/128: sums of them are exact in both
/// precisions and at least 1/128 away from the kink of LeakyReLU. Without values of its own the edge value is the edge
/// key as well.
inline AttentionProblem random_pairs(Rng& rng, const TestGraph& graph, const AttentionSettings& settings) {
  const auto features = [&](std::size_t rows, double shift) {
    oracle::Reals values = rng.integers(rows * settings.heads * settings.channels, -64, 64);
    for (double& value : values) value = value / 64 + shift;
    return values;
  };
  const std::size_t width = settings.values == 0 ? settings.channels : settings.values;
  AttentionProblem in;
  in.edges = graph.edges;
  in.score = settings.score;
  in.heads = settings.heads;
  in.channels = settings.channels;
  in.values = width;
  in.scale = 1 / std::sqrt(static_cast<double>(settings.channels));
  in.query = features(graph.edges.destinations(), 1.0 / 128);
  in.key = features(graph.edges.sources(), 0);
  in.value_is_key = settings.values == 0;
  in.value = in.value_is_key ? in.key : rng.reals(graph.edges.sources() * settings.heads * width);
  if (settings.edge_key) in.edge_key = features(graph.edges.count(), 0);
  in.edge_value_is_key = in.value_is_key && settings.edge_key && settings.edge_value;
  if (settings.edge_value) {
    in.edge_value = in.edge_value_is_key ? in.edge_key : rng.reals(graph.edges.count() * settings.heads * width);
  }
  if (settings.edge_bias) in.edge_bias = rng.reals(graph.edges.count() * settings.heads);
  if (settings.score != oracle::AttentionScore::dot) in.vector = rng.reals(settings.heads * settings.channels);
  in.dropout = settings.dropout;
  in.seed = rng.next();
  return in;
}

inline oracle::Reals random_upstream(Rng& rng, const AttentionProblem& in) {
  return rng.reals(in.edges.destinations() * in.heads * in.values);
}

}  // namespace warpgnn::test
