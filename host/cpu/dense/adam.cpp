// SPDX-License-Identifier: MIT
#include "host/math/adam.hpp"

#include <cmath>

#include "host/cpu/base/math.hpp"
#include "host/cpu/base/rows.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

void adam_step(const CpuExec& exec, const AdamStep& op) {
  if (op.slots.empty()) return;
  const auto step = static_cast<double>(++*op.step.as<std::int64_t>());
  const double correction1 = 1 - std::pow(op.beta1, step), correction2 = 1 - std::pow(op.beta2, step);
  for (const AdamSlot& slot : op.slots) {
    with_real(slot.value.dtype, [&]<class T>(T) {
      const auto rates = math::adam_rates<T>(op, correction1, correction2);
      T *const value = slot.value.as<T>(), *const first_moment = slot.first_moment.as<T>();
      T* const second_moment = slot.second_moment.as<T>();
      const T* const gradient = slot.gradient.as<T>();
      parallel_for(exec, slot.value.count(), 16, [&](std::int64_t first, std::int64_t last) {
#pragma omp simd
        for (std::int64_t k = first; k < last; ++k) {
          math::adam_update<Math>(rates, gradient[k], value[k], first_moment[k], second_moment[k]);
        }
      });
    });
  }
}

}  // namespace warpgnn::backend::WARPGNN_ISA
