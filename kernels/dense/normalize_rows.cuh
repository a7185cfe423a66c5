// SPDX-License-Identifier: MIT
#pragma once

// Rows divided by their lengths.

#include "kernels/dense/held_rows.cuh"

namespace warpgnn::kernels {

/// a / b for positive b: the product with 1 / b, corrected by what it leaves of a. Rows of one element become exactly
/// +-1 so, and the division is done once.
template <class T>
__device__ T quotient(T a, T b, T inverse) {
  const T close = a * inverse;
  return b <= kLargest<T> ? std::fma(std::fma(-close, b, a), inverse, close) : close;
}

template <class T>
struct NormalizeRowsForwardArguments {
  std::int64_t rows;
  std::int64_t columns;
  int lanes;  // per row, a power of two
  Rows<const T> x;
  Rows<T> y, norm;
};

template <class T, int kWidth, int kHeld>
__global__ void __launch_bounds__(kHeldRowThreads)
    normalize_rows_forward_by_row(NormalizeRowsForwardArguments<T> arguments) {
  const LaneGroup group = LaneGroup::of_size(arguments.lanes);
  const std::int64_t row = group_number(group.size);
  if (row >= arguments.rows) return;
  const RowPart<T, kWidth, kHeld> part(arguments.x[row], arguments.columns, group);
  const T scale = unit_scale(part.largest(group));
  T squares = 0;
  part.for_each([&](std::int64_t, const Pack<T, kWidth>& x) {
#pragma unroll
    for (int k = 0; k < kWidth; ++k) squares += (x[k] * scale) * (x[k] * scale);
  });
  const T length = std::sqrt(group.sum(squares));
  const T divisor = length == T(0) ? T(1) : length, inverse = T(1) / divisor;
  part.for_each([&](std::int64_t column, const Pack<T, kWidth>& x) {
    Pack<T, kWidth> y;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) y[k] = quotient(x[k] * scale, divisor, inverse);
    store(arguments.y[row] + column, y);
  });
  if (arguments.norm && group.lane == 0) *arguments.norm[row] = length * reciprocal_scale(scale);
}

template <class T>
struct NormalizeRowsBackwardArguments {
  std::int64_t rows;
  std::int64_t columns;
  int lanes;  // per row, a power of two
  Rows<const T> y, norm, dy;
  Rows<T> dx;
};

template <class T, int kWidth, int kHeld>
__global__ void __launch_bounds__(kHeldRowThreads)
    normalize_rows_backward_by_row(NormalizeRowsBackwardArguments<T> arguments) {
  const LaneGroup group = LaneGroup::of_size(arguments.lanes);
  const std::int64_t row = group_number(group.size);
  if (row >= arguments.rows) return;
  const T* const y_row = arguments.y[row];
  const RowPart<T, kWidth, kHeld> part(arguments.dy[row], arguments.columns, group);
  T dot = 0;
  part.for_each([&](std::int64_t column, const Pack<T, kWidth>& dy) {
    const Pack<T, kWidth> y = load_read_only<kWidth>(y_row + column);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) dot += y[k] * dy[k];
  });
  const T along = group.sum(dot);
  const T length = *arguments.norm[row];
  // Lengths whose reciprocal is too large for a number are divided by in two steps.
  const T up = length < kSmallest<T> ? T(0x1p64) : T(1);
  const T inverse = length == T(0) ? T(0) : T(1) / (length * up);
  part.for_each([&](std::int64_t column, const Pack<T, kWidth>& dy) {
    const Pack<T, kWidth> y = load_read_only<kWidth>(y_row + column);
    Pack<T, kWidth> dx;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) dx[k] = (dy[k] - y[k] * along) * up * inverse;
    store(arguments.dx[row] + column, dx);
  });
}

}  // namespace warpgnn::kernels
