// SPDX-License-Identifier: MIT
#pragma once

// Cross entropy between the softmax of a row and the row of its targets. A group of lanes takes a row.

#include <cmath>
#include <cstdint>

#include "kernels/base/memory.cuh"
#include "kernels/base/row_tiles.cuh"
#include "kernels/base/warp.cuh"
#include "kernels/dense/store_mean.cuh"

namespace warpgnn::kernels {

inline constexpr int kSoftLossThreads = 256;

/// What forward leaves of each row.
template <class T>
struct SoftRows {
  Rows<T> maximum, sum, weight;
};

/// Every row's maximum, sum and weight, and its loss times its weight.
template <class T>
__global__ void __launch_bounds__(kSoftLossThreads)
    soft_cross_entropy_rows(std::int64_t rows, std::int64_t classes, int lanes, Rows<const T> logits,
                            Rows<const T> target, SoftRows<T> saved, double* row_loss) {
  const LaneGroup group = LaneGroup::of_size(lanes);
  const std::int64_t row = group_number(lanes);
  if (row >= rows) return;
  const T *const x = logits[row], *const t = target[row];
  T largest = static_cast<T>(-INFINITY);
  for (std::int64_t k = group.lane; k < classes; k += lanes) largest = std::fmax(largest, x[k]);
  largest = group.max(largest);
  T sum = 0, weight = 0, weighted = 0;
#pragma unroll 4
  for (std::int64_t k = group.lane; k < classes; k += lanes) {
    const T from_maximum = x[k] - largest, part = t[k];
    sum += std::exp(from_maximum);
    weight += part;
    weighted += part == T(0) ? T(0) : part * from_maximum;
  }
  sum = group.sum(sum);
  weight = group.sum(weight);
  weighted = group.sum(weighted);
  if (group.lane != 0) return;
  *saved.maximum[row] = largest;
  *saved.sum[row] = sum;
  *saved.weight[row] = weight;
  row_loss[row] =
      weight == T(0) ? 0.0
                     : static_cast<double>(weight) * static_cast<double>(std::log(sum)) - static_cast<double>(weighted);
}

template <class T>
struct SoftLossTerm {
  const double* row_loss;
  Rows<const T> weight;

  __device__ void operator()(std::int64_t row, std::int64_t, double (&sum)[math::kMeanSums]) const {
    sum[0] += row_loss[row];
    sum[1] += static_cast<double>(*weight[row]);
  }
};

/// dlogits, which may be logits.
template <class T, int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    soft_cross_entropy_gradient(std::int64_t rows, std::int64_t classes, const T* total_weight, Rows<const T> logits,
                                Rows<const T> target, SoftRows<const T> saved, Rows<T> dlogits) {
  const T per_weight = T(1) / *total_weight;
  for (std::int64_t row = tile_row(); row < rows; row += tile_row_step()) {
    const T largest = *saved.maximum[row], weight = *saved.weight[row];
    const T chance = weight / *saved.sum[row] * per_weight;
    for (std::int64_t column = tile_pack() * kWidth; column < classes; column += tile_pack_step() * kWidth) {
      Pack<T, kWidth> pack = load<kWidth>(logits[row] + column);
      const Pack<T, kWidth> wanted = load<kWidth>(target[row] + column);
      for (int k = 0; k < kWidth; ++k) {
        const T gradient = chance * std::exp(pack[k] - largest) - wanted[k] * per_weight;
        pack[k] = weight == T(0) ? T(0) : gradient;
      }
      store(dlogits[row] + column, pack);
    }
  }
}

}  // namespace warpgnn::kernels
