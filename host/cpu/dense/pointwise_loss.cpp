// SPDX-License-Identifier: MIT
#include "host/cpu/base/math.hpp"
#include "host/cpu/base/rows.hpp"
#include "host/math/losses.hpp"
#include "host/math/weighted_mean.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// Calls function(x, t, w, column) for the elements of a row that count.
template <class T, class Function>
WARPGNN_INLINE void for_each_counted(const T* x, const T* t, const T* w, std::int64_t columns, Function&& function) {
  for (std::int64_t k = 0; k < columns; ++k) {
    const T weight = w == nullptr ? T(1) : w[k];
    if (weight != T(0)) function(x[k], t[k], weight, k);
  }
}

}  // namespace

std::size_t workspace_size(const CpuExec&, const PointwiseLossForward& op) {
  Carver carver;
  carver.take<double>(reduction_doubles(op.prediction.shape[0], math::kMeanSums));
  return carver.bytes();
}

void pointwise_loss_forward(const CpuExec& exec, const PointwiseLossForward& op) {
  const std::int64_t rows = op.prediction.shape[0], columns = op.prediction.shape[1];
  with_real(op.prediction.dtype, [&]<class T>(T) {
    const auto prediction = read_rows<T>(op.prediction), target = read_rows<T>(op.target);
    const auto weight = read_rows<T>(op.weight);
    const T delta = static_cast<T>(op.delta);
    math::with_pointwise_loss(op.kind, [&](auto kind) {
      double totals[math::kMeanSums] = {};
      reduce_rows(
          exec, rows, math::kMeanSums, static_cast<double*>(op.workspace.data),
          [&](std::int64_t r, double* partial) {
            for_each_counted(prediction[r], target[r], weight ? weight[r] : nullptr, columns,
                             [&](T x, T t, T w, std::int64_t) {
                               const T loss = math::pointwise_loss<Math, decltype(kind)::value>(x, t, delta);
                               partial[0] += static_cast<double>(w) * static_cast<double>(loss);
                               partial[1] += static_cast<double>(w);
                             });
          },
          [&](std::int64_t s, double total) { totals[s] = total; });
      math::store_mean(totals, op.loss.as<T>(), op.total_weight.as<T>());
    });
  });
}

void pointwise_loss_backward(const CpuExec& exec, const PointwiseLossBackward& op) {
  const std::int64_t rows = op.prediction.shape[0], columns = op.prediction.shape[1];
  with_real(op.prediction.dtype, [&]<class T>(T) {
    const auto prediction = read_rows<T>(op.prediction), target = read_rows<T>(op.target);
    const auto weight = read_rows<T>(op.weight);
    const auto dprediction = write_rows<T>(op.dprediction);
    const T delta = static_cast<T>(op.delta), total = *op.total_weight.as<T>();
    math::with_pointwise_loss(op.kind, [&](auto kind) {
      parallel_for(exec, rows, columns, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t r = first; r < last; ++r) {
          T* const gradient = dprediction[r];
          std::fill(gradient, gradient + columns, T(0));
          for_each_counted(prediction[r], target[r], weight ? weight[r] : nullptr, columns,
                           [&](T x, T t, T w, std::int64_t k) {
                             const T slope = math::pointwise_loss_derivative<Math, decltype(kind)::value>(x, t, delta);
                             gradient[k] = w * slope / total;
                           });
        }
      });
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
