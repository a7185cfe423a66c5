// SPDX-License-Identifier: MIT
// What is the node classifier's own: what it reaches, its scores and its pictures.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nodes/training.hpp"
#include "small_tasks.hpp"

namespace train::nodes {
namespace {

using test::Words;
using test::operator+;

class NodeModel : public testing::TestWithParam<const char*> {};

TEST_P(NodeModel, ReachesAKnownAccuracy) {
  const test::Outcome outcome =
      test::train(test::nodes_task(), {"--dataset", "blocks", "--model", GetParam(), "--epochs", "60", "--lr", "0.02",
                                       "--repeats", "1", "--seed", "9"});
  EXPECT_TRUE(outcome.completed);
  EXPECT_GT(outcome.results.tests(0, Selection::valid, outcome.task->metrics())[0], 0.8);
  const Epochs& epochs = outcome.results.runs[0].epochs;
  EXPECT_LT(epochs.back().train.loss, 0.8 * epochs.front().train.loss);
}

TEST_P(NodeModel, ShowsNeighbourhoodsOfTestNodes) {
  const test::Outcome outcome =
      test::train(test::nodes_task(), test::nodes_task().words + Words{"--model", GetParam(), "--pictures", "3"});
  const NodeData& data = dynamic_cast<NodesTask&>(*outcome.task).data();
  const std::vector<Neighbourhood> seen = neighbourhoods_from_json(outcome.results.seen, data);
  ASSERT_EQ(seen.size(), 3u);
  for (const Neighbourhood& item : seen) {
    EXPECT_TRUE(std::binary_search(data.split.test.begin(), data.split.test.end(), item.nodes[0]));
    const double sum = std::accumulate(item.weight.begin(), item.weight.end(), 0.0);
    if (GetParam() != std::string("gcn")) {
      EXPECT_NEAR(sum, 1, 1e-5);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, NodeModel, testing::Values("gcn", "gat", "gatv2", "transformer"));

TEST(NodePictures, ShowTheNodeInTheMiddleOfItsNeighbours) {
  const NodeData data = generate_blocks(1);
  const Picture picture = make_picture(
      data, {.predicted = 1, .probability = 0.9, .nodes = {4, 8, 5}, .weight = {0.5, 0.3, 0.2}}, EncoderKind::gat);
  EXPECT_EQ(picture.name, "node_4");
  EXPECT_EQ(picture.title, "Node 4 is of class 0, predicted 1 (90 %)");
  EXPECT_FALSE(picture.is_right);
  ASSERT_EQ(picture.nodes.size(), 3u);
  EXPECT_TRUE(picture.nodes[1].in_motif);
  EXPECT_FALSE(picture.nodes[2].in_motif);
  ASSERT_EQ(picture.links.size(), 2u);
  EXPECT_EQ(picture.links[1].weight, 0.2);
  EXPECT_EQ(picture.weight_name, "attention");
  const Neighbourhood alone{.predicted = 0, .probability = 0, .nodes = {4}, .weight = {1}};
  EXPECT_EQ(make_picture(data, alone, EncoderKind::gcn).weight_name, "weight");
}

TEST(NodePictures, ANeighbourMayHaveNoClass) {
  NodeData data = generate_blocks(1);
  data.labels.index[8] = -1;
  const Neighbourhood pair{.predicted = 0, .probability = 0, .nodes = {4, 8}, .weight = {0.5, 0.5}};
  const Picture picture = make_picture(data, pair, EncoderKind::gat);
  EXPECT_EQ(picture.nodes[1].text, "?");
  EXPECT_FALSE(picture.nodes[1].in_motif);
}

TEST(NodeScore, IsMeanCrossEntropyAndAccuracy) {
  NodeData data;
  data.features = {2, 0, {}};
  data.labels = categorise({0, 1});
  const Score score = score_of({1000, 1000, 0, 1}, data, {0, 1}, "test");
  EXPECT_NEAR(score.loss, (std::log(2.0) + std::log(1 + std::exp(-1.0))) / 2, 1e-12);
  EXPECT_EQ(score.metrics, (std::vector<double>{1}));
}

}  // namespace
}  // namespace train::nodes
