// SPDX-License-Identifier: MIT
#include <cmath>

#include "host/cpu/base/math.hpp"
#include "host/cpu/base/rows.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// The length of a row whose elements are scaled by a power of two.
template <class T>
struct Length {
  T scale, value;
};

template <class T>
Length<T> length_of(const T* x, std::int64_t width) {
  const T squares = dot(x, x, width);
  if (are_safe(squares)) return {T(1), std::sqrt(squares)};
  const T scale = unit_scale(largest_magnitude(x, width));
  T sum = 0;
  for (std::int64_t c = 0; c < width; ++c) sum += (x[c] * scale) * (x[c] * scale);
  return {scale, std::sqrt(sum)};
}

}  // namespace

void normalize_rows_forward(const CpuExec& exec, const NormalizeRowsForward& op) {
  const std::int64_t width = op.x.shape[1];
  with_real(op.y.dtype, [&]<class T>(T) {
    const auto x = read_rows<T>(op.x);
    const auto y = write_rows<T>(op.y), norm = write_rows<T>(op.norm);
    parallel_for(exec, op.x.shape[0], 2 * width, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) {
        const Length<T> length = length_of(x[r], width);
        const T divisor = length.value == 0 ? T(1) : length.value;
        for (std::int64_t c = 0; c < width; ++c) y[r][c] = x[r][c] * length.scale / divisor;
        if (norm) *norm[r] = length.value / length.scale;
      }
    });
  });
}

void normalize_rows_backward(const CpuExec& exec, const NormalizeRowsBackward& op) {
  const std::int64_t width = op.dy.shape[1];
  with_real(op.dx.dtype, [&]<class T>(T) {
    const auto y = read_rows<T>(op.y), norm = read_rows<T>(op.norm), dy = read_rows<T>(op.dy);
    const auto dx = write_rows<T>(op.dx);
    parallel_for(exec, op.dy.shape[0], 4 * width, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) {
        const T length = *norm[r], along = dot(y[r], dy[r], width);
        for (std::int64_t c = 0; c < width; ++c) {
          dx[r][c] = length == 0 ? T(0) : (dy[r][c] - y[r][c] * along) / length;
        }
      }
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
