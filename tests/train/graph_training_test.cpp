// SPDX-License-Identifier: MIT
// What is the graph classifier's own: its read-outs, edge labels, the motif.

#include <gtest/gtest.h>

#include <cmath>

#include "graphs/training.hpp"
#include "small_tasks.hpp"
#include "tests/support/temporary_folder.hpp"
#include "warpgnn/ops/elementwise.hpp"

namespace train::graphs {
namespace {

using test::Words;
using test::operator+;

class GraphModel : public testing::TestWithParam<const char*> {
 protected:
  /// A task on its data, with all layers read.
  std::unique_ptr<GraphsTask> task(const Words& more) const {
    auto task = std::make_unique<GraphsTask>();
    test::parse(*task, test::graphs_task().words + Words{"--model", GetParam(), "--readout", "all"} + more);
    task->use(generate_ba2motifs(4, 30));
    task->move_to(warpgnn::Context::cpu(1));
    return task;
  }
};

/// Moves every parameter a little along its gradient: a wrong gradient of any head or layer would show in the loss.
TEST_P(GraphModel, ReadoutOfAllLayersHasTheRightGradient) {
  const auto given = task({"--dtype", "float64", "--layers", "3", "--dropout", "0"});
  const DeviceData& data = given->data();
  const warpgnn::Context context = data.context();
  warpgnn::nn::Session session(context, warpgnn::Dtype::float64, 5);
  Model model(session, given->settings(), data, given->dataset().num_classes());
  warpgnn::nn::CrossEntropy loss(session);
  Batcher batcher(data, 6);
  batcher.choose(std::vector<std::int64_t>{0, 1, 2, 3, 4, 5});
  const Batch& batch = batcher.cut();
  const std::vector<std::int32_t> labels{0, 1, 0, 1, 0, 1};
  const warpgnn::Tensor label = warpgnn::Tensor::from(context, std::span(labels), {6});
  const auto loss_now = [&] { return download(loss.forward(model.forward(batch), label), context)[0]; };

  loss_now();
  model.backward(loss.backward());
  for (warpgnn::nn::Parameter* parameter : model.parameters()) {
    if (!parameter->trainable) continue;
    const auto squares = [&] {
      double sum = 0;
      for (const double value : parameter->gradient.to_host<double>()) sum += value * value;
      return sum;
    }();
    const double step = 1e-6 / std::max(1e-3, std::sqrt(squares));  // short, or it would cross the kinks of ReLU
    const auto move = [&](double scale) {
      warpgnn::add_scaled(context, {.scale = scale, .source = parameter->gradient, .target = parameter->value});
    };
    move(step);
    const double above = loss_now();
    move(-2 * step);
    const double below = loss_now();
    move(step);
    EXPECT_NEAR((above - below) / (2 * step), squares, 1e-3 * squares + 1e-8) << parameter->name;
  }
}

TEST_P(GraphModel, ReadoutOfAllLayersGoesOnToTheSameResult) {
  const TemporaryFolder folder;
  const std::string checkpoint = (folder.path() / "stop.safetensors").string();
  const Words words = test::graphs_task().words + Words{"--model", GetParam(), "--lr-halve-every", "2"};
  const Words all = words + Words{"--readout", "all"};
  const nlohmann::json expected = test::train(test::graphs_task(), all).comparable();
  EXPECT_FALSE(test::train(test::graphs_task(), all + Words{"--checkpoint", checkpoint}, 10).completed);
  EXPECT_EQ(test::train(test::graphs_task(), {"--resume", checkpoint}).comparable(), expected);
  EXPECT_NE(test::train(test::graphs_task(), words).comparable(), expected);
}

TEST_P(GraphModel, SeesEdgeLabelsWhereItReadsThem) {
  const auto trained = [](std::int64_t period) {
    GraphsTask task;
    const RunOptions options =
        test::parse(task, test::graphs_task().words + Words{"--model", GetParam(), "--pictures", "0"});
    Dataset dataset = generate_ba2motifs(4, 30);
    std::vector<std::int64_t> labels;
    for (std::int64_t e = 0; e < dataset.num_edges(); ++e) labels.push_back(e / period % 2);
    dataset.edge_labels = {categorise(labels)};
    task.use(std::move(dataset));
    task.move_to(warpgnn::Context::cpu(1));
    Trainer trainer(options, task, {}, std::nullopt);
    trainer.train();
    return trainer.results().runs[0].epochs.back().train.loss;
  };
  const double by_direction = trained(1), by_link = trained(2);
  EXPECT_EQ(by_direction != by_link, reads_edge_features(encoder_of(*find_in(kModels, GetParam()))));
}

INSTANTIATE_TEST_SUITE_P(Models, GraphModel,
                         testing::Values("attention", "gcn", "gat", "gin", "gatv2", "transformer", "gine", "set"));

TEST(MotifArea, RanksNodesByTheSizeOfTheirWeight) {
  Dataset dataset = generate_ba2motifs(4, 1);
  Explanation explanation;
  for (const std::uint8_t in_motif : dataset.motif_nodes) explanation.node_weight.push_back(in_motif != 0 ? -2 : 1);
  EXPECT_EQ(motif_area({explanation}, dataset), 1.0);
  for (double& weight : explanation.node_weight) weight = 1;
  EXPECT_EQ(motif_area({explanation}, dataset), 0.5);
  dataset.motif_nodes.clear();
  EXPECT_EQ(motif_area({explanation}, dataset), std::nullopt);
}

}  // namespace
}  // namespace train::graphs
