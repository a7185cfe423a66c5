// SPDX-License-Identifier: MIT
#pragma once

// What the formulas of host/math are made of on a device.

#include <cuda_runtime.h>

#include <cmath>

#include "host/math/functions.hpp"

namespace warpgnn::kernels {

struct Math {
  template <class T>
  static __device__ T exp(T x) {
    return std::exp(x);
  }
  template <class T>
  static __device__ T tanh(T x) {
    return std::tanh(x);
  }
  template <class T>
  static __device__ T expm1(T x) {
    return std::expm1(x);
  }
  template <class T>
  static __device__ T log1p(T x) {
    return std::log1p(x);
  }
  template <class T>
  static __device__ T sqrt(T x) {
    return std::sqrt(x);
  }
  static __device__ float rounded_product(float a, float b) { return __fmul_rn(a, b); }
  static __device__ double rounded_product(double a, double b) { return __dmul_rn(a, b); }
};

}  // namespace warpgnn::kernels
