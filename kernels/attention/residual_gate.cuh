// SPDX-License-Identifier: MIT
#pragma once

// A learnt gate between a result and its residual: one group of lanes per row.

#include <cmath>

#include "host/math/activations.hpp"
#include "host/math/gates.hpp"
#include "kernels/base/math.cuh"
#include "kernels/base/reduce.cuh"
#include "kernels/base/spans.cuh"

namespace warpgnn::kernels {

template <class S>
struct ResidualGateArguments {
  using T = Accumulator<S>;
  std::int64_t rows;
  std::int64_t columns;
  int lanes;  // per row, a power of two
  Rows<const S> x;
  Rows<const S> residual;
  Rows<const T> weight;  // [3, columns]
  // Forward.
  Rows<S> y;
  Rows<T> gate;
  // Backward.
  Rows<const T> saved_gate;
  Rows<const S> dy;
  Rows<S> dx;         // null: not wanted
  Rows<S> dresidual;  // null: not wanted
  T* dz;              // [rows]
};

template <class S, int kWidth>
__global__ void __launch_bounds__(kSpanThreads) residual_gate_rows(ResidualGateArguments<S> arguments) {
  using T = Accumulator<S>;
  const LaneGroup group = LaneGroup::of_size(arguments.lanes);
  const std::int64_t row = group_number(group.size);
  if (row >= arguments.rows) return;
  const S* const all_x = arguments.x[row];
  const S* const all_residual = arguments.residual[row];
  T z = 0;
  for (std::int64_t column = group.lane * kWidth; column < arguments.columns; column += group.size * kWidth) {
    const Pack<T, kWidth> x = load_read_only<kWidth>(all_x + column);
    const Pack<T, kWidth> residual = load_read_only<kWidth>(all_residual + column);
    const Pack<T, kWidth> of_x = load_read_only<kWidth>(arguments.weight[0] + column);
    const Pack<T, kWidth> of_residual = load_read_only<kWidth>(arguments.weight[1] + column);
    const Pack<T, kWidth> of_difference = load_read_only<kWidth>(arguments.weight[2] + column);
#pragma unroll
    for (int v = 0; v < kWidth; ++v) {
      z += math::logit_term({of_x[v], of_residual[v], of_difference[v]}, x[v], residual[v]);
    }
  }
  z = group.sum(z);
  const T gate = math::sigmoid<Math>(z);
  if (group.lane == 0) arguments.gate[row][0] = gate;
  for (std::int64_t column = group.lane * kWidth; column < arguments.columns; column += group.size * kWidth) {
    const Pack<T, kWidth> x = load_read_only<kWidth>(all_x + column);
    const Pack<T, kWidth> residual = load_read_only<kWidth>(all_residual + column);
    Pack<T, kWidth> y;
#pragma unroll
    for (int v = 0; v < kWidth; ++v) y[v] = math::mixed(gate, x[v], residual[v]);
    store_streamed<kWidth>(arguments.y[row] + column, y);
  }
}

template <class S, int kWidth>
__global__ void __launch_bounds__(kSpanThreads) residual_gate_gradient_rows(ResidualGateArguments<S> arguments) {
  using T = Accumulator<S>;
  const LaneGroup group = LaneGroup::of_size(arguments.lanes);
  const std::int64_t row = group_number(group.size);
  if (row >= arguments.rows) return;
  T dgate = 0;
  for (std::int64_t column = group.lane * kWidth; column < arguments.columns; column += group.size * kWidth) {
    const Pack<T, kWidth> x = load_read_only<kWidth>(arguments.x[row] + column);
    const Pack<T, kWidth> residual = load_read_only<kWidth>(arguments.residual[row] + column);
    const Pack<T, kWidth> dy = load_read_only<kWidth>(arguments.dy[row] + column);
#pragma unroll
    for (int v = 0; v < kWidth; ++v) dgate += math::gate_gradient_term(x[v], residual[v], dy[v]);
  }
  dgate = group.sum(dgate);
  const T gate = __ldg(arguments.saved_gate[row]);
  const T dz = math::logit_gradient(gate, dgate);
  if (group.lane == 0) arguments.dz[row] = dz;
  for (std::int64_t column = group.lane * kWidth; column < arguments.columns; column += group.size * kWidth) {
    const Pack<T, kWidth> dy = load_read_only<kWidth>(arguments.dy[row] + column);
    const Pack<T, kWidth> of_x = load_read_only<kWidth>(arguments.weight[0] + column);
    const Pack<T, kWidth> of_residual = load_read_only<kWidth>(arguments.weight[1] + column);
    const Pack<T, kWidth> of_difference = load_read_only<kWidth>(arguments.weight[2] + column);
    Pack<T, kWidth> dx, dresidual;
#pragma unroll
    for (int v = 0; v < kWidth; ++v) {
      const math::GateWeights<T> gate_weights{of_x[v], of_residual[v], of_difference[v]};
      dx[v] = math::mixed_gradient(gate_weights, gate, dz, dy[v]);
      dresidual[v] = math::mixed_residual_gradient(gate_weights, gate, dz, dy[v]);
    }
    if (arguments.dx) store_streamed<kWidth>(arguments.dx[row] + column, dx);
    if (arguments.dresidual) store_streamed<kWidth>(arguments.dresidual[row] + column, dresidual);
  }
}

/// dz times x, residual and their difference: a row's terms of the sums that make dweight.
template <class S, int kWidth>
struct GateWeightTerm {
  using T = Accumulator<S>;
  Rows<const S> x;
  Rows<const S> residual;
  const T* dz;

  __device__ void operator()(std::int64_t row, std::int64_t column, Pack<T, kWidth> (&sum)[3]) const {
    const Pack<T, kWidth> a = load_read_only<kWidth>(x[row] + column);
    const Pack<T, kWidth> b = load_read_only<kWidth>(residual[row] + column);
    const T factor = __ldg(dz + row);
#pragma unroll
    for (int v = 0; v < kWidth; ++v) {
      sum[0][v] += factor * a[v];
      sum[1][v] += factor * b[v];
      sum[2][v] += factor * (a[v] - b[v]);
    }
  }
};

template <class T>
struct StoreGateWeight {
  Rows<T> target;
  __device__ void operator()(std::int64_t column, const double (&total)[3]) const {
#pragma unroll
    for (int s = 0; s < 3; ++s) target[s][column] = static_cast<T>(total[s]);
  }
};

}  // namespace warpgnn::kernels
