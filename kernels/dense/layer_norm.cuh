// SPDX-License-Identifier: MIT
#pragma once

// Layer norm. Squares are summed around the mean, which cannot cancel. Rows are scaled by a power of two, so that no
// square is lost or infinite; that costs no rounding.

#include "kernels/base/reduce.cuh"
#include "kernels/dense/held_rows.cuh"

namespace warpgnn::kernels {

template <class T>
struct LayerNormForwardArguments {
  std::int64_t rows;
  std::int64_t columns;
  int lanes;  // per row, a power of two
  T share;    // 1 / columns
  T epsilon, root_epsilon;
  Rows<const T> x;
  const T* gamma;
  const T* beta;
  Rows<T> y, mean, inv_std;
};

template <class T, int kWidth, int kHeld>
__global__ void __launch_bounds__(kHeldRowThreads) layer_norm_forward_by_row(LayerNormForwardArguments<T> arguments) {
  const LaneGroup group = LaneGroup::of_size(arguments.lanes);
  const std::int64_t row = group_number(group.size);
  if (row >= arguments.rows) return;
  const RowPart<T, kWidth, kHeld> part(arguments.x[row], arguments.columns, group);

  const T scale = unit_scale(std::fmax(part.largest(group), arguments.root_epsilon));
  T sum = 0;
  part.for_each([&](std::int64_t, const Pack<T, kWidth>& x) {
#pragma unroll
    for (int k = 0; k < kWidth; ++k) sum += x[k] * scale;
  });
  const T mean = group.sum(sum) * arguments.share;
  T squares = 0;
  part.for_each([&](std::int64_t, const Pack<T, kWidth>& x) {
#pragma unroll
    for (int k = 0; k < kWidth; ++k) squares += (x[k] * scale - mean) * (x[k] * scale - mean);
  });
  const T spread = group.sum(squares) * arguments.share + arguments.epsilon * scale * scale;
  const T inv_std = T(1) / std::sqrt(spread);
  part.for_each([&](std::int64_t column, const Pack<T, kWidth>& x) {
    const Pack<T, kWidth> gamma = load_read_only<kWidth>(arguments.gamma + column);
    const Pack<T, kWidth> beta = load_read_only<kWidth>(arguments.beta + column);
    Pack<T, kWidth> y;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) y[k] = gamma[k] * ((x[k] * scale - mean) * inv_std) + beta[k];
    store(arguments.y[row] + column, y);
  });
  if (group.lane != 0) return;
  if (arguments.mean) *arguments.mean[row] = mean * reciprocal_scale(scale);
  if (arguments.inv_std) *arguments.inv_std[row] = inv_std * scale;
}

template <class T>
struct LayerNormBackwardArguments {
  std::int64_t rows;
  std::int64_t columns;
  int lanes;  // per row, a power of two
  T share;    // 1 / columns
  Rows<const T> x, mean, inv_std, dy;
  const T* gamma;
  Rows<T> dx;
};

/// dx = inv_std (g - avg(g) - z avg(g z)) with g = gamma dy, for rows of any length.
template <class T, int kWidth, int kHeld>
__global__ void __launch_bounds__(kHeldRowThreads) layer_norm_backward_by_row(LayerNormBackwardArguments<T> arguments) {
  const LaneGroup group = LaneGroup::of_size(arguments.lanes);
  const std::int64_t row = group_number(group.size);
  if (row >= arguments.rows) return;
  const T* const x_row = arguments.x[row];
  const RowPart<T, kWidth, kHeld> part(arguments.dy[row], arguments.columns, group);
  const T mean = *arguments.mean[row], inv_std = *arguments.inv_std[row];

  T sum = 0, dot = 0;
  part.for_each([&](std::int64_t column, const Pack<T, kWidth>& dy) {
    const Pack<T, kWidth> x = load_read_only<kWidth>(x_row + column);
    const Pack<T, kWidth> gamma = load_read_only<kWidth>(arguments.gamma + column);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      const T g = gamma[k] * dy[k];
      sum += g;
      dot += g * ((x[k] - mean) * inv_std);
    }
  });
  const T average = group.sum(sum) * arguments.share, slope = group.sum(dot) * arguments.share;
  part.for_each([&](std::int64_t column, const Pack<T, kWidth>& dy) {
    const Pack<T, kWidth> x = load_read_only<kWidth>(x_row + column);
    const Pack<T, kWidth> gamma = load_read_only<kWidth>(arguments.gamma + column);
    Pack<T, kWidth> dx;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      const T z = (x[k] - mean) * inv_std;
      dx[k] = inv_std * (gamma[k] * dy[k] - average - z * slope);
    }
    store(arguments.dx[row] + column, dx);
  });
}

