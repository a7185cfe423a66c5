// SPDX-License-Identifier: MIT
#pragma once

// Batch normalisation. Statistics come from one pass: sums of differences to the first row, in fp64. The first row is
// one of the values, so its square distance to the mean is at most their sum of squares, and cancellation costs at most
// a factor N + 1 of the rounding error, usually none.

#include <cmath>
#include <cstdint>

#include "kernels/base/memory.cuh"
#include "kernels/base/row_tiles.cuh"

namespace warpgnn::kernels {

inline constexpr int kMoments = 2;  // sums per column

/// Squares of fp64 may be infinite where their root is not: they are summed in a unit of their own. Numbers up to
/// 10^230 and down to 10^-77 have their place in it.
template <class T>
inline constexpr double kDown = sizeof(T) == 8 ? 0x1p-256 : 1.0;

/// Per column: sum of (x - x_first) and of its square.
template <class T, int kWidth>
struct MomentsTerm {
  Rows<const T> x;

  __device__ void operator()(std::int64_t row, std::int64_t column, Pack<double, kWidth> (&sum)[kMoments]) const {
    const Pack<T, kWidth> origin = load_read_only<kWidth>(x[0] + column);
    const Pack<T, kWidth> pack = load_read_only<kWidth>(x[row] + column);
    for (int k = 0; k < kWidth; ++k) {
      const double difference = static_cast<double>(pack[k]) - static_cast<double>(origin[k]);
      sum[0][k] += difference;
      sum[1][k] += (difference * kDown<T>)*(difference * kDown<T>);
    }
  }
};

/// Turns the moments of a column into the saved and the running statistics.
template <class T>
struct StoreStatistics {
  double rows, epsilon, momentum;
  const T* first_row;
  Rows<T> running_mean, running_var, saved_mean, saved_inv_std;

  __device__ void operator()(std::int64_t column, const double (&total)[kMoments]) const {
    const double offset = total[0] / rows;
    const double mean = static_cast<double>(first_row[column]) + offset;
    const double centered = total[1] - (total[0] * kDown<T>)*(offset * kDown<T>);
    const double squares = centered < 0 ? 0 : centered;  // rounding only; NaN stays
    *saved_mean[column] = static_cast<T>(mean);
    *saved_inv_std[column] = static_cast<T>(kDown<T> / std::sqrt(squares / rows + epsilon * kDown<T> * kDown<T>));
    blend(running_mean[column], mean);
    if (rows > 1) blend(running_var[column], squares / (rows - 1) / (kDown<T> * kDown<T>));
  }

  __device__ void blend(T* running, double value) const {
    *running = static_cast<T>((1 - momentum) * static_cast<double>(*running) + momentum * value);
  }
};

/// y = gamma (x - mean) inv_std + beta, where `deviation` is inv_std or, in evaluation, the variance.
template <class T, int kWidth, bool kFromVariance>
__global__ void __launch_bounds__(kTileThreads)
    batch_norm_apply(std::int64_t rows, std::int64_t columns, T epsilon, Rows<const T> x, Rows<const T> gamma,
                     Rows<const T> beta, Rows<const T> mean, Rows<const T> deviation, Rows<T> y) {
  for (std::int64_t column = tile_pack() * kWidth; column < columns; column += tile_pack_step() * kWidth) {
    Pack<T, kWidth> scale, center, shift;
    for (int k = 0; k < kWidth; ++k) {
      const T given = *deviation[column + k];
      const T inv_std = kFromVariance ? T(1) / std::sqrt(given + epsilon) : given;
      scale[k] = *gamma[column + k] * inv_std;
      center[k] = *mean[column + k];
      shift[k] = *beta[column + k];
    }
    for (std::int64_t row = tile_row(); row < rows; row += tile_row_step()) {
      Pack<T, kWidth> pack = load<kWidth>(x[row] + column);
      for (int k = 0; k < kWidth; ++k) pack[k] = (pack[k] - center[k]) * scale[k] + shift[k];
      store(y[row] + column, pack);
    }
  }
}

/// Per column: sum of dy and of dy z.
template <class T, int kWidth>
struct BatchNormGradientTerm {
  Rows<const T> x, dy, mean, inv_std;

  __device__ void operator()(std::int64_t row, std::int64_t column, Pack<T, kWidth> (&sum)[2]) const {
    const Pack<T, kWidth> value = load_read_only<kWidth>(x[row] + column);
    const Pack<T, kWidth> gradient = load_read_only<kWidth>(dy[row] + column);
    for (int k = 0; k < kWidth; ++k) {
      sum[0][k] += gradient[k];
      sum[1][k] += gradient[k] * ((value[k] - *mean[column + k]) * *inv_std[column + k]);
    }
  }
};

template <class T>
struct StoreBatchNormGradients {
  Rows<T> dbeta, dgamma;

  __device__ void operator()(std::int64_t column, const double (&total)[2]) const {
    *dbeta[column] = static_cast<T>(total[0]);
    *dgamma[column] = static_cast<T>(total[1]);
  }
};

/// dx = gamma inv_std (dy - dbeta / N - z dgamma / N).
template <class T, int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    batch_norm_input_gradient(std::int64_t rows, std::int64_t columns, Rows<const T> x, Rows<const T> dy,
                              Rows<const T> gamma, Rows<const T> mean, Rows<const T> inv_std, Rows<const T> dbeta,
                              Rows<const T> dgamma, Rows<T> dx) {
  const T per_row = T(1) / static_cast<T>(rows);
  for (std::int64_t column = tile_pack() * kWidth; column < columns; column += tile_pack_step() * kWidth) {
    Pack<T, kWidth> scale, center, constant, slope;
    for (int k = 0; k < kWidth; ++k) {
      const T inverse = *inv_std[column + k];
      scale[k] = *gamma[column + k] * inverse;
      center[k] = *mean[column + k];
      constant[k] = *dbeta[column + k] * per_row;
      slope[k] = *dgamma[column + k] * per_row * inverse;
    }
    for (std::int64_t row = tile_row(); row < rows; row += tile_row_step()) {
      const Pack<T, kWidth> value = load_read_only<kWidth>(x[row] + column);
      Pack<T, kWidth> gradient = load<kWidth>(dy[row] + column);
      for (int k = 0; k < kWidth; ++k) {
        gradient[k] = scale[k] * (gradient[k] - constant[k] - (value[k] - center[k]) * slope[k]);
      }
      store(dx[row] + column, gradient);
    }
  }
}

}  // namespace warpgnn::kernels
