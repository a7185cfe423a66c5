// SPDX-License-Identifier: MIT
#include "tests/c/op_cases.hpp"

#include "warpgnn/warpgnn.hpp"

namespace warpgnn::test {

namespace {

// Nodes, edges, graphs, features, heads, channels; relations and bases; classes, outputs and chosen nodes.
constexpr std::int64_t N = 5, E = 7, G = 2, F = 4, H = 2, C = 3, R = 3, B = 2, K = 3, O = 2, T = 3;

Described integers(std::vector<std::int64_t> values, Dtype dtype = Dtype::int32) {
  const auto count = static_cast<std::int64_t>(values.size());
  return {{count}, dtype, std::move(values)};
}

Described indices(std::vector<std::int64_t> shape) {
  return {std::move(shape), Dtype::int32};
}

template <class Enum>
double choice(Enum value) {
  return static_cast<double>(value);
}

Described counter() {
  return integers({41}, Dtype::int64);
}

const Described kRelation = integers({0, 1, 2, 0, 1, 2, 1});

}  // namespace

const CaseGraph& case_graph() {
  static const CaseGraph graph{{0, 1, 2, 2, 0, 3, 4}, {1, 2, 0, 1, 0, 4, 3}, {0, 3, N}};
  return graph;
}

const std::vector<OpCaseOf>& cases_of_ops() {
  static const std::vector<OpCaseOf> cases{
      {"Aggregate",
       {{"reduce", choice(Reduce::mean)}},
       {{"x", {{N, F}}}, {"weight", {{E}}}, {"epsilon", {{1}}}, {"y", {{N, F}}}}},
      {"Aggregate",
       {{"reduce", choice(Reduce::sum)}},
       {{"x", {{N, F}}}, {"weight", {{E}}}, {"source_scale", {{N}}}, {"destination_scale", {{N}}}, {"y", {{N, F}}}}},
      {"Aggregate", {{"reduce", choice(Reduce::max)}}, {{"x", {{N, F}}}, {"y", {{N, F}}}, {"arg", indices({N, F})}}},
      {"MessageAggregate",
       {{"message", choice(EdgeMessage::multiply)}, {"reduce", choice(Reduce::sum)}},
       {{"x", {{N, F}}}, {"edge", {{E, F}}}, {"epsilon", {{1}}}, {"y", {{N, F}}}}},
      {"MessageAggregate",
       {{"message", choice(EdgeMessage::relu_add)}, {"reduce", choice(Reduce::min)}},
       {{"x", {{N, F}}}, {"edge", {{E, F}}}, {"y", {{N, F}}}, {"arg", indices({N, F})}}},
      {"GcnNorm", {}, {{"weight", {{E}}}, {"norm", {{E}}}, {"inv_sqrt_degree", {{N}}}}},
      {"GcnNorm", {}, {{"inv_sqrt_degree", {{N}}}, {"dnorm", {{E}}}, {"dweight", {{E}}}}},
      {"RelationWeights",
       {{"norm", choice(RelationNorm::all_edges)}, {"relations", R}},
       {{"relation", kRelation}, {"weight", {{E}}}}},
      {"RelationAggregate",
       {},
       {{"relation", kRelation}, {"coefficient", {{R, B}}}, {"weight", {{E}}}, {"x", {{N, F}}}, {"y", {{N, B, F}}}}},
      {"EdgeSoftmax", {}, {{"score", {{E, H}}}, {"weight", {{E, H}}}}},
      {"GatAttention",
       {{"negative_slope", 0.3}, {"dropout.probability", 0.25}, {"dropout.seed", 77}},
       {{"dropout.counter", counter()},
        {"value", {{N, H, C}}},
        {"source_score", {{N, H}}},
        {"destination_score", {{N, H}}},
        {"edge_score", {{E, H}}},
        {"y", {{N, H, C}}},
        {"maximum", {{N, H}}},
        {"sum", {{N, H}}},
        {"positive_y", {{N, H, C}}},
        {"positive_weight", {{N, H}}},
        {"weight", {{E, H}}},
        {"source_vector", {{H, C}}},
        {"destination_vector", {{H, C}}}}},
      {"Attention",
       {{"score", choice(AttentionScore::additive)},
        {"negative_slope", 0.3},
        {"dropout.probability", 0.25},
        {"dropout.seed", 77},
        {"dropped", 1}},
       {{"dropout.counter", counter()},
        {"query", {{N, H, C}}},
        {"key", {{N, H, C}}},
        {"value", {{N, H, F}}},
        {"edge_key", {{E, H, C}}},
        {"edge_value", {{E, H, F}}},
        {"edge_bias", {{E, H}}},
        {"vector", {{H, C}}},
        {"y", {{N, H, F}}},
        {"maximum", {{N, H}}},
        {"sum", {{N, H}}},
        {"weight", {{E, H}}}}},
      {"Attention",
       {{"score", choice(AttentionScore::dot)}, {"scale", 0.5}},
       {{"query", {{N, H, C}}},
        {"key", {{N, H, C}}},
        {"value", {{N, H, C}}},
        {"y", {{N, H, C}}},
        {"maximum", {{N, H}}},
        {"sum", {{N, H}}},
        {"weight", {{E, H}}}}},
      {"ResidualGate",
       {},
       {{"x", {{N, F}}}, {"residual", {{N, F}}}, {"weight", {{3, F}}}, {"y", {{N, F}}}, {"gate", {{N}}}}},
      {"HeadDot",
       {},
       {{"x", {{N, H, C}}},
        {"vector", {{H, C}}},
        {"second_vector", {{H, C}}},
        {"score", {{N, H}}},
        {"second_score", {{N, H}}}}},
      {"Pool",
       {{"reduce", choice(PoolReduce::mean)}, {"gate", choice(PoolGate::softmax)}, {"temperature", 2}},
       {{"x", {{N, F}}}, {"score", {{N}}}, {"y", {{G, F}}}, {"maximum", {{G}}}, {"sum", {{G}}}, {"weight", {{N}}}}},
      {"Pool", {{"reduce", choice(PoolReduce::max)}}, {{"x", {{N, F}}}, {"y", {{G, F}}}, {"arg", indices({G, F})}}},
      {"LayerNorm",
       {{"epsilon", 0.5}},
       {{"x", {{N, F}}}, {"gamma", {{F}}}, {"beta", {{F}}}, {"y", {{N, F}}}, {"mean", {{N}}}, {"inv_std", {{N}}}}},
      {"NormalizeRows", {}, {{"x", {{N, F}}}, {"y", {{N, F}}}, {"norm", {{N}}}}},
      {"SegmentTopK", {{"ratio", 0.4}}, {{"score", {{N}}}, {"selected", indices({T})}, {"position", indices({N})}}},
      {"SegmentTopK", {{"count", 2}}, {{"score", {{N}}}, {"selected", indices({4})}, {"position", indices({N})}}},
      {"ScaledGather",
       {},
       {{"x", {{N, F}}},
        {"scale", {{N}}},
        {"index", integers({4, 0, 2})},
        {"position", integers({1, -1, 2, -1, 0})},
        {"y", {{T, F}}}}},
      {"SegmentDot", {}, {{"x", {{N, F}}}, {"query", {{G, F}}}, {"score", {{N}}}}},
      {"GruCell", {}, {{"input", {{N, 3 * F}}}, {"hidden", {{N, 3 * F}}}, {"h_previous", {{N, F}}}, {"h", {{N, F}}}}},
      {"LstmCell", {}, {{"gates", {{N, 4 * F}}}, {"c_previous", {{N, F}}}, {"c", {{N, F}}}, {"h", {{N, F}}}}},
      {"Linear",
       {{"activation", choice(Activation::elu)}, {"slope", 0.25}, {"add_to_dx", 1}},
       {{"x", {{N, F}}}, {"weight", {{O, F}}}, {"bias", {{O}}}, {"y", {{N, O}}}}},
      {"Activate", {{"kind", choice(Activation::leaky_relu)}, {"slope", 0.1}}, {{"x", {{N, F}}}, {"y", {{N, F}}}}},
      {"Dropout", {{"probability", 0.25}, {"seed", 3}}, {{"x", {{N, F}}}, {"y", {{N, F}}}, {"counter", counter()}}},
      {"AdvanceCounter", {}, {{"counter", counter()}}},
      {"GatherRows", {}, {{"x", {{N, F}}}, {"index", integers({4, 0, 2})}, {"y", {{T, F}}}}},
      {"GatherTables", {}, {{"tables.x", {{N, F}}}, {"tables.index", integers({4, 0, 2})}, {"tables.y", {{T, F}}}}},
      {"Convert", {}, {{"x", {{N, F}}}, {"y", {{N, F}, Dtype::bfloat16}}}},
      {"AddScaled", {{"scale", 3}}, {{"source", {{N, F}}}, {"target", {{N, F}}}}},
      {"AddBias", {}, {{"x", {{N, F}}}, {"bias", {{F}}}, {"y", {{N, F}}}}},
      {"BatchNorm",
       {{"training", 1}, {"epsilon", 0.5}, {"momentum", 0.25}},
       {{"x", {{N, F}}},
        {"gamma", {{F}}},
        {"beta", {{F}}},
        {"y", {{N, F}}},
        {"running_mean", {{F}}},
        {"running_var", {{F}}},
        {"saved_mean", {{F}}},
        {"saved_inv_std", {{F}}}}},
      {"CrossEntropy",
       {{"label_smoothing", 0.25}, {"ignore_index", -7}},
       {{"logits", {{N, K}}},
        {"label", integers({0, 2, -7, 1, 2})},
        {"class_weight", {{K}}},
        {"loss", {{1}}},
        {"probability", {{N, K}}},
        {"total_weight", {{1}}}}},
      {"SoftCrossEntropy",
       {},
       {{"logits", {{N, K}}},
        {"target", {{N, K}}},
        {"loss", {{1}}},
        {"total_weight", {{1}}},
        {"maximum", {{N}}},
        {"sum", {{N}}},
        {"row_weight", {{N}}}}},
      {"PointwiseLoss",
       {{"kind", 2}, {"delta", 0.5}},
       {{"prediction", {{N, K}}},
        {"target", {{N, K}}},
        {"weight", {{N, K}}},
        {"loss", {{1}}},
        {"total_weight", {{1}}}}},
      {"AdamStep",
       {{"learning_rate", 0.5},
        {"beta1", 0.5},
        {"beta2", 0.75},
        {"epsilon", 0.125},
        {"weight_decay", 0.25},
        {"decoupled", 1}},
       {{"step", integers({3}, Dtype::int64)},
        {"slots.value", {{F}}},
        {"slots.gradient", {{F}}},
        {"slots.first_moment", {{F}}},
        {"slots.second_moment", {{F}}}}},
  };
  return cases;
}

}  // namespace warpgnn::test
