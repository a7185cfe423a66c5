// SPDX-License-Identifier: MIT
#pragma once

// Cross entropy over the softmax of a row. A group of lanes takes a row.

#include <cmath>
#include <cstdint>

#include "kernels/base/memory.cuh"
#include "kernels/base/row_tiles.cuh"
#include "kernels/base/warp.cuh"
#include "kernels/dense/store_mean.cuh"

namespace warpgnn::kernels {

inline constexpr int kLossThreads = 256;

/// How much classes and rows count.
template <class T>
struct ClassWeights {
  const T* weight;  // [K]; null: all ones
  std::int64_t classes;
  std::int32_t ignored;
  T smoothing;

  template <class Op>
  static ClassWeights of(const Op& op, std::int64_t classes) {
    return {op.class_weight.template as<T>(), classes, op.ignore_index, static_cast<T>(op.label_smoothing)};
  }

  __device__ T operator[](std::int64_t k) const { return weight == nullptr ? T(1) : __ldg(weight + k); }
  __device__ bool has(std::int64_t label) const { return label >= 0 && label < classes; }
  __device__ bool ignores(std::int64_t label) const { return label == ignored; }
  __device__ T total() const {
    if (weight == nullptr) return static_cast<T>(classes);
    T sum = 0;
    for (std::int64_t k = 0; k < classes; ++k) sum += (*this)[k];
    return sum;
  }
};

/// to = softmax(from), by a group of lanes; returns the row's loss to the first: 0 for a row to ignore, NaN for a label
/// that is no class.
template <class T>
__device__ T cross_entropy_row(const LaneGroup& group, int lanes, const ClassWeights<T>& weights, const T* from,
                               std::int64_t target, T* to) {
  const std::int64_t columns = weights.classes;
  T largest = static_cast<T>(-INFINITY);
  for (std::int64_t c = group.lane; c < columns; c += lanes) largest = std::fmax(largest, from[c]);
  largest = group.max(largest);
  T sum = 0;
#pragma unroll 1
  for (std::int64_t c = group.lane; c < columns; c += lanes) sum += std::exp(from[c] - largest);
  sum = group.sum(sum);
  const T inverse = T(1) / sum, log_sum = std::log(sum);
  T all = 0;  // the losses of all classes
#pragma unroll 1
  for (std::int64_t c = group.lane; c < columns; c += lanes) {
    to[c] = std::exp(from[c] - largest) * inverse;
    if (weights.smoothing != T(0)) all += weights[c] * (log_sum - (from[c] - largest));
  }
  all = group.sum(all);

  T loss = weights.ignores(target) ? T(0) : static_cast<T>(NAN);
  if (weights.has(target) && !weights.ignores(target)) {
    loss = (T(1) - weights.smoothing) * weights[target] * (log_sum - (from[target] - largest));
    if (weights.smoothing != T(0)) loss += weights.smoothing * all / static_cast<T>(columns);
  }
  return loss;
}

/// Every row's probabilities and loss.
template <class T>
__global__ void __launch_bounds__(kLossThreads)
    cross_entropy_rows(std::int64_t rows, int lanes, ClassWeights<T> weights, Rows<const T> logits,
                       Rows<const std::int32_t> label, Rows<T> probability, T* row_loss) {
  const LaneGroup group = LaneGroup::of_size(lanes);
  const std::int64_t row = group_number(lanes);
  if (row >= rows) return;
  const T loss = cross_entropy_row(group, lanes, weights, logits[row], *label[row], probability[row]);
  if (group.lane == 0) row_loss[row] = loss;
}

template <class T>
struct RowLossTerm {
  ClassWeights<T> weights;
  const T* row_loss;
  Rows<const std::int32_t> label;

  __device__ void operator()(std::int64_t row, std::int64_t, double (&sum)[math::kMeanSums]) const {
    const std::int64_t target = *label[row];
    sum[0] += static_cast<double>(row_loss[row]);
    if (weights.has(target) && !weights.ignores(target)) sum[1] += static_cast<double>(weights[target]);
  }
};

/// All of the forward pass in one block, for few rows.
template <class T>
__global__ void __launch_bounds__(kLossThreads)
    cross_entropy_whole(std::int64_t rows, int lanes, ClassWeights<T> weights, Rows<const T> logits,
                        Rows<const std::int32_t> label, Rows<T> probability, StoreMean<T> store) {
  __shared__ double shared[math::kMeanSums][kWarpSize];
  const LaneGroup group = LaneGroup::of_size(lanes);
  double sum[math::kMeanSums] = {};
  for (std::int64_t row = group_number(lanes); row < rows; row += kLossThreads / lanes) {
    const std::int64_t target = *label[row];
    const T loss = cross_entropy_row(group, lanes, weights, logits[row], target, probability[row]);
    if (group.lane != 0) continue;
    sum[0] += static_cast<double>(loss);
    if (weights.has(target) && !weights.ignores(target)) sum[1] += static_cast<double>(weights[target]);
  }
  for (int s = 0; s < math::kMeanSums; ++s) sum[s] = block_sum(sum[s], shared[s]);
  if (threadIdx.x == 0) store(sum);
}

/// dlogits; a row whose label is no class gets NaN, as its loss did.
template <class T, int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    cross_entropy_gradient(std::int64_t rows, ClassWeights<T> weights, const T* total_weight, Rows<const T> probability,
                           Rows<const std::int32_t> label, Rows<T> dlogits) {
  const std::int64_t columns = weights.classes;
  const T per_weight = T(1) / *total_weight;
  const bool smooths = weights.smoothing != T(0);
  const T share = smooths ? weights.smoothing / static_cast<T>(columns) * per_weight : T(0);
  const T all = smooths ? weights.total() : T(0);
  for (std::int64_t row = tile_row(); row < rows; row += tile_row_step()) {
    const std::int64_t target = *label[row];
    const bool ignored = weights.ignores(target);
    const T kept =
        weights.has(target) ? (T(1) - weights.smoothing) * weights[target] * per_weight : static_cast<T>(NAN);
    for (std::int64_t column = tile_pack() * kWidth; column < columns; column += tile_pack_step() * kWidth) {
      Pack<T, kWidth> pack = load<kWidth>(probability[row] + column);
      for (int k = 0; k < kWidth; ++k) {
        T gradient = (pack[k] - (column + k == target ? T(1) : T(0))) * kept;
        if (smooths) gradient += share * (pack[k] * all - weights[column + k]);
        pack[k] = ignored ? T(0) : gradient;
      }
      store(dlogits[row] + column, pack);
    }
  }
}

}  // namespace warpgnn::kernels
