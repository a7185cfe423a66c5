// SPDX-License-Identifier: MIT
#include "kernels/aggregate/gcn_norm.cuh"

namespace warpgnn::backend {

using namespace kernels;

namespace {

template <class T>
T* carve(Carver& carver, const GcnNormBackward& op) {
  return carver.take<T>(op.graph.in_edges().rows);
}

template <class Function>
void launch_for_each_edge(const CudaExec& exec, const char* name, const Adjacency& edges, const Function& function) {
  const int lanes = edge_lanes(edges, 1);
  launch(exec, name, for_each_edge<Function>, span_shape(edges, lanes, 1), edges, lanes, function);
}

template <class T>
void forward(const CudaExec& exec, const GcnNormForward& op) {
  constexpr const char* kName = "gcn_norm_forward";
  const Adjacency& edges = op.graph.in_edges();
  const StoreInverseRoot<T> store{rows_of<T>(op.inv_sqrt_degree)};
  if (op.weight.defined()) {
    sum_rows(exec, kName, edges, WeightTerm<T>{edges, rows_of<T>(op.weight)}, store);
  } else {
    launch(exec, kName, gcn_norm_forward_unweighted<T>,
           {dim3(blocks_for(edges.rows, kSpanThreads)), dim3(kSpanThreads)}, edges, store);
  }
  if (!op.norm.defined()) return;
  launch_for_each_edge(exec, kName, edges,
                       StoreNorm<T>{edges, rows_of<T>(op.weight),
                                    rows_of<T>(static_cast<ConstTensorView>(op.inv_sqrt_degree)), rows_of<T>(op.norm)});
}

template <class T>
void backward(const CudaExec& exec, const GcnNormBackward& op) {
  constexpr const char* kName = "gcn_norm_backward";
  Carver carver(op.workspace.data);
  T* const ddegree = carve<T>(carver, op);
  const Adjacency& in = op.graph.in_edges();
  const Adjacency& out = op.graph.out_edges();
  const Rows<const T> dnorm = rows_of<T>(op.dnorm), weight = rows_of<T>(op.weight), r = rows_of<T>(op.inv_sqrt_degree);
  sum_rows(exec, kName, in, FarEndTerm<T>{in, dnorm, weight, r}, StoreSum<T>{ddegree});
  sum_rows(exec, kName, out, FarEndTerm<T>{out, dnorm, weight, r}, StoreDegreeGradient<T>{r, ddegree});
  launch_for_each_edge(exec, kName, in, StoreWeightGradient<T>{in, dnorm, r, ddegree, rows_of<T>(op.dweight)});
}

}  // namespace

std::size_t workspace_size(const CudaExec&, const GcnNormBackward& op) {
  Carver carver;
  with_real(op.dnorm.dtype, [&](auto zero) { carve<decltype(zero)>(carver, op); });
  return carver.bytes();
}

void gcn_norm_forward(const CudaExec& exec, const GcnNormForward& op) {
  with_real(op.inv_sqrt_degree.dtype, [&](auto zero) { forward<decltype(zero)>(exec, op); });
}

void gcn_norm_backward(const CudaExec& exec, const GcnNormBackward& op) {
  with_real(op.dnorm.dtype, [&](auto zero) { backward<decltype(zero)>(exec, op); });
}

}  // namespace warpgnn::backend
