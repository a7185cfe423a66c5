// SPDX-License-Identifier: MIT
// Pools from nodes to graphs.

#include "warpgnn/ops/pool.hpp"

#include "call.hpp"

namespace warpgnn::python {

namespace {

Pool problem(Call& call, const Tensor& offsets, const Tensor& host_offsets, const OptionalTensor& score,
             std::int64_t reduce, std::int64_t gate, double temperature) {
  return {.graph = call.batch(offsets, host_offsets),
          .reduce = option("reduce", reduce, PoolReduce::max),
          .gate = option("gate", gate, PoolGate::raw),
          .temperature = temperature,
          .x = {},
          .score = call.read("score", score)};
}

/// [rows, F], or [rows, H, C], as x has it.
Tensor rows_like(const Call& call, const ConstTensorView& x, Dtype dtype, std::int64_t rows) {
  return x.ndim == 3 ? call.empty(dtype, {rows, x.shape[1], x.shape[2]})
                     : call.empty(dtype, {rows, x.ndim == 2 ? x.shape[1] : 0});
}

/// [rows], or [rows, H] where x has heads.
Tensor scores_like(const Call& call, const ConstTensorView& x, std::int64_t rows) {
  const Dtype real = accumulator_of(x.dtype);
  return x.ndim == 3 ? call.empty(real, {rows, x.shape[1]}) : call.empty(real, {rows});
}

std::tuple<Tensor, Tensor, Tensor, Tensor> pool(const Tensor& offsets, const Tensor& host_offsets, const Tensor& x,
                                                const OptionalTensor& score, std::int64_t reduce, std::int64_t gate,
                                                double temperature) {
  Call call("x", x);
  Pool op = problem(call, offsets, host_offsets, score, reduce, gate, temperature);
  op.x = call.read("x", x);
  const bool softmax = op.gate == PoolGate::softmax, extremum = op.reduce == PoolReduce::max;
  const std::int64_t graphs = op.graph.num_graphs();
  Tensor y = rows_like(call, op.x, op.x.dtype, graphs);
  Tensor maximum = softmax ? scores_like(call, op.x, graphs) : call.empty(accumulator_of(op.x.dtype), {0});
  Tensor sum = softmax ? scores_like(call, op.x, graphs) : call.empty(accumulator_of(op.x.dtype), {0});
  Tensor arg = extremum ? rows_like(call, op.x, Dtype::int32, graphs) : call.empty(Dtype::int32, {0});
  const PoolResult result{.y = written(y),
                          .maximum = written_if(softmax, maximum),
                          .sum = written_if(softmax, sum),
                          .arg = written_if(extremum, arg)};
  pool_forward(call.context(), op, result, call.workspace(workspace_size(call.context(), op, result)));
  return {y, maximum, sum, arg};
}

/// needs: bits for dx, dscore.
std::tuple<Tensor, Tensor> pool_backward(const Tensor& offsets, const Tensor& host_offsets, const Tensor& dy,
                                         const OptionalTensor& x, const OptionalTensor& score, const OptionalTensor& y,
                                         const OptionalTensor& maximum, const OptionalTensor& sum,
                                         const OptionalTensor& arg, std::int64_t reduce, std::int64_t gate,
                                         double temperature, std::int64_t needs) {
  Call call("dy", dy);
  Pool op = problem(call, offsets, host_offsets, score, reduce, gate, temperature);
  op.x = call.read("x", x);
  const ConstTensorView gradient = call.read("dy", dy);
  const std::int64_t nodes = op.graph.num_nodes();
  Tensor dx = wants(needs, 0) ? rows_like(call, gradient, gradient.dtype, nodes) : call.empty(gradient.dtype, {0});
  Tensor dscore =
      wants(needs, 1) ? scores_like(call, gradient, nodes) : call.empty(accumulator_of(gradient.dtype), {0});
  const PoolResult result{.y = call.saved("y", y),
                          .maximum = call.saved("maximum", maximum),
                          .sum = call.saved("sum", sum),
                          .arg = call.saved("arg", arg)};
  const PoolGradients gradients{
      .dy = gradient, .dx = written_if(wants(needs, 0), dx), .dscore = written_if(wants(needs, 1), dscore)};
  pool_backward(call.context(), op, result, gradients,
                call.workspace(workspace_size(call.context(), op, result, gradients)));
  return {dx, dscore};
}

Tensor pool_weights(const Tensor& offsets, const Tensor& host_offsets, const Tensor& score,
                    const OptionalTensor& maximum, const OptionalTensor& sum, std::int64_t gate, double temperature) {
  Call call("score", score);
  const Pool op = problem(call, offsets, host_offsets, score, 0, gate, temperature);
  Tensor weight = op.score.ndim == 2 ? call.empty(op.score.dtype, {op.score.shape[0], op.score.shape[1]})
                                     : call.empty(op.score.dtype, {op.score.shape[0]});
  pool_weights(call.context(), op, {.maximum = call.saved("maximum", maximum), .sum = call.saved("sum", sum)},
               {.weight = written(weight)});
  return weight;
}

}  // namespace

void register_pool(Registration& library) {
  WARPGNN_OPERATOR(library, pool);
  WARPGNN_OPERATOR(library, pool_backward);
  WARPGNN_OPERATOR(library, pool_weights);
}

}  // namespace warpgnn::python
