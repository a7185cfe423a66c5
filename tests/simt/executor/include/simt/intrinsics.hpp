// SPDX-License-Identifier: MIT
#pragma once

// Device functions that concern one thread alone.

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>

using std::max;
using std::min;

// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming): the names are CUDA's
// --- Loads and stores with cache hints: on the host they are loads and stores ---------------------------------------

#define SIMT_LOAD(name)             \
  template <class T>                \
  inline T name(const T* address) { \
    return *address;                \
  }
#define SIMT_STORE(name)                  \
  template <class T>                      \
  inline void name(T* address, T value) { \
    *address = value;                     \
  }
SIMT_LOAD(__ldg)
SIMT_LOAD(__ldca)
SIMT_LOAD(__ldcg)
SIMT_LOAD(__ldcs)
SIMT_LOAD(__ldcv)
SIMT_LOAD(__ldlu)
SIMT_STORE(__stwb)
SIMT_STORE(__stcg)
SIMT_STORE(__stcs)
SIMT_STORE(__stwt)
#undef SIMT_LOAD
#undef SIMT_STORE

// Fences order one thread's own accesses; the race check gives them no other meaning, so a flag protocol built on them
// is reported. Finish in a second kernel instead.
inline void __threadfence() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
}
inline void __threadfence_block() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
}
inline void __threadfence_system() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

// --- Bits -----------------------------------------------------------------------------------------------------------

inline int __ffs(int bits) {
  return __builtin_ffs(bits);
}
inline int __ffsll(long long bits) {
  return __builtin_ffsll(bits);
}
inline int __popc(unsigned bits) {
  return std::popcount(bits);
}
inline int __popcll(unsigned long long bits) {
  return std::popcount(bits);
}
inline int __clz(int bits) {
  return std::countl_zero(static_cast<unsigned>(bits));
}
inline int __clzll(long long bits) {
  return std::countl_zero(static_cast<unsigned long long>(bits));
}
inline int __float_as_int(float value) {
  return std::bit_cast<int>(value);
}
inline unsigned __float_as_uint(float value) {
  return std::bit_cast<unsigned>(value);
}
inline float __int_as_float(int bits) {
  return std::bit_cast<float>(bits);
}
inline float __uint_as_float(unsigned bits) {
  return std::bit_cast<float>(bits);
}
inline long long __double_as_longlong(double value) {
  return std::bit_cast<long long>(value);
}
inline double __longlong_as_double(long long bits) {
  return std::bit_cast<double>(bits);
}
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>(static_cast<std::uint64_t>(a) * b >> 32);
}

// --- Arithmetic. The fast forms are exact here: the executor shows what a kernel computes, not how a device rounds.
// ------

inline float __expf(float x) {
  return std::exp(x);
}
inline float __logf(float x) {
  return std::log(x);
}
inline float __fdividef(float x, float y) {
  return x / y;
}
// Rounded, whatever is added to it: the compiler may not fuse.
#if defined(__clang__)  // reads the code, but does not build it
#define SIMT_ROUNDED(value) (value)
#else
#define SIMT_ROUNDED(value) __builtin_assoc_barrier(value)
#endif
inline float __fmul_rn(float x, float y) {
  return SIMT_ROUNDED(x * y);
}
inline double __dmul_rn(double x, double y) {
  return SIMT_ROUNDED(x * y);
}
#undef SIMT_ROUNDED
inline float __frcp_rn(float x) {
  return 1.0f / x;
}
inline float __fmaf_rn(float x, float y, float z) {
  return std::fma(x, y, z);
}
inline float rsqrtf(float x) {
  return 1.0f / std::sqrt(x);
}
inline double rsqrt(double x) {
  return 1.0 / std::sqrt(x);
}
inline float __saturatef(float x) {
  return std::fmin(std::fmax(x, 0.0f), 1.0f);
}
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)
