// SPDX-License-Identifier: MIT
// Messages made of a source's row and an edge's row, and the softmax of edges' scores.

#include "call.hpp"
#include "warpgnn/ops/edge_softmax.hpp"
#include "warpgnn/ops/message_aggregate.hpp"

namespace warpgnn::python {

namespace {

MessageAggregate problem(Call& call, const TensorList& graph, const OptionalTensor& x, const OptionalTensor& edge,
                         std::int64_t message, std::int64_t reduce) {
  return {.graph = call.graph(graph),
          .message = option("message", message, EdgeMessage::edge),
          .reduce = option("reduce", reduce, Reduce::min),
          .x = call.read("x", x),
          .edge = call.read("edge", edge)};
}

std::int64_t width(const ConstTensorView& rows) {
  return rows.ndim == 2 ? rows.shape[1] : 0;
}

bool has_arg(Reduce reduce) {
  return reduce == Reduce::max || reduce == Reduce::min;
}

std::tuple<Tensor, Tensor> message_aggregate(const TensorList& graph, const OptionalTensor& x, const Tensor& edge,
                                             std::int64_t message, std::int64_t reduce) {
  Call call("edge", edge);
  const MessageAggregate op = problem(call, graph, x, edge, message, reduce);
  const std::int64_t rows = op.graph.num_destinations(), columns = width(op.edge);
  Tensor y = call.empty(op.edge.dtype, {rows, columns});
  Tensor arg = call.empty_if(has_arg(op.reduce), Dtype::int32, {rows, columns});
  const MessageAggregateResult result{.y = written(y), .arg = written_if(has_arg(op.reduce), arg)};
  message_aggregate_forward(call.context(), op, result, call.workspace(workspace_size(call.context(), op, result)));
  return {y, arg};
}

/// needs: bit 0 for dx, bit 1 for dedge.
std::tuple<Tensor, Tensor> message_aggregate_backward(const TensorList& graph, const Tensor& dy,
                                                      const OptionalTensor& x, const OptionalTensor& edge,
                                                      const OptionalTensor& arg, std::int64_t message,
                                                      std::int64_t reduce, std::int64_t needs) {
  Call call("dy", dy);
  const MessageAggregate op = problem(call, graph, x, edge, message, reduce);
  const ConstTensorView gradient = call.read("dy", dy);
  Tensor dx = call.empty_if(wants(needs, 0), gradient.dtype, {op.graph.num_sources(), width(gradient)});
  Tensor dedge = call.empty_if(wants(needs, 1), gradient.dtype, {op.graph.num_edges(), width(gradient)});
  const MessageAggregateResult result{.arg = call.saved("arg", arg)};
  const MessageAggregateGradients gradients{
      .dy = gradient, .dx = written_if(wants(needs, 0), dx), .dedge = written_if(wants(needs, 1), dedge)};
  message_aggregate_backward(call.context(), op, result, gradients,
                             call.workspace(workspace_size(call.context(), op, result, gradients)));
  return {dx, dedge};
}

Tensor edge_softmax(const TensorList& graph, const Tensor& score) {
  Call call("score", score);
  const EdgeSoftmax op{.graph = call.graph(graph), .score = call.read("score", score)};
  Tensor weight = call.empty(op.score.dtype, {op.graph.num_edges(), width(op.score)});
  const EdgeSoftmaxResult result{.weight = written(weight)};
  edge_softmax_forward(call.context(), op, result, call.workspace(workspace_size(call.context(), op, result)));
  return weight;
}

Tensor edge_softmax_backward(const TensorList& graph, const Tensor& weight, const Tensor& dweight) {
  Call call("weight", weight);
  const EdgeSoftmax op{.graph = call.graph(graph)};
  const EdgeSoftmaxResult result{.weight = call.saved("weight", weight)};
  Tensor dscore = call.empty(result.weight.dtype, {op.graph.num_edges(), width(result.weight)});
  const EdgeSoftmaxGradients gradients{.dweight = call.read("dweight", dweight), .dscore = written(dscore)};
  edge_softmax_backward(call.context(), op, result, gradients,
                        call.workspace(workspace_size(call.context(), op, result, gradients)));
  return dscore;
}

}  // namespace

void register_messages(Registration& library) {
  WARPGNN_OPERATOR(library, message_aggregate);
  WARPGNN_OPERATOR(library, message_aggregate_backward);
  WARPGNN_OPERATOR(library, edge_softmax);
  WARPGNN_OPERATOR(library, edge_softmax_backward);
}

}  // namespace warpgnn::python
