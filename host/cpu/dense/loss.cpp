// SPDX-License-Identifier: MIT
#include <cmath>
#include <limits>

#include "host/cpu/base/math.hpp"
#include "host/cpu/base/rows.hpp"
#include "host/math/weighted_mean.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// How much classes and rows count.
template <class T>
struct ClassWeights {
  const T* weight;  // null: all ones
  std::int64_t classes;
  std::int32_t ignored;
  T smoothing;

  template <class Op>
  ClassWeights(const Op& op, std::int64_t class_count)
      : weight(op.class_weight.template as<T>()),
        classes(class_count),
        ignored(op.ignore_index),
        smoothing(static_cast<T>(op.label_smoothing)) {}

  T operator[](std::int64_t k) const { return weight == nullptr ? T(1) : weight[k]; }
  double total() const {
    double sum = 0;
    for (std::int64_t k = 0; k < classes; ++k) sum += static_cast<double>((*this)[k]);
    return sum;
  }
};

/// The loss of a row with this label, from its logits and the maximum and logarithm of the sum of their softmax.
template <class T>
double row_loss(const ClassWeights<T>& weights, const T* logits, std::int64_t label, double maximum, double log_sum) {
  const auto loss_of = [&](std::int64_t k) {
    return static_cast<double>(weights[k]) * (log_sum - (static_cast<double>(logits[k]) - maximum));
  };
  if (weights.smoothing == 0) return loss_of(label);
  double all = 0;
  for (std::int64_t k = 0; k < weights.classes; ++k) all += loss_of(k);
  const double smoothing = static_cast<double>(weights.smoothing);
  return (1 - smoothing) * loss_of(label) + smoothing * all / static_cast<double>(weights.classes);
}

}  // namespace

std::size_t workspace_size(const CpuExec&, const CrossEntropyForward& op) {
  Carver carver;
  carver.take<double>(reduction_doubles(op.logits.shape[0], math::kMeanSums));
  return carver.bytes();
}

void cross_entropy_forward(const CpuExec& exec, const CrossEntropyForward& op) {
  const std::int64_t rows = op.logits.shape[0], classes = op.logits.shape[1];
  with_real(op.logits.dtype, [&]<class T>(T) {
    const auto logits = read_rows<T>(op.logits);
    const auto label = read_rows<std::int32_t>(op.label);
    const auto probability = write_rows<T>(op.probability);
    const ClassWeights<T> weights(op, classes);
    double totals[math::kMeanSums] = {};
    reduce_rows(
        exec, rows, math::kMeanSums, static_cast<double*>(op.workspace.data),
        [&](std::int64_t r, double* partial) {
          const T* const row = logits[r];
          T max = -std::numeric_limits<T>::infinity();
          for (std::int64_t k = 0; k < classes; ++k) max = row[k] > max ? row[k] : max;
          double sum = 0;
          for (std::int64_t k = 0; k < classes; ++k) {
            probability[r][k] = std::exp(row[k] - max);
            sum += static_cast<double>(probability[r][k]);
          }
          for (std::int64_t k = 0; k < classes; ++k) probability[r][k] = static_cast<T>(probability[r][k] / sum);
          if (*label[r] == weights.ignored) return;
          partial[0] += row_loss(weights, row, *label[r], static_cast<double>(max), std::log(sum));
          partial[1] += static_cast<double>(weights[*label[r]]);
        },
        [&](std::int64_t s, double total) { totals[s] = total; });
    math::store_mean(totals, op.loss.as<T>(), op.total_weight.as<T>());
  });
}

void cross_entropy_backward(const CpuExec& exec, const CrossEntropyBackward& op) {
  const std::int64_t rows = op.probability.shape[0], classes = op.probability.shape[1];
  with_real(op.dlogits.dtype, [&]<class T>(T) {
    const auto probability = read_rows<T>(op.probability);
    const auto label = read_rows<std::int32_t>(op.label);
    const auto dlogits = write_rows<T>(op.dlogits);
    const ClassWeights<T> weights(op, classes);
    const T total = *op.total_weight.as<T>(), all = static_cast<T>(weights.total());
    const T share = weights.smoothing / static_cast<T>(classes);
    parallel_for(exec, rows, classes, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) {
        T* const gradient = dlogits[r];
        if (*label[r] == weights.ignored) {
          std::fill(gradient, gradient + classes, T(0));
          continue;
        }
        const T *const p = probability[r], kept = (1 - weights.smoothing) * weights[*label[r]];
        for (std::int64_t k = 0; k < classes; ++k) {
          const T hit = k == *label[r] ? T(1) : T(0);
          gradient[k] = kept * (p[k] - hit) / total;
          if (weights.smoothing != 0) gradient[k] += share * (p[k] * all - weights[k]) / total;
        }
      }
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
