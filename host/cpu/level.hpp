// SPDX-License-Identifier: MIT
#pragma once

// What the ops of host/cpu are compiled for: the x86-64 psABI levels, worst first; elsewhere only baseline.
// Included by cmake/native_level.cpp too, so it needs nothing else of the library.

#include <cstdint>

namespace warpgnn::backend {

enum class CpuLevel : std::uint8_t { baseline, v3, v4 };

/// The best level of this machine's processor.
inline CpuLevel processor_level() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                  __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
  if (v4) return CpuLevel::v4;
  if (v3) return CpuLevel::v3;
#endif
  return CpuLevel::baseline;
}

}  // namespace warpgnn::backend
