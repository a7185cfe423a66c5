// SPDX-License-Identifier: MIT
#include "warpgnn/ops/gcn_norm.hpp"

#include "host/core/check.hpp"

namespace warpgnn {

Checker checked(const Context& context, const GcnNormForward& op) {
  Checker check(context);
  check.graph(op.graph);
  const Dtype dtype = expect_real("inv_sqrt_degree", op.inv_sqrt_degree);
  check.optional_input("weight", op.weight, {op.graph.num_edges()}, dtype);
  check.optional_output("norm", op.norm, {op.graph.num_edges()}, dtype);
  check.output("inv_sqrt_degree", op.inv_sqrt_degree, {op.graph.num_nodes()}, dtype);
  return check;
}

Checker checked(const Context& context, const GcnNormBackward& op) {
  Checker check(context);
  check.graph(op.graph);
  const Dtype dtype = expect_real("dnorm", op.dnorm);
  check.optional_input("weight", op.weight, {op.graph.num_edges()}, dtype);
  check.input("inv_sqrt_degree", op.inv_sqrt_degree, {op.graph.num_nodes()}, dtype);
  check.input("dnorm", op.dnorm, {op.graph.num_edges()}, dtype);
  check.output("dweight", op.dweight, {op.graph.num_edges()}, dtype);
  return check;
}

}  // namespace warpgnn
