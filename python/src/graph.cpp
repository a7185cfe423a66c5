// SPDX-License-Identifier: MIT
// Graphs as lists of tensors, and what is computed of a graph alone.

#include <cstdint>

#include "call.hpp"
#include "warpgnn/ops/gcn_norm.hpp"

namespace warpgnn::python {

namespace {

/// Memory of PyTorch's with the library's content.
Tensor copied(Call& call, Dtype dtype, const ConstTensorView& part) {
  Tensor tensor = call.empty(dtype, {part.defined() ? part.shape[0] : 0});
  if (part.defined() && part.shape[0] > 0) copy(call.context(), part, written(tensor));
  return tensor;
}

/// Edge ids are always there: a graph that is turned round needs them.
Tensor edge_ids_of(Call& call, const AdjacencyParts& parts) {
  if (parts.edge_ids.defined()) return copied(call, Dtype::int32, parts.edge_ids);
  const std::int64_t edges = parts.neighbors.shape[0];
  std::vector<std::int32_t> ids(static_cast<std::size_t>(edges));
  for (std::int64_t e = 0; e < edges; ++e) ids[static_cast<std::size_t>(e)] = static_cast<std::int32_t>(e);
  Tensor tensor = call.empty(Dtype::int32, {edges});
  if (edges > 0) copy_from_host(call.context(), ids.data(), ids.size() * sizeof(std::int32_t), written(tensor));
  return tensor;
}

void append_edges(Call& call, const AdjacencyParts& parts, TensorList& list) {
  list.push_back(copied(call, Dtype::int64, parts.offsets));
  list.push_back(copied(call, Dtype::int32, parts.neighbors));
  list.push_back(edge_ids_of(call, parts));
}

void append_tables(Call& call, const AdjacencyParts& parts, TensorList& list) {
  list.push_back(copied(call, Dtype::int32, parts.long_rows));
  list.push_back(copied(call, Dtype::int32, parts.first_chunks));
  list.push_back(copied(call, Dtype::int32, parts.chunk_owners));
  list.push_back(copied(call, Dtype::int32, parts.row_order));
}

/// Of the in-edges and then of the out-edges: offsets, neighbors, edge ids. Then {0, N}, and of each direction the long
/// rows, their first chunks, the chunks' owners and the order of rows. The tables of a graph whose tables are all empty
/// may be left out of what the other operators are given.
TensorList graph_from_coo(const Tensor& source, const Tensor& destination, std::int64_t num_sources,
                          std::int64_t num_destinations) {
  Call call("source", source);
  const Graph graph = Graph::from_coo(call.context(), {.source = call.read("source", source),
                                                       .destination = call.read("destination", destination),
                                                       .num_sources = num_sources,
                                                       .num_destinations = num_destinations});
  const GraphParts parts = graph.parts();
  TensorList list;
  append_edges(call, parts.in_edges, list);
  append_edges(call, parts.out_edges, list);
  const std::int64_t whole[] = {0, num_destinations};
  list.push_back(call.empty(Dtype::int64, {2}));
  copy_from_host(call.context(), whole, sizeof whole, written(list.back()));
  append_tables(call, parts.in_edges, list);
  append_tables(call, parts.out_edges, list);
  call.context().synchronize();  // the library's own memory goes
  return list;
}

Tensor gcn_scale(const TensorList& graph, const Tensor& x, const OptionalTensor& weight) {
  Call call("x", x);
  const GcnNorm op{.graph = call.graph(graph), .weight = call.read("weight", weight)};
  Tensor scale = call.empty(accumulator_of(call.read("x", x).dtype), {op.graph.num_nodes()});
  gcn_norm_forward(call.context(), op, {.inv_sqrt_degree = written(scale)});
  return scale;
}

std::tuple<Tensor, Tensor> gcn_norm(const TensorList& graph, const Tensor& weight) {
  Call call("weight", weight);
  const GcnNorm op{.graph = call.graph(graph), .weight = call.read("weight", weight)};
  Tensor norm = call.empty(op.weight.dtype, {op.graph.num_edges()});
  Tensor scale = call.empty(op.weight.dtype, {op.graph.num_nodes()});
  gcn_norm_forward(call.context(), op, {.norm = written(norm), .inv_sqrt_degree = written(scale)});
  return {norm, scale};
}

Tensor gcn_norm_backward(const TensorList& graph, const Tensor& dnorm, const Tensor& weight,
                         const Tensor& inv_sqrt_degree) {
  Call call("weight", weight);
  const GcnNorm op{.graph = call.graph(graph), .weight = call.read("weight", weight)};
  Tensor dweight = call.empty(op.weight.dtype, {op.graph.num_edges()});
  const GcnNormResult result{.inv_sqrt_degree = call.saved("inv_sqrt_degree", inv_sqrt_degree)};
  const GcnNormGradients gradients{.dnorm = call.read("dnorm", dnorm), .dweight = written(dweight)};
  gcn_norm_backward(call.context(), op, result, gradients,
                    call.workspace(workspace_size(call.context(), op, result, gradients)));
  return dweight;
}

}  // namespace

void register_graph(Registration& library) {
  WARPGNN_OPERATOR(library, graph_from_coo);
  WARPGNN_OPERATOR(library, gcn_scale);
  WARPGNN_OPERATOR(library, gcn_norm);
  WARPGNN_OPERATOR(library, gcn_norm_backward);
}

}  // namespace warpgnn::python
