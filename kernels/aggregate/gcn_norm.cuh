// SPDX-License-Identifier: MIT
#pragma once

// GCN normalisation: row sums of edge terms, then one value per edge from the two ends.

#include <cmath>
#include <cstdint>

#include "kernels/base/spans.cuh"

namespace warpgnn::kernels {

// --- Row sums --------------------------------------------------------------------------------------------------------
// The op has no workspace for chunks, so a long row gets a block of its own.

inline constexpr int kLongRowThreads = 512;

template <class Term, class Finish>
__global__ void __launch_bounds__(kSpanThreads) row_sums_short(Adjacency edges, int lanes, Term term, Finish finish) {
  const LaneGroup group = LaneGroup::of_size(lanes);
  const std::int64_t row = group_number(lanes);
  if (row >= edges.rows) return;
  const std::int64_t begin = edges.offset[row], end = edges.offset[row + 1];
  if (end - begin > kChunkEdges) return;
  decltype(term(begin)) sum = 0;
  for (std::int64_t slot = begin + group.lane; slot < end; slot += group.size) sum += term(slot);
  sum = group.sum(sum);
  if (group.lane == 0) finish(row, sum);
}

template <class Term, class Finish>
__global__ void __launch_bounds__(kLongRowThreads) row_sums_long(Adjacency edges, Term term, Finish finish) {
  using T = decltype(term(0));
  __shared__ double shared[kWarpSize];
  const std::int64_t row = edges.long_rows.row[blockIdx.x];
  const std::int64_t end = edges.offset[row + 1];
  T sum = 0;
  for (std::int64_t slot = edges.offset[row] + threadIdx.x; slot < end; slot += blockDim.x) sum += term(slot);
  const double total = block_sum(static_cast<double>(sum), shared);
  if (threadIdx.x == 0) finish(row, static_cast<T>(total));
}

/// finish(row, sum of term(slot) over the row's slots) for every row.
template <class Term, class Finish>
void sum_rows(const backend::CudaExec& exec, const char* name, const Adjacency& edges, const Term& term,
              const Finish& finish) {
  const int lanes = edge_lanes(edges, 1);
  launch(exec, name, row_sums_short<Term, Finish>,
         {dim3(blocks_for(edges.rows, kSpanThreads / lanes)), dim3(kSpanThreads)}, edges, lanes, term, finish);
  launch(exec, name, row_sums_long<Term, Finish>,
         {dim3(static_cast<unsigned>(edges.long_rows.rows)), dim3(kLongRowThreads)}, edges, term, finish);
}

// --- Forward ---------------------------------------------------------------------------------------------------------

template <class T>
__device__ T edge_weight(const Rows<const T>& weight, std::int64_t id) {
  return weight ? *weight[id] : T(1);
}

template <class T>
struct WeightTerm {
  Adjacency edges;
  Rows<const T> weight;
  __device__ T operator()(std::int64_t slot) const { return *weight[edge_id_of(edges, slot)]; }
};

/// r = d^(-1/2), 0 where there is no positive degree.
template <class T>
struct StoreInverseRoot {
  Rows<T> inv_sqrt_degree;
  __device__ void operator()(std::int64_t row, T degree) const {
    *inv_sqrt_degree[row] = degree <= T(0) ? T(0) : T(1) / std::sqrt(degree);
  }
};

template <class T>
__global__ void __launch_bounds__(kSpanThreads)
    gcn_norm_forward_unweighted(Adjacency edges, StoreInverseRoot<T> finish) {
  const std::int64_t row = group_number(1);
  if (row < edges.rows) finish(row, static_cast<T>(edges.offset[row + 1] - edges.offset[row]));
}

/// Calls function(row, slot) for every edge, spans by groups of lanes.
template <class Function>
__global__ void __launch_bounds__(kSpanThreads) for_each_edge(Adjacency edges, int lanes, Function function) {
  const LaneGroup group = LaneGroup::of_size(lanes);
  const std::int64_t item = group_number(lanes);
  EdgeSpan span;
  if (!find_span(edges, item, span)) return;
  for (std::int64_t slot = span.begin + group.lane; slot < span.end; slot += group.size) function(span.row, slot);
}

template <class T>
struct StoreNorm {
  Adjacency edges;
  Rows<const T> weight;
  Rows<const T> inv_sqrt_degree;
  Rows<T> norm;

  __device__ void operator()(std::int64_t row, std::int64_t slot) const {
    const std::int64_t id = edge_id_of(edges, slot);
    *norm[id] = *inv_sqrt_degree[edges.neighbor[slot]] * edge_weight(weight, id) * *inv_sqrt_degree[row];
  }
};

// --- Backward --------------------------------------------------------------------------------------------------------

/// g_e w_e r of the far end.
template <class T>
struct FarEndTerm {
  Adjacency edges;
  Rows<const T> dnorm;
  Rows<const T> weight;
  Rows<const T> inv_sqrt_degree;

  __device__ T operator()(std::int64_t slot) const {
    const std::int64_t id = edge_id_of(edges, slot);
    return *dnorm[id] * edge_weight(weight, id) * *inv_sqrt_degree[edges.neighbor[slot]];
  }
};

template <class T>
struct StoreSum {
  T* target;
  __device__ void operator()(std::int64_t row, T sum) const { target[row] = sum; }
};

/// dd = -r^3 dr / 2, where dr is the sum already stored plus this one.
template <class T>
struct StoreDegreeGradient {
  Rows<const T> inv_sqrt_degree;
  T* ddegree;

  __device__ void operator()(std::int64_t row, T sum) const {
    const T r = *inv_sqrt_degree[row];
    ddegree[row] = T(-0.5) * r * r * r * (ddegree[row] + sum);
  }
};

template <class T>
struct StoreWeightGradient {
  Adjacency edges;
  Rows<const T> dnorm;
  Rows<const T> inv_sqrt_degree;
  const T* ddegree;
  Rows<T> dweight;

  __device__ void operator()(std::int64_t row, std::int64_t slot) const {
    const std::int64_t id = edge_id_of(edges, slot);
    *dweight[id] = *dnorm[id] * *inv_sqrt_degree[edges.neighbor[slot]] * *inv_sqrt_degree[row] + ddegree[row];
  }
};

}  // namespace warpgnn::kernels
