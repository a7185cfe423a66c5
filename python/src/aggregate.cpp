// SPDX-License-Identifier: MIT
// Sums, means and extrema of neighbours.

#include "warpgnn/ops/aggregate.hpp"

#include "call.hpp"

namespace warpgnn::python {

namespace {

/// What the three operators of weighted sums have in common.
Aggregate problem(Call& call, const TensorList& graph, const OptionalTensor& weight, const OptionalTensor& source_scale,
                  const OptionalTensor& destination_scale, bool mean) {
  return {.graph = call.graph(graph),
          .reduce = mean ? Reduce::mean : Reduce::sum,
          .weight = call.read("weight", weight),
          .source_scale = call.read("source_scale", source_scale),
          .destination_scale = call.read("destination_scale", destination_scale)};
}

void backward(Call& call, const Aggregate& op, const AggregateResult& result, const AggregateGradients& gradients) {
  aggregate_backward(call.context(), op, result, gradients,
                     call.workspace(workspace_size(call.context(), op, result, gradients)));
}

/// Columns of a matrix; what is none is left to the op to refuse.
std::int64_t width(const ConstTensorView& rows) {
  return rows.ndim == 2 ? rows.shape[1] : 0;
}

Tensor aggregate(const TensorList& graph, const Tensor& x, const OptionalTensor& weight,
                 const OptionalTensor& source_scale, const OptionalTensor& destination_scale, bool mean) {
  Call call("x", x);
  Aggregate op = problem(call, graph, weight, source_scale, destination_scale, mean);
  op.x = call.read("x", x);
  Tensor y = call.empty(op.x.dtype, {op.graph.num_destinations(), width(op.x)});
  const AggregateResult result{.y = written(y)};
  aggregate_forward(call.context(), op, result, call.workspace(workspace_size(call.context(), op, result)));
  return y;
}

Tensor aggregate_backward_x(const TensorList& graph, const Tensor& dy, const OptionalTensor& weight,
                            const OptionalTensor& source_scale, const OptionalTensor& destination_scale, bool mean) {
  Call call("dy", dy);
  const Aggregate op = problem(call, graph, weight, source_scale, destination_scale, mean);
  const ConstTensorView gradient = call.read("dy", dy);
  Tensor dx = call.empty(gradient.dtype, {op.graph.num_sources(), width(gradient)});
  backward(call, op, {}, {.dy = gradient, .dx = written(dx)});
  return dx;
}

Tensor aggregate_backward_weight(const TensorList& graph, const Tensor& dy, const Tensor& x,
                                 const OptionalTensor& source_scale, const OptionalTensor& destination_scale,
                                 bool mean) {
  Call call("x", x);
  Aggregate op = problem(call, graph, {}, source_scale, destination_scale, mean);
  op.x = call.read("x", x);
  Tensor dweight = call.empty(accumulator_of(op.x.dtype), {op.graph.num_edges()});
  backward(call, op, {}, {.dy = call.read("dy", dy), .dweight = written(dweight)});
  return dweight;
}

std::tuple<Tensor, Tensor> aggregate_extremum(const TensorList& graph, const Tensor& x, bool minimum) {
  Call call("x", x);
  const Aggregate op{.graph = call.graph(graph), .reduce = minimum ? Reduce::min : Reduce::max, .x = call.read("x", x)};
  const std::int64_t rows = op.graph.num_destinations();
  Tensor y = call.empty(op.x.dtype, {rows, width(op.x)}), arg = call.empty(Dtype::int32, {rows, width(op.x)});
  const AggregateResult result{.y = written(y), .arg = written(arg)};
  aggregate_forward(call.context(), op, result, call.workspace(workspace_size(call.context(), op, result)));
  return {y, arg};
}

Tensor aggregate_extremum_backward(const TensorList& graph, const Tensor& dy, const Tensor& arg, bool minimum) {
  Call call("dy", dy);
  const Aggregate op{.graph = call.graph(graph), .reduce = minimum ? Reduce::min : Reduce::max};
  const ConstTensorView gradient = call.read("dy", dy);
  Tensor dx = call.empty(gradient.dtype, {op.graph.num_sources(), width(gradient)});
  backward(call, op, {.arg = call.saved("arg", arg)}, {.dy = gradient, .dx = written(dx)});
  return dx;
}

}  // namespace

void register_aggregate(Registration& library) {
  WARPGNN_OPERATOR(library, aggregate);
  WARPGNN_OPERATOR(library, aggregate_backward_x);
  WARPGNN_OPERATOR(library, aggregate_backward_weight);
  WARPGNN_OPERATOR(library, aggregate_extremum);
  WARPGNN_OPERATOR(library, aggregate_extremum_backward);
}

}  // namespace warpgnn::python
