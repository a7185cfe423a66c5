// SPDX-License-Identifier: MIT
#include "evaluator.hpp"

#include <algorithm>

#include "core/statistics.hpp"

namespace train::graphs {

namespace nn = warpgnn::nn;

namespace {

constexpr std::size_t kGraphsPerPart = 512;

/// Evaluation mode for as long as it lives.
class EvaluationMode {
 public:
  explicit EvaluationMode(nn::Session& session) : session_(session) { session_.set_training(false); }
  ~EvaluationMode() { session_.set_training(true); }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  nn::Session& session_;
};

/// The mean over heads of attention [E, heads] by edge of the whole data set; self-loops that were added are left out.
void scatter_edge_attention(const std::vector<double>& attention, const std::vector<std::int32_t>& edges,
                            std::vector<double>& whole) {
  if (edges.empty()) return;
  const std::size_t heads = attention.size() / edges.size();
  for (std::size_t e = 0; e < edges.size(); ++e) {
    const auto id = static_cast<std::size_t>(edges[e]);
    if (id < whole.size()) whole[id] = mean_of(std::span(attention).subspan(e * heads, heads));
  }
}

}  // namespace

Evaluator::Evaluator(const DeviceData& data, const Categories& labels, std::vector<std::int64_t> graphs,
                     std::string part)
    : data_(&data), name_(std::move(part)), graphs_(std::move(graphs)) {
  for (const std::int64_t graph : graphs_) labels_.push_back(labels.index[static_cast<std::size_t>(graph)]);
  for (std::size_t begin = 0; begin < graphs_.size(); begin += kGraphsPerPart) {
    const std::size_t count = std::min(kGraphsPerPart, graphs_.size() - begin);
    auto batcher = std::make_unique<Batcher>(data, static_cast<std::int64_t>(count));
    batcher->choose(std::span(graphs_).subspan(begin, count));
    const Batch& batch = batcher->cut();
    parts_.push_back({std::move(batcher), &batch, begin, count});
  }
}

Score Evaluator::score(nn::Session& session, Model& model, nn::CrossEntropy& loss) {
  const EvaluationMode mode(session);
  double loss_sum = 0, right = 0;
  for (Part& part : parts_) {
    const warpgnn::ConstTensorView mean = loss.forward(model.forward(*part.batch), part.batch->labels);
    loss_sum += finite(download(mean, data_->context())[0], "the " + name_ + " loss") * static_cast<double>(part.count);
    const std::vector<double> probability = download(loss.probability(), data_->context());
    right += count_right(probability, std::span(labels_).subspan(part.begin, part.count));
  }
  const auto count = static_cast<double>(graphs_.size());
  return {loss_sum / count, {right / count}};
}

std::vector<Explanation> Evaluator::explain(nn::Session& session, Model& model, nn::CrossEntropy& loss,
                                            const Dataset& dataset) {
  const EvaluationMode mode(session);
  const warpgnn::Context& context = data_->context();
  const auto edges = edges_by_graph(dataset);
  std::vector<double> edge_weight(dataset.source.size(), 0);
  std::vector<Explanation> explanations;
  for (Part& part : parts_) {
    loss.forward(model.forward(*part.batch), part.batch->labels);
    const std::vector<double> probability = download(loss.probability(), context);
    const std::size_t classes = probability.size() / part.count;
    std::vector<double> node_weight;
    if (model.has_node_attention()) node_weight = download(model.node_attention(), context);
    for (const double weight : node_weight) finite(weight, "an attention of a node");
    const warpgnn::SharedTensor attention = model.edge_attention();
    if (attention.defined()) {
      scatter_edge_attention(download(attention, context), warpgnn::to_host<std::int32_t>(context, part.batch->edges),
                             edge_weight);
    }
    const std::span<const std::int64_t> offsets = part.batch->graph.host_graph_offsets();
    for (std::size_t i = 0; i < part.count; ++i) {
      Explanation explanation;
      explanation.graph = graphs_[part.begin + i];
      explanation.label = labels_[part.begin + i];
      const auto row = std::span(probability).subspan(i * classes, classes);
      explanation.predicted = static_cast<std::int64_t>(place_of_largest(row));
      explanation.probability = row[static_cast<std::size_t>(explanation.predicted)];
      if (!node_weight.empty()) {
        explanation.node_weight.assign(node_weight.begin() + offsets[i], node_weight.begin() + offsets[i + 1]);
      }
      if (attention.defined()) {
        for (const std::size_t e : edges[static_cast<std::size_t>(explanation.graph)]) {
          explanation.edge_weight.push_back(finite(edge_weight[e], "an attention of an edge"));
        }
      }
      explanations.push_back(std::move(explanation));
    }
  }
  return explanations;
}

}  // namespace train::graphs
