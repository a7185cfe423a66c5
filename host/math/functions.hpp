// SPDX-License-Identifier: MIT
#pragma once

/// What the formulas of this folder are written in. Both backends use them: a value V is one number, or on the CPU also
/// a short vector, and the elementary functions come from a policy M, the backend's own, with static members
///   exp(x), tanh(x), expm1(x), log1p(x), sqrt(x)
///   rounded_product(a, b)   the product rounded before anything is added to it. Left to itself a compiler fuses a
///                           product and a sum in one pass and not in another, and a score minus its own maximum is
///                           then not 0 but half a unit in the last place: far from 0 where scores are large.
///
/// Everything is forced inline: a copy of its own of such a function, compiled for one instruction-set level, could be
/// the one that the linker keeps for all (tests/simd_symbols.sh).

#ifdef __CUDACC__
#define WARPGNN_MATH __device__ __forceinline__
#else
#define WARPGNN_MATH inline __attribute__((always_inline))
#endif

namespace warpgnn::math {

/// A number, or a vector all of whose elements are that number.
template <class V, class T>
WARPGNN_MATH V filled(T number) {
  return V{} + number;
}

}  // namespace warpgnn::math
