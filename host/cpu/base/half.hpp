// SPDX-License-Identifier: MIT
#pragma once

// 16-bit storage on the CPU: whole vectors of floats from and to memory, and single elements.

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "warpgnn/half.hpp"

#if defined(__F16C__)
#include <immintrin.h>
#endif

#include "host/cpu/base/isa.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

WARPGNN_INLINE float to_accumulator(float value) {
  return value;
}
WARPGNN_INLINE double to_accumulator(double value) {
  return value;
}
WARPGNN_INLINE float to_accumulator(BFloat16 value) {
  return to_float(value);
}
WARPGNN_INLINE float to_accumulator(Float16 value) {
#if defined(__F16C__)
  return _cvtsh_ss(value.bits);
#else
  return to_float(value);
#endif
}

/// What `value` is stored as.
template <class S>
WARPGNN_INLINE S to_storage(Accumulator<S> value) {
#if defined(__F16C__)
  if constexpr (std::is_same_v<S, Float16>) return Float16{_cvtss_sh(value, _MM_FROUND_TO_NEAREST_INT)};
#endif
  if constexpr (is_half_type<S>) {
    return from_float<S>(value);
  } else {
    return value;
  }
}

/// Integers of the size of T and of half its size.
template <class T>
struct LaneBits;
template <>
struct LaneBits<float> {
  using Wide = std::uint32_t;
  using Narrow = std::uint16_t;
};

/// A vector of Bytes bytes of T, which is float, whose elements lie in memory in 16 bits.
template <class T, int Bytes>
struct HalfVector {
  static constexpr int kLanes = Bytes / 4;
  typedef T Vector __attribute__((vector_size(Bytes)));
  typedef typename LaneBits<T>::Wide Wide __attribute__((vector_size(Bytes)));
  typedef typename LaneBits<T>::Narrow Narrow __attribute__((vector_size(Bytes / 2)));

  static WARPGNN_INLINE Vector load(const BFloat16* from) {
    Narrow bits;
    std::memcpy(&bits, from, sizeof bits);
    return reinterpret_cast<Vector>(__builtin_convertvector(bits, Wide) << 16);
  }
  static WARPGNN_INLINE void store(Vector vector, BFloat16* to) {
    const Wide bits = reinterpret_cast<Wide>(vector);
    const Wide rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    const Wide result = vector != vector ? bits >> 16 | 0x40u : rounded;
    const Narrow narrow = __builtin_convertvector(result, Narrow);
    std::memcpy(static_cast<void*>(to), &narrow, sizeof narrow);
  }

#if defined(__F16C__)
  static WARPGNN_INLINE Vector load(const Float16* from) {
    Narrow bits;
    std::memcpy(&bits, from, sizeof bits);
    if constexpr (Bytes == 16) {
      std::uint64_t half;
      std::memcpy(&half, from, sizeof half);
      return reinterpret_cast<Vector>(_mm_cvtph_ps(_mm_cvtsi64_si128(static_cast<long long>(half))));
    }
    if constexpr (Bytes == 32) return reinterpret_cast<Vector>(_mm256_cvtph_ps(reinterpret_cast<__m128i>(bits)));
#if defined(__AVX512F__)
    if constexpr (Bytes == 64)
      return reinterpret_cast<Vector>(_mm512_maskz_cvtph_ps(0xffff, reinterpret_cast<__m256i>(bits)));
#endif
  }
  static WARPGNN_INLINE void store(Vector vector, Float16* to) {
    if constexpr (Bytes == 16) {
      const auto half = _mm_cvtps_ph(reinterpret_cast<__m128>(vector), _MM_FROUND_TO_NEAREST_INT);
      std::memcpy(static_cast<void*>(to), &half, 8);
    }
    if constexpr (Bytes == 32) {
      const auto half = _mm256_cvtps_ph(reinterpret_cast<__m256>(vector), _MM_FROUND_TO_NEAREST_INT);
      std::memcpy(static_cast<void*>(to), &half, sizeof half);
    }
#if defined(__AVX512F__)
    if constexpr (Bytes == 64) {
      const auto half = _mm512_maskz_cvtps_ph(0xffff, reinterpret_cast<__m512>(vector), _MM_FROUND_TO_NEAREST_INT);
      std::memcpy(static_cast<void*>(to), &half, sizeof half);
    }
#endif
  }
#else
  // Without instructions for it a conversion is some twenty of them: a call costs less than their copies in every loop.
  static WARPGNN_ONE_COPY Vector load(const Float16* from) {
    Vector vector;
    for (int k = 0; k < kLanes; ++k) vector[k] = to_float(from[k]);
    return vector;
  }
  static WARPGNN_ONE_COPY void store(Vector vector, Float16* to) {
    for (int k = 0; k < kLanes; ++k) to[k] = from_float<Float16>(vector[k]);
  }
#endif
};

}  // namespace warpgnn::backend::WARPGNN_ISA
