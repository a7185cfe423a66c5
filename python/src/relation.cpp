// SPDX-License-Identifier: MIT
// Sums over edges that have types.

#include "warpgnn/ops/relation.hpp"

#include "call.hpp"

namespace warpgnn::python {

namespace {

RelationAggregate problem(Call& call, const TensorList& graph, const Tensor& relation, const Tensor& coefficient,
                          const OptionalTensor& weight) {
  return {.graph = call.graph(graph),
          .relation = call.read("relation", relation),
          .coefficient = call.read("coefficient", coefficient),
          .weight = call.read("weight", weight),
          .x = {}};
}

std::int64_t size(const ConstTensorView& view, int ndim, int dimension) {
  return view.ndim == ndim ? view.shape[static_cast<std::size_t>(dimension)] : 0;
}

Tensor relation_weights(const TensorList& graph, const Tensor& relation, const Tensor& x, std::int64_t relations,
                        std::int64_t norm) {
  Call call("relation", relation);
  const RelationWeights op{.graph = call.graph(graph),
                           .norm = option("norm", norm, RelationNorm::all_edges),
                           .relations = relations,
                           .relation = call.read("relation", relation)};
  Tensor weight = call.empty(accumulator_of(call.read("x", x).dtype), {op.graph.num_edges()});
  const RelationWeightsResult result{.weight = written(weight)};
  relation_weights(call.context(), op, result, call.workspace(workspace_size(call.context(), op, result)));
  return weight;
}

Tensor relation_aggregate(const TensorList& graph, const Tensor& x, const Tensor& relation, const Tensor& coefficient,
                          const OptionalTensor& weight) {
  Call call("x", x);
  RelationAggregate op = problem(call, graph, relation, coefficient, weight);
  op.x = call.read("x", x);
  Tensor y = call.empty(op.x.dtype, {op.graph.num_destinations(), size(op.coefficient, 2, 1), size(op.x, 2, 1)});
  const RelationAggregateResult result{.y = written(y)};
  relation_aggregate_forward(call.context(), op, result, call.workspace(workspace_size(call.context(), op, result)));
  return y;
}

/// needs: bits for dx, dcoefficient, dweight.
std::tuple<Tensor, Tensor, Tensor> relation_aggregate_backward(const TensorList& graph, const Tensor& dy,
                                                               const Tensor& x, const Tensor& relation,
                                                               const Tensor& coefficient, const OptionalTensor& weight,
                                                               std::int64_t needs) {
  Call call("dy", dy);
  RelationAggregate op = problem(call, graph, relation, coefficient, weight);
  op.x = call.read("x", x);
  const Dtype real = accumulator_of(op.x.dtype);
  Tensor dx = call.empty_if(wants(needs, 0), op.x.dtype, {op.graph.num_sources(), size(op.x, 2, 1)});
  Tensor dcoefficient = call.empty_if(wants(needs, 1), real, {size(op.coefficient, 2, 0), size(op.coefficient, 2, 1)});
  Tensor dweight = call.empty_if(wants(needs, 2), real, {op.graph.num_edges()});
  const RelationAggregateGradients gradients{.dy = call.read("dy", dy),
                                             .dx = written_if(wants(needs, 0), dx),
                                             .dcoefficient = written_if(wants(needs, 1), dcoefficient),
                                             .dweight = written_if(wants(needs, 2), dweight)};
  relation_aggregate_backward(call.context(), op, gradients,
                              call.workspace(workspace_size(call.context(), op, gradients)));
  return {dx, dcoefficient, dweight};
}

}  // namespace

void register_relation(Registration& library) {
  WARPGNN_OPERATOR(library, relation_weights);
  WARPGNN_OPERATOR(library, relation_aggregate);
  WARPGNN_OPERATOR(library, relation_aggregate_backward);
}

}  // namespace warpgnn::python
