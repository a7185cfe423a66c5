// SPDX-License-Identifier: MIT
// Attention whose scores look at both ends' features: GATv2, additive, dot.

#include "warpgnn/ops/attention.hpp"

#include "call.hpp"

namespace warpgnn::python {

namespace {

/// What forward, backward and weights take alike. A value that is none is the key; an edge_value that is none is none,
/// or the edge_key where that is said.
struct Inputs {
  const TensorList& graph;
  const Tensor& query;
  const Tensor& key;
  const OptionalTensor& value;
  const OptionalTensor& edge_key;
  const OptionalTensor& edge_value;
  const OptionalTensor& edge_bias;
  const OptionalTensor& vector;
  const OptionalTensor& seed;
  std::int64_t score;
  double negative_slope, scale, dropout;
  bool edge_key_is_value;
};

Attention problem(Call& call, const Inputs& in) {
  Attention op{.graph = call.graph(in.graph),
               .score = option("score", in.score, AttentionScore::dot),
               .negative_slope = in.negative_slope,
               .scale = in.scale,
               .dropout = call.dropout(in.dropout, in.seed),
               .query = call.read("query", in.query),
               .key = call.read("key", in.key),
               .value = {},
               .edge_key = call.read("edge_key", in.edge_key),
               .edge_value = {},
               .edge_bias = call.read("edge_bias", in.edge_bias),
               .vector = call.read("vector", in.vector)};
  op.value = in.value ? call.read("value", in.value) : op.key;
  op.edge_value = in.edge_key_is_value ? op.edge_key : call.read("edge_value", in.edge_value);
  return op;
}

std::int64_t size(const ConstTensorView& view, int dimension) {
  return view.ndim == 3 ? view.shape[static_cast<std::size_t>(dimension)] : 0;
}

std::tuple<Tensor, Tensor, Tensor> attention(const TensorList& graph, const Tensor& query, const Tensor& key,
                                             const OptionalTensor& value, const OptionalTensor& edge_key,
                                             const OptionalTensor& edge_value, const OptionalTensor& edge_bias,
                                             const OptionalTensor& vector, const OptionalTensor& seed,
                                             std::int64_t score, double negative_slope, double scale, double dropout,
                                             bool edge_key_is_value) {
  Call call("query", query);
  const Attention op = problem(call, {graph, query, key, value, edge_key, edge_value, edge_bias, vector, seed, score,
                                      negative_slope, scale, dropout, edge_key_is_value});
  const Dtype real = accumulator_of(op.query.dtype);
  const std::int64_t rows = op.graph.num_destinations(), heads = size(op.query, 1);
  Tensor y = call.empty(op.query.dtype, {rows, heads, size(op.value, 2)});
  Tensor maximum = call.empty(real, {rows, heads}), sum = call.empty(real, {rows, heads});
  const AttentionResult result{.y = written(y), .maximum = written(maximum), .sum = written(sum)};
  attention_forward(call.context(), op, result, call.workspace(workspace_size(call.context(), op, result)));
  return {y, maximum, sum};
}

/// needs: bits for dquery, dkey, dvalue, dedge_key, dedge_value, dedge_bias, dvector. Gradients of what is shared are
/// dkey and dedge_key.
std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> attention_backward(
    const TensorList& graph, const Tensor& dy, const Tensor& query, const Tensor& key, const OptionalTensor& value,
    const OptionalTensor& edge_key, const OptionalTensor& edge_value, const OptionalTensor& edge_bias,
    const OptionalTensor& vector, const OptionalTensor& seed, const Tensor& y, const Tensor& maximum, const Tensor& sum,
    std::int64_t score, double negative_slope, double scale, double dropout, bool edge_key_is_value,
    std::int64_t needs) {
  Call call("query", query);
  const Attention op = problem(call, {graph, query, key, value, edge_key, edge_value, edge_bias, vector, seed, score,
                                      negative_slope, scale, dropout, edge_key_is_value});
  const Dtype dtype = op.query.dtype, real = accumulator_of(dtype);
  const std::int64_t sources = op.graph.num_sources(), edges = op.graph.num_edges();
  const std::int64_t heads = size(op.query, 1), channels = size(op.query, 2), values = size(op.value, 2);
  Tensor dquery = call.empty_if(wants(needs, 0), dtype, {op.graph.num_destinations(), heads, channels});
  Tensor dkey = call.empty_if(wants(needs, 1), dtype, {sources, heads, channels});
  Tensor dvalue = call.empty_if(wants(needs, 2), dtype, {sources, heads, values});
  Tensor dedge_key = call.empty_if(wants(needs, 3), dtype, {edges, heads, channels});
  Tensor dedge_value = call.empty_if(wants(needs, 4), dtype, {edges, heads, values});
  Tensor dedge_bias = call.empty_if(wants(needs, 5), real, {edges, heads});
  Tensor dvector = call.empty_if(wants(needs, 6), real, {heads, channels});
  const AttentionResult result{
      .y = call.saved("y", y), .maximum = call.saved("maximum", maximum), .sum = call.saved("sum", sum)};
  const AttentionGradients gradients{.dy = call.read("dy", dy),
                                     .dquery = written_if(wants(needs, 0), dquery),
                                     .dkey = written_if(wants(needs, 1), dkey),
                                     .dvalue = written_if(wants(needs, 2), dvalue),
                                     .dedge_key = written_if(wants(needs, 3), dedge_key),
                                     .dedge_value = written_if(wants(needs, 4), dedge_value),
                                     .dedge_bias = written_if(wants(needs, 5), dedge_bias),
                                     .dvector = written_if(wants(needs, 6), dvector)};
  attention_backward(call.context(), op, result, gradients,
                     call.workspace(workspace_size(call.context(), op, result, gradients)));
  return {dquery, dkey, dvalue, dedge_key, dedge_value, dedge_bias, dvector};
}

Tensor attention_weights(const TensorList& graph, const Tensor& query, const Tensor& key,
                         const OptionalTensor& edge_key, const OptionalTensor& edge_bias, const OptionalTensor& vector,
                         const OptionalTensor& seed, const Tensor& maximum, const Tensor& sum, std::int64_t score,
                         double negative_slope, double scale, double dropout, bool dropped) {
  Call call("query", query);
  const Attention op = problem(
      call,
      {graph, query, key, {}, edge_key, {}, edge_bias, vector, seed, score, negative_slope, scale, dropout, false});
  Tensor weight = call.empty(accumulator_of(op.query.dtype), {op.graph.num_edges(), size(op.query, 1)});
  const AttentionResult result{.maximum = call.saved("maximum", maximum), .sum = call.saved("sum", sum)};
  const AttentionWeights weights{.weight = written(weight), .dropped = dropped};
  attention_weights(call.context(), op, result, weights,
                    call.workspace(workspace_size(call.context(), op, result, weights)));
  return weight;
}

}  // namespace

void register_attention(Registration& library) {
  WARPGNN_OPERATOR(library, attention);
  WARPGNN_OPERATOR(library, attention_backward);
  WARPGNN_OPERATOR(library, attention_weights);
}

}  // namespace warpgnn::python
