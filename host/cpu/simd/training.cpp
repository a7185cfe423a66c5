// Batch normalisation, loss and optimiser.

#include <cmath>
#include <limits>

#include "math.hpp"
#include "rows.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

template <class T>
void use_running_statistics(const CpuExec& exec, const BatchNormForward& op) {
  const std::int64_t width = op.x.shape[1];
  const auto x = read_rows<T>(op.x);
  const auto y = write_rows<T>(op.y);
  const T *const gamma = op.gamma.as<T>(), *const beta = op.beta.as<T>();
  const T *const mean = op.running_mean.as<T>(), *const var = op.running_var.as<T>();
  parallel_for(exec, op.x.shape[0], 8 * width, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      for (std::int64_t c = 0; c < width; ++c) {
        const T inv_std = T(1) / std::sqrt(var[c] + static_cast<T>(op.epsilon));
        y[r][c] = gamma[c] * (x[r][c] - mean[c]) * inv_std + beta[c];
      }
    }
  });
}

/// Squares of fp64 may be infinite where their root is not: they are summed in a unit of their own. Numbers up to
/// 10^230 and down to 10^-77 have their place in it.
template <class T>
inline constexpr double kDown = sizeof(T) == 8 ? 0x1p-256 : 1.0;

template <class T>
void use_batch_statistics(const CpuExec& exec, const BatchNormForward& op) {
  const std::int64_t rows = op.x.shape[0], width = op.x.shape[1];
  const auto x = read_rows<T>(op.x);
  const auto y = write_rows<T>(op.y);
  auto* const partials = static_cast<double*>(op.workspace.data);
  T *const mean = op.saved_mean.as<T>(), *const inv_std = op.saved_inv_std.as<T>();
  T *const running_mean = op.running_mean.as<T>(), *const running_var = op.running_var.as<T>();
  const auto count = static_cast<double>(rows);
  const auto blend = [&](T& running, double batch) {
    running = static_cast<T>((1 - op.momentum) * static_cast<double>(running) + op.momentum * batch);
  };
  reduce_rows(
      exec, rows, width, partials,
      [&](std::int64_t r, double* partial) {
        for (std::int64_t c = 0; c < width; ++c) partial[c] += static_cast<double>(x[r][c]);
      },
      [&](std::int64_t c, double total) {
        mean[c] = static_cast<T>(total / count);
        blend(running_mean[c], total / count);
      });
  reduce_rows(
      exec, rows, width, partials,
      [&](std::int64_t r, double* partial) {
        for (std::int64_t c = 0; c < width; ++c) {
          const double deviation = (static_cast<double>(x[r][c]) - static_cast<double>(mean[c])) * kDown<T>;
          partial[c] += deviation * deviation;
        }
      },
      [&](std::int64_t c, double total) {
        inv_std[c] = static_cast<T>(kDown<T> / std::sqrt(total / count + op.epsilon * kDown<T> * kDown<T>));
        if (rows > 1) blend(running_var[c], total / (count - 1) / (kDown<T> * kDown<T>));
      });
  const T *const gamma = op.gamma.as<T>(), *const beta = op.beta.as<T>();
  parallel_for(exec, rows, 4 * width, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      for (std::int64_t c = 0; c < width; ++c) y[r][c] = gamma[c] * ((x[r][c] - mean[c]) * inv_std[c]) + beta[c];
    }
  });
}

/// Moments of a parameter without gradient decay for ever; as subnormal numbers they would cost a hundred cycles each.
template <class T>
WARPGNN_INLINE T flush_subnormal(T x) {
  constexpr T kSmallest = std::numeric_limits<T>::min();
  return x > -kSmallest && x < kSmallest ? T(0) : x;
}

}  // namespace

std::size_t workspace_size(const CpuExec&, const BatchNormForward& op) {
  Carver carver;
  if (op.training) carver.take<double>(reduction_doubles(op.x.shape[0], op.x.shape[1]));
  return carver.bytes();
}

void batch_norm_forward(const CpuExec& exec, const BatchNormForward& op) {
  with_real(op.y.dtype, [&]<class T>(T) {
    if (op.training)
      use_batch_statistics<T>(exec, op);
    else
      use_running_statistics<T>(exec, op);
  });
}

std::size_t workspace_size(const CpuExec&, const BatchNormBackward& op) {
  Carver carver;
  carver.take<double>(reduction_doubles(op.x.shape[0], 2 * op.x.shape[1]));
  return carver.bytes();
}

