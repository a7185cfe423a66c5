// SPDX-License-Identifier: MIT
#include <cmath>

#include "host/cpu/base/math.hpp"
#include "host/cpu/base/rows.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// Statistics of a row whose elements are scaled by a power of two.
template <class T>
struct Moments {
  T scale, mean, inv_std;

  T saved_mean() const { return mean / scale; }
  T saved_inv_std() const { return inv_std * scale; }
};

/// Two passes: the second sums squares of differences to the mean, which cannot cancel.
template <class T>
Moments<T> scaled_moments(const T* x, std::int64_t width, double epsilon, T scale, double& spread) {
  const auto factor = static_cast<double>(scale);
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t c = 0; c < width; ++c) sum += static_cast<double>(x[c]) * factor;
  const double mean = sum / static_cast<double>(width);
  double squares = 0;
#pragma omp simd reduction(+ : squares)
  for (std::int64_t c = 0; c < width; ++c) {
    const double deviation = static_cast<double>(x[c]) * factor - mean;
    squares += deviation * deviation;
  }
  spread = squares / static_cast<double>(width) + epsilon * factor * factor;
  return {scale, static_cast<T>(mean), static_cast<T>(1 / std::sqrt(spread))};
}

/// Rows of very small or large numbers are scaled, so that their squares are numbers too.
template <class T>
Moments<T> moments_of(const T* x, std::int64_t width, double epsilon) {
  double spread = 0;
  const Moments<T> plain = scaled_moments(x, width, epsilon, T(1), spread);
  if (are_safe(static_cast<T>(spread))) return plain;
  const T size = std::max(largest_magnitude(x, width), static_cast<T>(std::sqrt(epsilon)));
  return scaled_moments(x, width, epsilon, unit_scale(size), spread);
}

template <class T>
void write_dx(const LayerNormBackward& op, const T* x, const T* dy, T mean, T inv_std, T* dx) {
  const std::int64_t width = op.dy.shape[1];
  const T* const gamma = op.gamma.as<T>();
  double sum = 0, dot = 0;
#pragma omp simd reduction(+ : sum, dot)
  for (std::int64_t c = 0; c < width; ++c) {
    const T g = gamma[c] * dy[c];
    sum += static_cast<double>(g);
    dot += static_cast<double>(g * ((x[c] - mean) * inv_std));
  }
  const T average = static_cast<T>(sum / static_cast<double>(width));
  const T slope = static_cast<T>(dot / static_cast<double>(width));
#pragma omp simd
  for (std::int64_t c = 0; c < width; ++c) {
    dx[c] = inv_std * (gamma[c] * dy[c] - average - (x[c] - mean) * inv_std * slope);
  }
}

}  // namespace

void layer_norm_forward(const CpuExec& exec, const LayerNormForward& op) {
  const std::int64_t width = op.x.shape[1];
  with_real(op.y.dtype, [&]<class T>(T) {
    const auto x = read_rows<T>(op.x);
    const auto y = write_rows<T>(op.y), saved_mean = write_rows<T>(op.mean), saved_inv_std = write_rows<T>(op.inv_std);
    const T *const gamma = op.gamma.as<T>(), *const beta = op.beta.as<T>();
    parallel_for(exec, op.x.shape[0], 8 * width, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) {
        const T* const from = x[r];
        T* const to = y[r];
        const Moments<T> moments = moments_of(from, width, op.epsilon);
        const T scale = moments.scale, mean = moments.mean, inv_std = moments.inv_std;
#pragma omp simd
        for (std::int64_t c = 0; c < width; ++c) to[c] = gamma[c] * ((from[c] * scale - mean) * inv_std) + beta[c];
        if (saved_mean) *saved_mean[r] = moments.saved_mean();
        if (saved_inv_std) *saved_inv_std[r] = moments.saved_inv_std();
      }
    });
  });
}

std::size_t workspace_size(const CpuExec&, const LayerNormBackward& op) {
  Carver carver;
  if (op.dgamma.defined() || op.dbeta.defined()) {
    carver.take<double>(reduction_doubles(op.dy.shape[0], 2 * op.dy.shape[1]));
  }
  return carver.bytes();
}

void layer_norm_backward(const CpuExec& exec, const LayerNormBackward& op) {
  const std::int64_t rows = op.dy.shape[0], width = op.dy.shape[1];
  with_real(op.dy.dtype, [&]<class T>(T) {
    const auto x = read_rows<T>(op.x), dy = read_rows<T>(op.dy), mean = read_rows<T>(op.mean),
               inv_std = read_rows<T>(op.inv_std);
    if (op.dgamma.defined() || op.dbeta.defined()) {
      T *const dgamma = op.dgamma.as<T>(), *const dbeta = op.dbeta.as<T>();
      reduce_rows(
          exec, rows, 2 * width, static_cast<double*>(op.workspace.data),
          [&](std::int64_t r, double* partial) {
            const T center = *mean[r], scale = *inv_std[r];
            const T *const value = x[r], *const upstream = dy[r];
#pragma omp simd
            for (std::int64_t c = 0; c < width; ++c) {
              partial[c] += static_cast<double>(upstream[c]);
              partial[width + c] += static_cast<double>(upstream[c] * ((value[c] - center) * scale));
            }
          },
          [&](std::int64_t c, double total) {
            T* const target = c < width ? dbeta : dgamma;
            if (target != nullptr) target[c % width] = static_cast<T>(total);
          });
    }
    // Last, because dx may be dy.
    if (!op.dx.defined()) return;
    const auto dx = write_rows<T>(op.dx);
    parallel_for(exec, rows, 8 * width, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) write_dx(op, x[r], dy[r], *mean[r], *inv_std[r], dx[r]);
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
