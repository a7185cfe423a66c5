// SPDX-License-Identifier: MIT
// The gradients of GAT's scores on their way to the value that the scores were made of.

#include "tests/ops/gat_attention_fixture.hpp"
#include "tests/support/errors.hpp"

namespace warpgnn::test {
namespace {

using oracle::Ids;
using oracle::Reals;

class GatVectorsTest : public GatAttentionFixture {
 protected:
  struct Vectors {
    Reals source, destination;  // [H, C], empty: none
  };

  TestTensor vector_input(const oracle::Gat& in, const Reals& vector, Place place) const {
    return vector.empty() ? TestTensor() : score_input({heads(in), channels(in)}, vector, place);
  }

  TestTensor dvalue(const oracle::Gat& in, const Reals& dy, const Vectors& vectors, Place place) const {
    const Inputs given = inputs(in, place);
    const Forward from = saved(in, place);
    const TestTensor upstream = input(destination_rows(in), dy, place);
    const TestTensor source = vector_input(in, vectors.source, place),
                     destination = vector_input(in, vectors.destination, place);
    TestTensor out = output(source_rows(in), place);
    const TestTensor dsource_score = score_output(source_scores(in), place),
                     ddestination_score = score_output(destination_scores(in), place);
    run(context(), gat_attention_backward,
        GatAttention{upload(in), in.slope, given.dropout(in), given.value, given.source_score, given.destination_score,
                     given.edge_score},
        GatAttentionResult{from.y, from.maximum, from.sum, from.positive_y, from.positive_weight},
        GatAttentionGradients{.dy = upstream,
                              .dvalue = out,
                              .dsource_score = dsource_score,
                              .ddestination_score = ddestination_score,
                              .source_vector = source,
                              .destination_vector = destination});
    return out;
  }

  void check(const oracle::Gat& in, const Reals& dy, const Vectors& vectors, Place place) const {
    const auto gradients = oracle::gat_backward(in, dy);
    oracle::Sums want = gradients.dvalue;
    const auto add = [&](const Reals& vector, const oracle::Sums& dscore) {
      for (std::size_t k = 0; k < want.value.size() && !vector.empty(); ++k) {
        const std::size_t score = k / in.channels;
        const double direction = vector[k % vector.size()];
        want.add(k, dscore.value[score] * direction, dscore.magnitude[score] * std::abs(direction));
      }
    };
    add(vectors.source, gradients.dsource_score);
    add(vectors.destination, gradients.ddestination_score);
    expect_close(dvalue(in, dy, vectors, place), want, saved_factor(kSumFactor), "dvalue");
  }

  /// Every size, with either vector and with both.
  void check_sizes(Rng& rng, const std::vector<std::pair<std::size_t, std::size_t>>& sizes) const {
    const TestGraph graphs[] = {random_graph(rng, 20, 20, 60), hub_graph(rng)};
    std::size_t turn = 0;
    for (const auto& [heads, channels] : sizes) {
      for (const TestGraph& graph : graphs) {
        const Place place = kPlaces[turn++ % 3];
        SCOPED_TRACE(graph.name + " " + std::to_string(heads) + " x " + std::to_string(channels) + " " +
                     name_of(place));
        const auto in = random_gat(rng, graph, {heads, channels, turn % 2 == 0, turn % 4 < 2 ? 0.0 : 0.5});
        const Reals dy = random_upstream(rng, in);
        const auto vector = [&](bool wanted) { return wanted ? rng.reals(in.heads * in.channels) : Reals{}; };
        check(in, dy, {vector(turn % 3 != 0), vector(turn % 3 != 1)}, place);
      }
    }
  }

  /// As many sources as destinations, one of them with a long row out.
  static TestGraph hub_graph(Rng& rng) {
    Ids degrees(40, 3);
    degrees[4] = kChunkEdges + 30;
    return transposed(graph_with_degrees(rng, 40, degrees));
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(GatVectorsTest);

TEST_P(GatVectorsTest, ScoresGradientsReachTheValue) {
  Rng rng;
  check_sizes(rng, {{1, 1}, {2, 5}, {8, 8}, {4, 32}, {1, 64}, {3, 31}, {2, 127}, {1, 256}, {2, 300}});
}

TEST_P(GatVectorsTest, SourcesAloneInAGraphOfTwoSets) {
  Rng rng;
  const auto in = random_gat(rng, random_graph(rng, 25, 15, 120), {2, 4});
  check(in, random_upstream(rng, in), {rng.reals(8), {}}, Place::contiguous);
}

TEST_P(GatVectorsTest, RerunsAreBitIdentical) {
  Rng rng;
  const auto in = random_gat(rng, hub_graph(rng), {3, 4});
  const Reals dy = random_upstream(rng, in);
  const Vectors vectors{rng.reals(12), rng.reals(12)};
  expect_same_bits(dvalue(in, dy, vectors, Place::contiguous), dvalue(in, dy, vectors, Place::contiguous), "dvalue");
}

class GatVectorsHalfTest : public GatVectorsTest {};
WARPGNN_INSTANTIATE_HALF_TESTS(GatVectorsHalfTest);

TEST_P(GatVectorsHalfTest, ScoresGradientsReachTheValue) {
  Rng rng(dtype());
  check_sizes(rng, {{1, 1}, {2, 5}, {8, 8}, {4, 32}, {1, 300}});
}

}  // namespace
}  // namespace warpgnn::test
