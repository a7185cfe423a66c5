// SPDX-License-Identifier: MIT
// GAT's attention: by scores of nodes, and by the vectors that GAT makes them with.

#include "call.hpp"
#include "warpgnn/ops/gat_attention.hpp"
#include "warpgnn/ops/head_dot.hpp"

namespace warpgnn::python {

namespace {

struct Options {
  double negative_slope, dropout;
};

GatAttention problem(Call& call, const TensorList& graph, const Tensor& value, const OptionalTensor& edge_score,
                     const OptionalTensor& seed, const Options& options) {
  return {.graph = call.graph(graph),
          .negative_slope = options.negative_slope,
          .dropout = call.dropout(options.dropout, seed),
          .value = call.read("value", value),
          .edge_score = call.read("edge_score", edge_score)};
}

/// Heads of [N, H, C]; what is of another shape is left to the op to refuse.
std::int64_t heads_of(const ConstTensorView& value) {
  return value.ndim == 3 ? value.shape[1] : 0;
}
std::int64_t channels_of(const ConstTensorView& value) {
  return value.ndim == 3 ? value.shape[2] : 0;
}

/// The tensors of a GatAttentionResult; the last two only for a backward.
struct Results {
  Tensor y, maximum, sum, positive_y, positive_weight;
  bool training;

