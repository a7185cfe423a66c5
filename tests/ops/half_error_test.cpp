// SPDX-License-Identifier: MIT
// What 16-bit storage costs: the library against the same formulas computed in the 16-bit format itself, operation by
// operation, as a chain of 16-bit tensors would be. Its error may be at most twice theirs.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "tests/oracle/aggregate.hpp"
#include "tests/oracle/attention.hpp"
#include "tests/oracle/dense.hpp"
#include "tests/oracle/gat_attention.hpp"
#include "tests/oracle/pool.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/graphs.hpp"
#include "tests/support/seeds.hpp"
#include "tests/support/test_tensor.hpp"
#include "warpgnn/warpgnn.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;

/// A number of a 16-bit format: every operation rounds to it.
struct Number {
  Dtype storage;
  double value;

  Number(Dtype format, double exact) : storage(format), value(rounded_to(format, exact)) {}
  friend Number operator+(Number a, Number b) { return {a.storage, a.value + b.value}; }
  friend Number operator-(Number a, Number b) { return {a.storage, a.value - b.value}; }
  friend Number operator*(Number a, Number b) { return {a.storage, a.value * b.value}; }
  friend Number operator/(Number a, Number b) { return {a.storage, a.value / b.value}; }
};

Number exp(Number x) {
  return {x.storage, std::exp(x.value)};
}
Number leaky_relu(Number x, double slope) {
  return x.value > 0 ? x : x * Number(x.storage, slope);
}

/// The largest error, over the largest number.
double error_of(const Reals& got, const Reals& want) {
  double error = 0, largest = 0;
  for (std::size_t k = 0; k < want.size(); ++k) {
    error = std::max(error, std::abs(got[k] - want[k]));
    largest = std::max(largest, std::abs(want[k]));
  }
  return error / largest;
}

class HalfErrorTest : public OpTest {
 protected:
  TestTensor rows(const Shape& shape, const Reals& values) const {
    return TestTensor::input(context(), dtype(), shape, values);
  }
  TestTensor reals(const Shape& shape, const Reals& values) const {
    return TestTensor::input(context(), accumulator(), shape, values);
  }
  TestTensor stored(const Shape& shape) const { return TestTensor::output(context(), dtype(), shape); }
  TestTensor computed(const Shape& shape) const { return TestTensor::output(context(), accumulator(), shape); }
  Number number(double value) const { return {dtype(), value}; }

  void expect_at_most_twice(const TestTensor& got, const Reals& naive, const Reals& want, const char* what) const {
    const double ours = error_of(got.reals(), want), theirs = error_of(naive, want);
    EXPECT_LE(ours, 2 * theirs) << what;
    EXPECT_GT(theirs, 0) << what << ": the naive computation is exact, which proves nothing";
  }
};

WARPGNN_INSTANTIATE_HALF_TESTS(HalfErrorTest);

constexpr std::int64_t kNodes = 40, kHeads = 2, kChannels = 8;
constexpr std::size_t kWidth = kHeads * kChannels;

TestGraph some_graph(Rng& rng) {
  oracle::Ids degrees(kNodes, 6);
  degrees[3] = 0;
  degrees[7] = kChunkEdges + 40;
  return graph_with_degrees(rng, kNodes, degrees);
}

TEST_P(HalfErrorTest, WeightedSumOfNeighbours) {
  Rng rng(dtype());
  const TestGraph graph = some_graph(rng);
  oracle::Aggregate in{graph.edges, oracle::Reduce::sum, kWidth, rng.reals(kNodes * kWidth), {}, {}};
  in.weight = rng.reals(graph.edges.count(), 0.25, 1);
  std::vector<Number> naive(kNodes * kWidth, number(0));
  for (std::size_t e = 0; e < graph.edges.count(); ++e) {
    for (std::size_t c = 0; c < kWidth; ++c) {
      Number& sum = naive[graph.edges.to(e) * kWidth + c];
      sum = sum + number(in.weight[e]) * number(in.x[graph.edges.from(e) * kWidth + c]);
    }
  }
  Reals naive_y(naive.size());
  std::transform(naive.begin(), naive.end(), naive_y.begin(), [](const Number& n) { return n.value; });
  const auto x = rows({kNodes, kWidth}, in.x);
  const auto weight = reals({static_cast<std::int64_t>(graph.edges.count())}, in.weight);
  const auto y = stored({kNodes, kWidth});
  run(context(), aggregate_forward, Aggregate{.graph = graph.upload(context()), .x = x, .weight = weight},
      AggregateResult{.y = y});
  expect_at_most_twice(y, naive_y, oracle::aggregate(in).y.value, "y");
}