void batch_norm_backward(const CpuExec& exec, const BatchNormBackward& op) {
  const std::int64_t rows = op.x.shape[0], width = op.x.shape[1];
  with_real(op.dx.dtype, [&]<class T>(T) {
    const auto x = read_rows<T>(op.x), dy = read_rows<T>(op.dy);
    const auto dx = write_rows<T>(op.dx);
    const T *const gamma = op.gamma.as<T>(), *const mean = op.saved_mean.as<T>(),
                   *const inv_std = op.saved_inv_std.as<T>();
    T *const dgamma = op.dgamma.as<T>(), *const dbeta = op.dbeta.as<T>();
    reduce_rows(
        exec, rows, 2 * width, static_cast<double*>(op.workspace.data),
        [&](std::int64_t r, double* partial) {
          for (std::int64_t c = 0; c < width; ++c) {
            partial[c] += static_cast<double>(dy[r][c]);
            partial[width + c] += static_cast<double>(dy[r][c] * ((x[r][c] - mean[c]) * inv_std[c]));
          }
        },
        [&](std::int64_t c, double total) { (c < width ? dbeta[c] : dgamma[c - width]) = static_cast<T>(total); });
    const T share = T(1) / static_cast<T>(std::max<std::int64_t>(rows, 1));
    parallel_for(exec, rows, 8 * width, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) {
        for (std::int64_t c = 0; c < width; ++c) {
          const T z = (x[r][c] - mean[c]) * inv_std[c];
          dx[r][c] = gamma[c] * inv_std[c] * (dy[r][c] - dbeta[c] * share - z * dgamma[c] * share);
        }
      }
    });
  });
}

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

constexpr std::int64_t kLossSums = 2;  // the loss, and the weight of its rows

}  // namespace

std::size_t workspace_size(const CpuExec&, const CrossEntropyForward& op) {
  Carver carver;
  carver.take<double>(reduction_doubles(op.logits.shape[0], kLossSums));
  return carver.bytes();
}

void cross_entropy_forward(const CpuExec& exec, const CrossEntropyForward& op) {
  const std::int64_t rows = op.logits.shape[0], classes = op.logits.shape[1];
  with_real(op.logits.dtype, [&]<class T>(T) {
    const auto logits = read_rows<T>(op.logits);
    const auto label = read_rows<std::int32_t>(op.label);
    const auto probability = write_rows<T>(op.probability);
    const ClassWeights<T> weights(op, classes);
    double totals[kLossSums] = {};
    reduce_rows(
        exec, rows, kLossSums, static_cast<double*>(op.workspace.data),
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
    *op.loss.as<T>() = static_cast<T>(totals[1] == 0 && totals[0] == 0 ? 0.0 : totals[0] / totals[1]);
    *op.total_weight.as<T>() = static_cast<T>(totals[1]);
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

void advance_counter(const CpuExec&, const AdvanceCounter& op) {
  ++*op.counter.as<std::int64_t>();
}

void adam_step(const CpuExec& exec, const AdamStep& op) {
  const std::int64_t step = ++*op.step.as<std::int64_t>();
  const double correction1 = 1 - std::pow(op.beta1, static_cast<double>(step));
  const double correction2 = 1 - std::pow(op.beta2, static_cast<double>(step));
  for (const AdamSlot& slot : op.slots) {
    with_real(slot.value.dtype, [&]<class T>(T) {
      T *const value = slot.value.as<T>(), *const first_moment = slot.first_moment.as<T>();
      T* const second_moment = slot.second_moment.as<T>();
      const T* const gradient = slot.gradient.as<T>();
      const T beta1 = static_cast<T>(op.beta1), beta2 = static_cast<T>(op.beta2);
      const T share1 = static_cast<T>(1 - op.beta1), share2 = static_cast<T>(1 - op.beta2);  // 1 - 0.999f is 1e-5 off
      const T decay = static_cast<T>(op.weight_decay), epsilon = static_cast<T>(op.epsilon);
      const T rate = static_cast<T>(op.learning_rate / correction1);
      const T second_scale = static_cast<T>(1 / correction2);
      parallel_for(exec, slot.value.count(), 16, [&](std::int64_t first, std::int64_t last) {
#pragma omp simd
        for (std::int64_t k = first; k < last; ++k) {
          const T g = gradient[k] + decay * value[k];
          const T m = flush_subnormal(beta1 * first_moment[k] + share1 * g);
          const T v = flush_subnormal(beta2 * second_moment[k] + share2 * g * g);
          first_moment[k] = m;
          second_moment[k] = v;
          value[k] -= rate * m / (std::sqrt(v * second_scale) + epsilon);
        }
      });
    });
  }
}

}  // namespace warpgnn::backend::WARPGNN_ISA
