// SPDX-License-Identifier: MIT
#pragma once

// Linear layers of one or two outputs, such as scores and classifiers of two classes. Their products are dot products:
// one pass over x computes y, and one pass all gradients, where a library takes a launch for each.

#include <cstdint>

#include "host/math/activations.hpp"
#include "kernels/base/math.cuh"
#include "kernels/base/memory.cuh"
#include "kernels/base/reduce.cuh"
#include "kernels/base/warp.cuh"

namespace warpgnn::kernels {

inline constexpr int kNarrowThreads = 256;
inline constexpr std::int64_t kNarrowOutputs = 2;

/// math::activation of a kind that is known at run time: an instance for each would be many, for little.
template <class T>
__device__ T activated(Activation kind, T x, T slope) {
  switch (kind) {
    case Activation::identity: break;
    case Activation::relu: return math::activation<Math, Activation::relu>(x, slope);
    case Activation::leaky_relu: return math::activation<Math, Activation::leaky_relu>(x, slope);
    case Activation::elu: return math::activation<Math, Activation::elu>(x, slope);
    case Activation::tanh: return math::activation<Math, Activation::tanh>(x, slope);
    case Activation::sigmoid: return math::activation<Math, Activation::sigmoid>(x, slope);
  }
  return x;
}
template <class T>
__device__ T through_activation(Activation kind, T y, T dy, T slope) {
  switch (kind) {
    case Activation::identity: break;
    case Activation::relu: return math::activation_gradient<Activation::relu>(y, dy, slope);
    case Activation::leaky_relu: return math::activation_gradient<Activation::leaky_relu>(y, dy, slope);
    case Activation::elu: return math::activation_gradient<Activation::elu>(y, dy, slope);
    case Activation::tanh: return math::activation_gradient<Activation::tanh>(y, dy, slope);
    case Activation::sigmoid: return math::activation_gradient<Activation::sigmoid>(y, dy, slope);
  }
  return dy;
}

/// y = activation(x weight^T + bias), the bias left out where it is null. A group of lanes takes a row.
template <class S, int kWidth, int kOutputs, class T = Accumulator<S>>
__global__ void __launch_bounds__(kNarrowThreads)
    narrow_forward(std::int64_t rows, std::int64_t inputs, int lanes, Rows<const S> x, Rows<const S> weight,
                   Rows<const T> bias, Activation kind, T slope, Rows<S> y) {
  const LaneGroup group = LaneGroup::of_size(lanes);
  const std::int64_t row = group_number(lanes);
  if (row >= rows) return;
  T dot[kOutputs] = {};
  for (std::int64_t column = group.lane * kWidth; column < inputs;
       column += static_cast<std::int64_t>(lanes) * kWidth) {
    const Pack<T, kWidth> a = load_read_only<kWidth>(x[row] + column);
    for (int o = 0; o < kOutputs; ++o) {
      const Pack<T, kWidth> b = load_read_only<kWidth>(weight[o] + column);
      for (int k = 0; k < kWidth; ++k) dot[o] += a[k] * b[k];
    }
  }
  for (int o = 0; o < kOutputs; ++o) {
    dot[o] = group.sum(dot[o]);
    if (group.lane == 0) y[row][o] = to_storage<S>(activated(kind, bias ? dot[o] + *bias[o] : dot[o], slope));
  }
}

/// Terms of the column sums dweight = dz^T x and, the same in every column, dbias; dx = dz weight on the way, dz from y
/// and dy. What is null is neither read nor written.
template <class S, int kWidth, int kOutputs>
struct NarrowGradientTerm {
  static constexpr bool kStoresRow = true;
  using T = Accumulator<S>;
  Rows<const S> x, weight, y, dy;
  Rows<S> dx;
  bool add_to_dx;
  Activation kind;
  T slope;

  __device__ void operator()(std::int64_t row, std::int64_t column, Pack<T, kWidth> (&sum)[2 * kOutputs]) const {
    const Pack<T, kWidth> value = x ? load_read_only<kWidth>(x[row] + column) : Pack<T, kWidth>{};
    Pack<T, kWidth> gradient = dx && add_to_dx ? load<kWidth>(dx[row] + column) : Pack<T, kWidth>{};
    for (int o = 0; o < kOutputs; ++o) {
      const T scale = y ? through_activation(kind, to_accumulator(y[row][o]), to_accumulator(dy[row][o]), slope)
                        : to_accumulator(dy[row][o]);
      const Pack<T, kWidth> factor = dx ? load_read_only<kWidth>(weight[o] + column) : Pack<T, kWidth>{};
      for (int k = 0; k < kWidth; ++k) {
        sum[o][k] += scale * value[k];
        sum[kOutputs + o][k] += scale;
        gradient[k] += scale * factor[k];
      }
    }
    if (dx) store(dx[row] + column, gradient);
  }
};

template <class T, int kOutputs>
struct StoreNarrowGradients {
  Rows<T> dweight, dbias;

  __device__ void operator()(std::int64_t column, const double (&total)[2 * kOutputs]) const {
    for (int o = 0; o < kOutputs; ++o) {
      if (dweight) dweight[o][column] = static_cast<T>(total[o]);
      if (dbias && column == 0) *dbias[o] = static_cast<T>(total[kOutputs + o]);
    }
  }
};

}  // namespace warpgnn::kernels