TEST_P(HalfErrorTest, LinearLayer) {
  Rng rng(dtype());
  constexpr std::size_t kRows = 30, kIn = 64, kOut = 16;
  const Reals x = rng.reals(kRows * kIn), weight = rng.reals(kOut * kIn), bias = rng.reals(kOut);
  Reals naive(kRows * kOut);
  for (std::size_t n = 0; n < kRows; ++n) {
    for (std::size_t o = 0; o < kOut; ++o) {
      Number sum = number(0);
      for (std::size_t i = 0; i < kIn; ++i) sum = sum + number(x[n * kIn + i]) * number(weight[o * kIn + i]);
      naive[n * kOut + o] = (sum + number(bias[o])).value;
    }
  }
  const auto x_rows = rows({kRows, kIn}, x), weight_rows = rows({kOut, kIn}, weight);
  const auto bias_vector = reals({kOut}, bias);
  const auto y = stored({kRows, kOut});
  run(context(), linear_forward, Linear{x_rows, weight_rows, bias_vector}, LinearResult{y});
  expect_at_most_twice(y, naive, oracle::linear(x, weight, bias, kRows, kIn, kOut).value, "y");
}

/// Softmax over the edges of each destination, weighted sum of values and its gradients, in 16 bits throughout.
class NaiveGatAttention {
 public:
  NaiveGatAttention(Dtype storage, const oracle::Edges& edges, std::vector<Number> scores, const Reals& values)
      : storage_(storage), edges_(edges), weight_(std::move(scores)), value_(values) {
    for (std::size_t i = 0; i < edges.destinations(); ++i) {
      for (std::size_t h = 0; h < kHeads; ++h) normalise(i, h);
    }
  }

  Reals y() const {
    return spread(edges_.destinations(), [&](std::size_t e, std::size_t at) {
      return std::pair{edges_.to(e) * kWidth + at,
                       weight_at(e, at) * Number(storage_, value_[edges_.from(e) * kWidth + at])};
    });
  }
  Reals dvalue(const Reals& dy) const {
    return spread(edges_.sources(), [&](std::size_t e, std::size_t at) {
      return std::pair{edges_.from(e) * kWidth + at,
                       weight_at(e, at) * Number(storage_, dy[edges_.to(e) * kWidth + at])};
    });
  }

 private:
  const Number& weight_at(std::size_t e, std::size_t column) const { return weight_[e * kHeads + column / kChannels]; }

  void normalise(std::size_t i, std::size_t h) {
    double maximum = -INFINITY;
    for (std::size_t e = 0; e < edges_.count(); ++e) {
      if (edges_.to(e) == i) maximum = std::max(maximum, weight_[e * kHeads + h].value);
    }
    Number sum(storage_, 0);
    for (std::size_t e = 0; e < edges_.count(); ++e) {
      if (edges_.to(e) != i) continue;
      Number& weight = weight_[e * kHeads + h];
      weight = exp(weight - Number(storage_, maximum));
      sum = sum + weight;
    }
    for (std::size_t e = 0; e < edges_.count(); ++e) {
      if (edges_.to(e) == i) weight_[e * kHeads + h] = weight_[e * kHeads + h] / sum;
    }
  }

  Reals spread(std::size_t rows,
               const std::function<std::pair<std::size_t, Number>(std::size_t, std::size_t)>& term) const {
    std::vector<Number> sums(rows * kWidth, Number(storage_, 0));
    for (std::size_t e = 0; e < edges_.count(); ++e) {
      for (std::size_t at = 0; at < kWidth; ++at) {
        const auto [to, product] = term(e, at);
        sums[to] = sums[to] + product;
      }
    }
    Reals values(sums.size());
    std::transform(sums.begin(), sums.end(), values.begin(), [](const Number& n) { return n.value; });
    return values;
  }

  Dtype storage_;
  const oracle::Edges& edges_;
  std::vector<Number> weight_;  // scores at first
  const Reals& value_;
};

TEST_P(HalfErrorTest, GatAttention) {
  Rng rng(dtype());
  const TestGraph graph = some_graph(rng);
  oracle::Gat in{.edges = graph.edges, .heads = kHeads, .channels = kChannels};
  in.value = rng.reals(kNodes * kWidth);
  in.source_score = rng.reals(kNodes * kHeads, -2, 2);
  in.destination_score = rng.reals(kNodes * kHeads, -2, 2);
  const Reals dy = rng.reals(kNodes * kWidth);
  std::vector<Number> scores;
  for (std::size_t e = 0; e < graph.edges.count(); ++e) {
    for (std::size_t h = 0; h < kHeads; ++h) {
      scores.push_back(leaky_relu(number(in.source_score[graph.edges.from(e) * kHeads + h]) +
                                      number(in.destination_score[graph.edges.to(e) * kHeads + h]),
                                  in.slope));
    }
  }
  const NaiveGatAttention naive(dtype(), graph.edges, scores, in.value);

  const Shape values{kNodes, kHeads, kChannels}, heads{kNodes, kHeads};
  const Graph uploaded = graph.upload(context());
  const auto value = rows(values, in.value), upstream = rows(values, dy);
  const auto source = reals(heads, in.source_score), destination = reals(heads, in.destination_score);
  const auto y = stored(values), positive_y = stored(values), dvalue = stored(values);
  const auto maximum = computed(heads), sum = computed(heads), positive_weight = computed(heads);
  const auto dsource = computed(heads), ddestination = computed(heads);
  run(context(), gat_attention_forward,
      GatAttention{.graph = uploaded, .value = value, .source_score = source, .destination_score = destination},
      GatAttentionResult{
          .y = y, .maximum = maximum, .sum = sum, .positive_y = positive_y, .positive_weight = positive_weight});
  expect_at_most_twice(y, naive.y(), oracle::gat(in).y.value, "y");
  run(context(), gat_attention_backward,
      GatAttention{.graph = uploaded, .value = value, .source_score = source, .destination_score = destination},
      GatAttentionResult{
          .y = y, .maximum = maximum, .sum = sum, .positive_y = positive_y, .positive_weight = positive_weight},
      GatAttentionGradients{
          .dy = upstream, .dvalue = dvalue, .dsource_score = dsource, .ddestination_score = ddestination});
  expect_at_most_twice(dvalue, naive.dvalue(dy), oracle::gat_backward(in, dy).dvalue.value, "dvalue");
}

