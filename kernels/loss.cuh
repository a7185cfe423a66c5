#pragma once

// Cross entropy over the softmax of a row. A group of lanes takes a row.

#include <cmath>
#include <cstdint>

#include "kernels/memory.cuh"
#include "kernels/row_tiles.cuh"
#include "kernels/warp.cuh"

namespace warpgnn::kernels {

inline constexpr int kLossThreads = 256;

template <class T>
__device__ T group_max(const LaneGroup& group, T value) {
  for (int distance = group.size / 2; distance > 0; distance /= 2) {
    value = std::fmax(value, __shfl_xor_sync(group.mask, value, distance, group.size));
  }
  return value;
}

/// probability_n = softmax(logits_n), row_loss[n] = -log probability_n[label_n]; NaN for a label that is no column.
template <class T>
__global__ void __launch_bounds__(kLossThreads)
    cross_entropy_rows(std::int64_t rows, std::int64_t columns, int lanes, Rows<const T> logits,
                       Rows<const std::int32_t> label, Rows<T> probability, T* row_loss) {
  const LaneGroup group = LaneGroup::of_size(lanes);
  const std::int64_t row = group_number(lanes);
  if (row >= rows) return;
  const T* const from = logits[row];
  T* const to = probability[row];

  T largest = static_cast<T>(-INFINITY);
  for (std::int64_t c = group.lane; c < columns; c += lanes) largest = std::fmax(largest, from[c]);
  largest = group_max(group, largest);
  T sum = 0;
#pragma unroll 1
  for (std::int64_t c = group.lane; c < columns; c += lanes) sum += std::exp(from[c] - largest);
  sum = group.sum(sum);
  const T inverse = T(1) / sum;
#pragma unroll 1
  for (std::int64_t c = group.lane; c < columns; c += lanes) to[c] = std::exp(from[c] - largest) * inverse;

  if (group.lane != 0) return;
  const std::int64_t target = *label[row];
  const bool exists = target >= 0 && target < columns;
  row_loss[row] = exists ? std::log(sum) - (from[target] - largest) : static_cast<T>(NAN);
}

template <class T>
struct RowLossTerm {
  const T* row_loss;

  __device__ T operator()(std::int64_t row, std::int64_t) const { return row_loss[row]; }
};

template <class T>
struct StoreMean {
  std::int64_t rows;
  T* loss;

  __device__ void operator()(double total) const {
    *loss = rows == 0 ? T(0) : static_cast<T>(total / static_cast<double>(rows));
  }
};

/// dlogits = (probability - onehot(label)) / N; a row whose label is no column gets NaN, as its loss did.
template <class T, int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    cross_entropy_gradient(std::int64_t rows, std::int64_t columns, Rows<const T> probability,
                           Rows<const std::int32_t> label, Rows<T> dlogits) {
  const T per_row = T(1) / static_cast<T>(rows);
  for (std::int64_t row = tile_row(); row < rows; row += tile_row_step()) {
    const std::int64_t target = *label[row];
    const T scale = target >= 0 && target < columns ? per_row : static_cast<T>(NAN);
    for (std::int64_t column = tile_pack() * kWidth; column < columns; column += tile_pack_step() * kWidth) {
      Pack<T, kWidth> pack = load<kWidth>(probability[row] + column);
      for (int k = 0; k < kWidth; ++k) pack[k] = (pack[k] - (column + k == target ? T(1) : T(0))) * scale;
      store(dlogits[row] + column, pack);
    }
  }
}

}  // namespace warpgnn::kernels