  GatAttentionResult views() const {
    return {.y = written(y),
            .maximum = written(maximum),
            .sum = written(sum),
            .positive_y = written_if(training, positive_y),
            .positive_weight = written_if(training, positive_weight)};
  }
};

Results make_results(const Call& call, const GatAttention& op, bool training) {
  const Dtype dtype = op.value.dtype, real = accumulator_of(dtype);
  const std::int64_t rows = op.graph.num_destinations(), heads = heads_of(op.value), channels = channels_of(op.value);
  return {.y = call.empty(dtype, {rows, heads, channels}),
          .maximum = call.empty(real, {rows, heads}),
          .sum = call.empty(real, {rows, heads}),
          .positive_y = call.empty_if(training, dtype, {rows, heads, channels}),
          .positive_weight = call.empty_if(training, real, {rows, heads}),
          .training = training};
}

void forward(Call& call, const GatAttention& op, const GatAttentionResult& result) {
  gat_attention_forward(call.context(), op, result, call.workspace(workspace_size(call.context(), op, result)));
}

void backward(Call& call, const GatAttention& op, const GatAttentionResult& result,
              const GatAttentionGradients& gradients) {
  gat_attention_backward(call.context(), op, result, gradients,
                         call.workspace(workspace_size(call.context(), op, result, gradients)));
}

std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor> gat_attention(const TensorList& graph, const Tensor& value,
                                                                 const Tensor& source_score,
                                                                 const Tensor& destination_score,
                                                                 const OptionalTensor& edge_score,
                                                                 const OptionalTensor& seed, double negative_slope,
                                                                 double dropout, bool training) {
  Call call("value", value);
  GatAttention op = problem(call, graph, value, edge_score, seed, {negative_slope, dropout});
  op.source_score = call.read("source_score", source_score);
  op.destination_score = call.read("destination_score", destination_score);
  const Results results = make_results(call, op, training);
  forward(call, op, results.views());
  return {results.y, results.maximum, results.sum, results.positive_y, results.positive_weight};
}

/// needs: bits for dvalue, dsource_score, ddestination_score, dedge_score.
std::tuple<Tensor, Tensor, Tensor, Tensor> gat_attention_backward(
    const TensorList& graph, const Tensor& dy, const Tensor& value, const Tensor& source_score,
    const Tensor& destination_score, const OptionalTensor& edge_score, const OptionalTensor& seed, const Tensor& y,
    const Tensor& maximum, const Tensor& sum, const OptionalTensor& positive_y, const OptionalTensor& positive_weight,
    double negative_slope, double dropout, std::int64_t needs) {
  Call call("value", value);
  GatAttention op = problem(call, graph, value, edge_score, seed, {negative_slope, dropout});
  op.source_score = call.read("source_score", source_score);
  op.destination_score = call.read("destination_score", destination_score);
  const Dtype dtype = op.value.dtype, real = accumulator_of(dtype);
  const std::int64_t sources = op.graph.num_sources(), heads = heads_of(op.value);
  Tensor dvalue = call.empty_if(wants(needs, 0), dtype, {sources, heads, channels_of(op.value)});
  Tensor dsource = call.empty_if(wants(needs, 1), real, {sources, heads});
  Tensor ddestination = call.empty_if(wants(needs, 2), real, {op.graph.num_destinations(), heads});
  Tensor dedge = call.empty_if(wants(needs, 3), real, {op.graph.num_edges(), heads});
  backward(call, op,
           {.y = call.saved("y", y),
            .maximum = call.saved("maximum", maximum),
            .sum = call.saved("sum", sum),
            .positive_y = call.saved("positive_y", positive_y),
            .positive_weight = call.saved("positive_weight", positive_weight)},
           {.dy = call.read("dy", dy),
            .dvalue = written_if(wants(needs, 0), dvalue),
            .dsource_score = written_if(wants(needs, 1), dsource),
            .ddestination_score = written_if(wants(needs, 2), ddestination),
            .dedge_score = written_if(wants(needs, 3), dedge)});
  return {dvalue, dsource, ddestination, dedge};
}

Tensor gat_attention_weights(const TensorList& graph, const Tensor& source_score, const Tensor& destination_score,
                             const OptionalTensor& edge_score, const Tensor& maximum, const Tensor& sum,
                             double negative_slope) {
  Call call("source_score", source_score);
  const GatAttention op{.graph = call.graph(graph),
                        .negative_slope = negative_slope,
                        .source_score = call.read("source_score", source_score),
                        .destination_score = call.read("destination_score", destination_score),
                        .edge_score = call.read("edge_score", edge_score)};
  const std::int64_t heads = op.source_score.ndim == 2 ? op.source_score.shape[1] : 0;
  Tensor weight = call.empty(op.source_score.dtype, {op.graph.num_edges(), heads});
  gat_attention_weights(call.context(), op, {.maximum = call.saved("maximum", maximum), .sum = call.saved("sum", sum)},
                        {.weight = written(weight)});
  return weight;
}

/// As gat_attention where both scores are made of value, over one set of nodes. Returns the scores behind y.
std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> gat_layer(
    const TensorList& graph, const Tensor& value, const Tensor& source_vector, const Tensor& destination_vector,
    const OptionalTensor& edge_score, const OptionalTensor& seed, double negative_slope, double dropout,
    bool training) {
  Call call("value", value);
  GatAttention op = problem(call, graph, value, edge_score, seed, {negative_slope, dropout});
  const std::int64_t nodes = op.graph.num_nodes(), heads = heads_of(op.value);
  const Dtype real = accumulator_of(op.value.dtype);
  Tensor source_score = call.empty(real, {nodes, heads}), destination_score = call.empty(real, {nodes, heads});
  const HeadDot scores{.x = op.value,
                       .vector = call.read("source_vector", source_vector),
                       .second_vector = call.read("destination_vector", destination_vector)};
  head_dot_forward(call.context(), scores,
                   {.score = written(source_score), .second_score = written(destination_score)});
  op.source_score = written(source_score);
  op.destination_score = written(destination_score);
  const Results results = make_results(call, op, training);
  forward(call, op, results.views());
  return {results.y,   source_score,       destination_score,      results.maximum,
          results.sum, results.positive_y, results.positive_weight};
}

/// needs: bits for dvalue, dsource_vector with ddestination_vector, dedge_score.
std::tuple<Tensor, Tensor, Tensor, Tensor> gat_layer_backward(
    const TensorList& graph, const Tensor& dy, const Tensor& value, const Tensor& source_vector,
    const Tensor& destination_vector, const OptionalTensor& edge_score, const OptionalTensor& seed, const Tensor& y,
    const Tensor& source_score, const Tensor& destination_score, const Tensor& maximum, const Tensor& sum,
    const Tensor& positive_y, const Tensor& positive_weight, double negative_slope, double dropout,
    std::int64_t needs) {
  Call call("value", value);
  GatAttention op = problem(call, graph, value, edge_score, seed, {negative_slope, dropout});
  op.source_score = call.read("source_score", source_score);
  op.destination_score = call.read("destination_score", destination_score);
  const Dtype dtype = op.value.dtype, real = accumulator_of(dtype);
  const std::int64_t nodes = op.graph.num_nodes(), heads = heads_of(op.value), channels = channels_of(op.value);
  const bool vectors = wants(needs, 1);
  const Tensor dsource_score = call.empty(real, {nodes, heads}), ddestination_score = call.empty(real, {nodes, heads});
  Tensor dvalue = call.empty_if(wants(needs, 0), dtype, {nodes, heads, channels});
  Tensor dsource = call.empty_if(vectors, real, {heads, channels});
  Tensor ddestination = call.empty_if(vectors, real, {heads, channels});
  Tensor dedge = call.empty_if(wants(needs, 2), real, {op.graph.num_edges(), heads});
  GatAttentionGradients gradients{.dy = call.read("dy", dy),
                                  .dvalue = written_if(wants(needs, 0), dvalue),
                                  .dsource_score = written(dsource_score),
                                  .ddestination_score = written(ddestination_score),
                                  .dedge_score = written_if(wants(needs, 2), dedge)};
  if (wants(needs, 0)) {
    gradients.source_vector = call.read("source_vector", source_vector);
    gradients.destination_vector = call.read("destination_vector", destination_vector);
  }
  backward(call, op,
           {.y = call.saved("y", y),
            .maximum = call.saved("maximum", maximum),
            .sum = call.saved("sum", sum),
            .positive_y = call.saved("positive_y", positive_y),
            .positive_weight = call.saved("positive_weight", positive_weight)},
           gradients);
  if (vectors) {
    const HeadDot scores{.x = op.value,
                         .vector = call.read("source_vector", source_vector),
                         .second_vector = call.read("destination_vector", destination_vector)};
    const HeadDotGradients of_vectors{.dscore = written(dsource_score),
                                      .dvector = written(dsource),
                                      .dsecond_score = written(ddestination_score),
                                      .dsecond_vector = written(ddestination)};
    head_dot_backward(call.context(), scores, of_vectors,
                      call.workspace(workspace_size(call.context(), scores, of_vectors)));
  }
  return {dvalue, dsource, ddestination, dedge};
}

}  // namespace

void register_gat(Registration& library) {
  WARPGNN_OPERATOR(library, gat_attention);
  WARPGNN_OPERATOR(library, gat_attention_backward);
  WARPGNN_OPERATOR(library, gat_attention_weights);
  WARPGNN_OPERATOR(library, gat_layer);
  WARPGNN_OPERATOR(library, gat_layer_backward);
}

}  // namespace warpgnn::python
