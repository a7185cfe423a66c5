// SPDX-License-Identifier: MIT
#include <cmath>
#include <limits>

#include "host/cpu/base/math.hpp"
#include "host/cpu/base/rows.hpp"
#include "host/math/weighted_mean.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// Columns whose terms are added up in T, before their sum goes to one in double.
constexpr std::int64_t kColumnsAtOnce = 256;

template <class T>
WARPGNN_INLINE T largest_of(const T* x, std::int64_t width) {
  T largest = -std::numeric_limits<T>::infinity();
#pragma omp simd reduction(max : largest)
  for (std::int64_t k = 0; k < width; ++k) largest = x[k] > largest ? x[k] : largest;
  return largest;
}

/// Of a row: the sum of exp(x - maximum), of t, and of t (x - maximum).
struct RowSums {
  double exponentials = 0, weight = 0, weighted = 0;
};

template <class T>
WARPGNN_INLINE RowSums row_sums(const T* x, const T* t, std::int64_t width, T maximum) {
  RowSums sums;
  for (std::int64_t first = 0; first < width; first += kColumnsAtOnce) {
    const std::int64_t last = std::min(width, first + kColumnsAtOnce);
    T exponentials = 0, weight = 0, weighted = 0;
#pragma omp simd reduction(+ : exponentials, weight, weighted)
    for (std::int64_t k = first; k < last; ++k) {
      const T from_maximum = x[k] - maximum;
      exponentials += vector_exp(from_maximum);
      weight += t[k];
      weighted += t[k] == T(0) ? T(0) : t[k] * from_maximum;
    }
    sums.exponentials += static_cast<double>(exponentials);
    sums.weight += static_cast<double>(weight);
    sums.weighted += static_cast<double>(weighted);
  }
  return sums;
}

}  // namespace

std::size_t workspace_size(const CpuExec&, const SoftCrossEntropyForward& op) {
  Carver carver;
  carver.take<double>(reduction_doubles(op.logits.shape[0], math::kMeanSums));
  return carver.bytes();
}

void soft_cross_entropy_forward(const CpuExec& exec, const SoftCrossEntropyForward& op) {
  const std::int64_t rows = op.logits.shape[0], classes = op.logits.shape[1];
  with_real(op.logits.dtype, [&]<class T>(T) {
    const auto logits = read_rows<T>(op.logits), target = read_rows<T>(op.target);
    const auto maximum = write_rows<T>(op.maximum), sum = write_rows<T>(op.sum),
               row_weight = write_rows<T>(op.row_weight);
    double totals[math::kMeanSums] = {};
    reduce_rows(
        exec, rows, math::kMeanSums, static_cast<double*>(op.workspace.data),
        [&](std::int64_t r, double* partial) {
          const T largest = largest_of(logits[r], classes);
          const RowSums sums = row_sums(logits[r], target[r], classes, largest);
          *maximum[r] = largest;
          *sum[r] = static_cast<T>(sums.exponentials);
          *row_weight[r] = static_cast<T>(sums.weight);
          if (sums.weight == 0) return;
          partial[0] += sums.weight * std::log(sums.exponentials) - sums.weighted;
          partial[1] += sums.weight;
        },
        [&](std::int64_t s, double total) { totals[s] = total; });
    math::store_mean(totals, op.loss.as<T>(), op.total_weight.as<T>());
  });
}

void soft_cross_entropy_backward(const CpuExec& exec, const SoftCrossEntropyBackward& op) {
  const std::int64_t rows = op.logits.shape[0], classes = op.logits.shape[1];
  with_real(op.logits.dtype, [&]<class T>(T) {
    const auto logits = read_rows<T>(op.logits), target = read_rows<T>(op.target);
    const auto maximum = read_rows<T>(op.maximum), sum = read_rows<T>(op.sum), row_weight = read_rows<T>(op.row_weight);
    const auto dlogits = write_rows<T>(op.dlogits);
    const T total = *op.total_weight.as<T>();
    parallel_for(exec, rows, classes, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) {
        const T *const x = logits[r], *const t = target[r], weight = *row_weight[r];
        T* const gradient = dlogits[r];
        if (weight == T(0)) {
          std::fill(gradient, gradient + classes, T(0));
          continue;
        }
        const T largest = *maximum[r], chance = weight / *sum[r] / total, per_weight = T(1) / total;
#pragma omp simd
        for (std::int64_t k = 0; k < classes; ++k) {
          gradient[k] = chance * vector_exp(x[k] - largest) - t[k] * per_weight;
        }
      }
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
