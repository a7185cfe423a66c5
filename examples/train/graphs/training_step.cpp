// SPDX-License-Identifier: MIT
#include "training_step.hpp"

#include <algorithm>
#include <cmath>

namespace train::graphs {

namespace {

/// Each size is so many times the one before. A batch is padded by a ninth on the average.
constexpr double kGrowth = 1.25;
/// The least, as a part of an average batch.
constexpr double kSmallest = 0.5;

}  // namespace

TrainingStep::TrainingStep(const DeviceData& data, const Settings& settings, warpgnn::nn::Session& session,
                           Model& model, std::function<void()> update)
    : data_(&data),
      model_(&model),
      update_(std::move(update)),
      cross_entropy_(session),
      most_graphs_(std::min(settings.batch_size, data.graph().num_graphs())),
      batcher_(data, most_graphs_ + 1),
      pads_(data.context().is_cuda() && !is_isomorphism_network(settings.encoder()) && batcher_.selector().can_pad()) {}

warpgnn::SelectionSize TrainingStep::size_for(std::span<const std::int64_t> graphs) const {
  const warpgnn::Graph& whole = data_->graph();
  const warpgnn::SelectionSize chosen = batcher_.selector().size_of(graphs);
  const double share = static_cast<double>(most_graphs_) / static_cast<double>(whole.num_graphs());
  for (double scale = kSmallest * share;; scale *= kGrowth) {
    const auto scaled = [&](std::int64_t all) { return std::llround(std::ceil(scale * static_cast<double>(all))) + 1; };
    const warpgnn::SelectionSize size{most_graphs_ + 1, scaled(whole.num_nodes()), scaled(whole.num_edges())};
    const std::int64_t nodes = size.nodes - chosen.nodes, edges = size.edges - chosen.edges;
    if (nodes > 0 && edges >= 0 && edges <= nodes * warpgnn::kChunkEdges) return size;
  }
}

void TrainingStep::compute() {
  const Batch& batch = batcher_.cut();
  loss_ = cross_entropy_.forward(model_->forward(batch), batch.labels);
  model_->backward(cross_entropy_.backward());
  update_();
}

void TrainingStep::run(std::span<const std::int64_t> graphs) {
  if (!pads_) {
    batcher_.choose(graphs);
    return compute();
  }
  const warpgnn::SelectionSize size = size_for(graphs);
  batcher_.choose(graphs, size);
  recorded_.try_emplace(size.nodes, data_->context(), [this] { compute(); }).first->second.run();
}

}  // namespace train::graphs
