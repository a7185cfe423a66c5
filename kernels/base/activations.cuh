#pragma once

// Activations that several kernels share.

#include <cuda_runtime.h>

#include <cmath>

namespace warpgnn::kernels {

/// 1 / (1 + exp(-x)), from the side on which exp does not overflow: the lower tail keeps its digits.
template <class T>
__device__ T sigmoid(T x) {
  const T e = std::exp(x < T(0) ? x : -x), upper = T(1) / (T(1) + e);
  return x < T(0) ? e * upper : upper;
}

/// Rounded before anything is added to it. Left to itself the compiler fuses a product and a sum in one kernel and not
/// in another, and a score minus its own maximum is then not 0 but half a unit in the last place: far from 0 where
/// scores are large.
__device__ inline float rounded_product(float a, float b) {
  return __fmul_rn(a, b);
}
__device__ inline double rounded_product(double a, double b) {
  return __dmul_rn(a, b);
}

template <class T>
__device__ T leaky_relu(T x, T slope) {
  return x > T(0) ? x : rounded_product(slope, x);
}

}  // namespace warpgnn::kernels
