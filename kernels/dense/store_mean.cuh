// SPDX-License-Identifier: MIT
#pragma once

// What the sums of a loss become.

#include "host/math/weighted_mean.hpp"

namespace warpgnn::kernels {

template <class T>
struct StoreMean {
  T* loss;
  T* total_weight;

  __device__ void operator()(const double (&sums)[math::kMeanSums]) const {
    math::store_mean(sums, loss, total_weight);
  }
};

}  // namespace warpgnn::kernels
