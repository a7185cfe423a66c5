// SPDX-License-Identifier: MIT
#pragma once

// The level that a file is compiled for: its namespace and its widest registers.

#ifndef WARPGNN_ISA
#define WARPGNN_ISA baseline
#endif

#define WARPGNN_INLINE inline __attribute__((always_inline))
// Neither inlined nor cloned for its arguments, which Clang does not do.
#if defined(__clang__)
#define WARPGNN_ONE_COPY __attribute__((noinline))
#else
#define WARPGNN_ONE_COPY __attribute__((noinline, noclone))
#endif

namespace warpgnn::backend::WARPGNN_ISA {

#if defined(__AVX512F__)
inline constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
inline constexpr int kVectorBytes = 32;
#else
inline constexpr int kVectorBytes = 16;
#endif

}  // namespace warpgnn::backend::WARPGNN_ISA