/// All gradients from one read of x and dy, for rows that fit the registers. A block takes a slab of rows; a lane has
/// the same columns in every row and adds up what they give to dgamma and dbeta, [2, slabs, columns] in `partial` (may
/// be null, as may dx).
template <class T, int kWidth, int kHeld>
__global__ void __launch_bounds__(kHeldRowThreads)
    layer_norm_backward_by_slab(LayerNormBackwardArguments<T> arguments, Slabs slabs, T* partial) {
  using Values = Pack<T, kWidth>;
  __shared__ T shared[2][kHeld][kWidth][kHeldRowThreads];  // threads last: no two of a warp share a bank
  const LaneGroup group = LaneGroup::of_size(arguments.lanes);
  const int groups = kHeldRowThreads / group.size;
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * slabs.rows;
  const std::int64_t last = first + slabs.rows < arguments.rows ? first + slabs.rows : arguments.rows;
  const auto column_of = [&](int k) { return (static_cast<std::int64_t>(k) * group.size + group.lane) * kWidth; };

  Values gamma[kHeld], sum[2][kHeld] = {};
#pragma unroll
  for (int k = 0; k < kHeld; ++k) {
    gamma[k] = column_of(k) < arguments.columns && arguments.dx ? load_read_only<kWidth>(arguments.gamma + column_of(k))
                                                                : Values{};
  }
#pragma unroll 1
  for (std::int64_t row = first + static_cast<int>(threadIdx.x) / group.size; row < last; row += groups) {
    const T mean = *arguments.mean[row], inv_std = *arguments.inv_std[row];
    Values dy[kHeld], z[kHeld];
    T total = 0, dot = 0;
#pragma unroll
    for (int k = 0; k < kHeld; ++k) {
      const bool there = column_of(k) < arguments.columns;
      dy[k] = there ? load<kWidth>(arguments.dy[row] + column_of(k)) : Values{};
      z[k] = there ? load_read_only<kWidth>(arguments.x[row] + column_of(k)) : Values{};
    }
#pragma unroll
    for (int k = 0; k < kHeld; ++k) {
#pragma unroll
      for (int j = 0; j < kWidth; ++j) {
        z[k][j] = (z[k][j] - mean) * inv_std;
        const T g = gamma[k][j] * dy[k][j];
        total += g;
        dot += g * z[k][j];
        sum[0][k][j] += dy[k][j];
        sum[1][k][j] += dy[k][j] * z[k][j];
      }
    }
    if (!arguments.dx) continue;
    const T average = group.sum(total) * arguments.share, slope = group.sum(dot) * arguments.share;
#pragma unroll
    for (int k = 0; k < kHeld; ++k) {
      if (column_of(k) >= arguments.columns) continue;
#pragma unroll
      for (int j = 0; j < kWidth; ++j) dy[k][j] = inv_std * (gamma[k][j] * dy[k][j] - average - z[k][j] * slope);
      store(arguments.dx[row] + column_of(k), dy[k]);
    }
  }

  if (partial == nullptr) return;
#pragma unroll
  for (int s = 0; s < 2; ++s) {
#pragma unroll
    for (int k = 0; k < kHeld; ++k) {
#pragma unroll
      for (int j = 0; j < kWidth; ++j) shared[s][k][j][threadIdx.x] = sum[s][k][j];
    }
  }
  for (int half = groups / 2; half > 0; half /= 2) {
    __syncthreads();
    const unsigned distance = static_cast<unsigned>(half * group.size);
    if (threadIdx.x >= distance) continue;
    for (int s = 0; s < 2; ++s) {
      for (int k = 0; k < kHeld; ++k) {
        for (int j = 0; j < kWidth; ++j) shared[s][k][j][threadIdx.x] += shared[s][k][j][threadIdx.x + distance];
      }
    }
  }
  if (static_cast<int>(threadIdx.x) >= group.size) return;
  for (int s = 0; s < 2; ++s) {
    T* const target = partial + (static_cast<std::int64_t>(s) * slabs.count + blockIdx.x) * arguments.columns;
    for (int k = 0; k < kHeld; ++k) {
      for (int j = 0; j < kWidth && column_of(k) < arguments.columns; ++j) {
        target[column_of(k) + j] = shared[s][k][j][threadIdx.x];
      }
    }
  }
}

/// Per column: what a row gives to dbeta and dgamma.
template <class T, int kWidth>
struct LayerNormParameterTerm {
  Rows<const T> x, dy, mean, inv_std;

  __device__ void operator()(std::int64_t row, std::int64_t column, Pack<T, kWidth> (&sum)[2]) const {
    const Pack<T, kWidth> value = load_read_only<kWidth>(x[row] + column);
    const Pack<T, kWidth> gradient = load_read_only<kWidth>(dy[row] + column);
    const T center = *mean[row], scale = *inv_std[row];
    for (int k = 0; k < kWidth; ++k) {
      sum[0][k] += gradient[k];
      sum[1][k] += gradient[k] * ((value[k] - center) * scale);
    }
  }
};

template <class T>
struct StoreLayerNormGradients {
  Rows<T> dbeta, dgamma;

  __device__ void operator()(std::int64_t column, const double (&total)[2]) const {
    if (dbeta) *dbeta[column] = static_cast<T>(total[0]);
    if (dgamma) *dgamma[column] = static_cast<T>(total[1]);
  }
};

}  // namespace warpgnn::kernels
