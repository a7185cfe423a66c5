#include <cmath>
#include <limits>

#include "host/cpu/base/math.hpp"
#include "host/cpu/base/rows.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// Moments of a parameter without gradient decay for ever; as subnormal numbers they would cost a hundred cycles each.
template <class T>
WARPGNN_INLINE T flush_subnormal(T x) {
  constexpr T kSmallest = std::numeric_limits<T>::min();
  return x > -kSmallest && x < kSmallest ? T(0) : x;
}

}  // namespace

void adam_step(const CpuExec& exec, const AdamStep& op) {
  if (op.slots.empty()) return;
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