TEST_P(HalfErrorTest, Attention) {
  Rng rng(dtype());
  const TestGraph graph = some_graph(rng);
  oracle::Attention in{.edges = graph.edges, .heads = kHeads, .channels = kChannels, .values = kChannels};
  in.query = rng.reals(kNodes * kWidth);
  in.key = rng.reals(kNodes * kWidth);
  in.value = rng.reals(kNodes * kWidth);
  in.vector = rng.reals(kWidth);
  std::vector<Number> scores;
  for (std::size_t e = 0; e < graph.edges.count(); ++e) {
    for (std::size_t h = 0; h < kHeads; ++h) {
      Number score = number(0);
      for (std::size_t c = h * kChannels; c < (h + 1) * kChannels; ++c) {
        const Number sum =
            number(in.query[graph.edges.to(e) * kWidth + c]) + number(in.key[graph.edges.from(e) * kWidth + c]);
        score = score + number(in.vector[c]) * leaky_relu(sum, in.slope);
      }
      scores.push_back(score);
    }
  }
  const NaiveGatAttention naive(dtype(), graph.edges, scores, in.value);
  const Shape values{kNodes, kHeads, kChannels};
  const auto query = rows(values, in.query), key = rows(values, in.key), value = rows(values, in.value);
  const auto vector = reals({kHeads, kChannels}, in.vector);
  const auto y = stored(values);
  const auto maximum = computed({kNodes, kHeads}), sum = computed({kNodes, kHeads});
  run(context(), attention_forward,
      Attention{.graph = graph.upload(context()), .query = query, .key = key, .value = value, .vector = vector},
      AttentionResult{.y = y, .maximum = maximum, .sum = sum});
  expect_at_most_twice(y, naive.y(), oracle::attention(in).y.value, "y");
}

TEST_P(HalfErrorTest, SoftmaxPool) {
  Rng rng(dtype());
  const TestGraph batch = random_batch(rng, {30, 900, 4}, 1);
  const std::size_t nodes = batch.edges.sources(), graphs = 3;
  oracle::Pool in{.offset = batch.graph_offsets, .gate = oracle::PoolGate::softmax, .features = kWidth, .x = {}};
  in.x = rng.reals(nodes * kWidth);
  in.score = rng.reals(nodes, -2, 2);
  Reals naive(graphs * kWidth);
  for (std::size_t g = 0; g < graphs; ++g) {
    Number sum = number(0);
    std::vector<Number> total(kWidth, number(0));
    const double maximum = *std::max_element(in.score.begin() + in.offset[g], in.score.begin() + in.offset[g + 1]);
    for (std::size_t n = in.begin(g); n < in.end(g); ++n) sum = sum + exp(number(in.score[n]) - number(maximum));
    for (std::size_t n = in.begin(g); n < in.end(g); ++n) {
      const Number weight = exp(number(in.score[n]) - number(maximum)) / sum;
      for (std::size_t c = 0; c < kWidth; ++c) total[c] = total[c] + weight * number(in.x[n * kWidth + c]);
    }
    for (std::size_t c = 0; c < kWidth; ++c) naive[g * kWidth + c] = total[c].value;
  }
  const auto count = static_cast<std::int64_t>(nodes);
  const auto x = rows({count, kWidth}, in.x);
  const auto score = reals({count}, in.score);
  const auto y = stored({3, kWidth});
  const auto maximum = computed({3}), sum = computed({3});
  run(context(), pool_forward,
      Pool{.graph = batch.upload(context()), .gate = PoolGate::softmax, .x = x, .score = score},
      PoolResult{.y = y, .maximum = maximum, .sum = sum});
  expect_at_most_twice(y, naive, oracle::pool(in).y.value, "y");
}

}  // namespace
}  // namespace warpgnn::test
