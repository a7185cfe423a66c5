// SPDX-License-Identifier: MIT
#pragma once

// Losses element by element.

#include "host/math/losses.hpp"
#include "kernels/base/math.cuh"
#include "kernels/base/memory.cuh"
#include "kernels/base/row_tiles.cuh"
#include "kernels/dense/store_mean.cuh"

namespace warpgnn::kernels {

/// What is compared.
template <class T>
struct Compared {
  Rows<const T> prediction, target, weight;  // the last may be null: all ones
  T delta;

  __device__ T weight_at(std::int64_t row, std::int64_t column) const {
    return weight ? __ldg(weight[row] + column) : T(1);
  }
};

template <class T, PointwiseLossKind kKind>
struct PointwiseTerm {
  Compared<T> of;

  __device__ void operator()(std::int64_t row, std::int64_t column, double (&sum)[math::kMeanSums]) const {
    const T weight = of.weight_at(row, column);
    if (weight == T(0)) return;
    const T loss = math::pointwise_loss<Math, kKind>(of.prediction[row][column], of.target[row][column], of.delta);
    sum[0] += static_cast<double>(weight) * static_cast<double>(loss);
    sum[1] += static_cast<double>(weight);
  }
};

template <class T, PointwiseLossKind kKind>
__global__ void __launch_bounds__(kTileThreads)
    pointwise_loss_gradient(std::int64_t rows, std::int64_t columns, Compared<T> of, const T* total_weight,
                            Rows<T> dprediction) {
  const T per_weight = T(1) / *total_weight;
  for (std::int64_t row = tile_row(); row < rows; row += tile_row_step()) {
    for (std::int64_t column = tile_pack(); column < columns; column += tile_pack_step()) {
      const T weight = of.weight_at(row, column);
      T gradient = 0;
      if (weight != T(0)) {
        gradient =
            math::pointwise_loss_derivative<Math, kKind>(of.prediction[row][column], of.target[row][column], of.delta) *
            weight * per_weight;
      }
      dprediction[row][column] = gradient;
    }
  }
}

}  // namespace warpgnn::kernels
