// SPDX-License-Identifier: MIT
#pragma once

// Short vectors in the widest registers of the level that this file is compiled for (GCC and Clang vector extensions),
// and a walk over a row in tiles of them, with the accumulators of a tile in registers.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "host/core/backend.hpp"
#include "host/cpu/base/half.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

/// The sums of neighbouring lanes, first those of `a`, then those of `b`.
template <class Vector, int... Lane>
WARPGNN_INLINE Vector add_pairs(const Vector& a, const Vector& b, std::integer_sequence<int, Lane...>) {
  return __builtin_shufflevector(a, b, (2 * Lane)...) + __builtin_shufflevector(a, b, (2 * Lane + 1)...);
}

/// Lane k of the result is the sum of lane k of both halves.
template <class Vector, int... Lane>
WARPGNN_INLINE auto add_halves(const Vector& vector, std::integer_sequence<int, Lane...>) {
  return __builtin_shufflevector(vector, vector, Lane...) +
         __builtin_shufflevector(vector, vector, (Lane + static_cast<int>(sizeof...(Lane)))...);
}

/// Sum of all lanes, by halves.
template <class T, int Bytes, class Vector>
WARPGNN_INLINE T sum_lanes(const Vector& vector) {
  constexpr int kLeft = Bytes / static_cast<int>(sizeof(T)) / 2;
  if constexpr (kLeft == 1) {
    return vector[0] + vector[1];
  } else {
    const auto half = add_halves(vector, std::make_integer_sequence<int, kLeft>{});
    return sum_lanes<T, Bytes / 2>(half);
  }
}

/// A function of vectors that does nothing.
struct Unchanged {
  template <class Vector>
  WARPGNN_INLINE Vector operator()(Vector vector) const {
    return vector;
  }
};

/// N vectors of Bytes bytes each, side by side: a tile of a row. Loads and stores need only element alignment, and go
/// from and to rows of T as well as rows of 16-bit storage.
template <class T, int Bytes, int N>
struct Pack {
  typedef T Vector __attribute__((vector_size(Bytes)));
  static constexpr int kLanes = Bytes / static_cast<int>(sizeof(T));
  static constexpr int kWidth = N * kLanes;
  static constexpr int kVectors = N;

  Vector v[N];

  template <class S>
  static WARPGNN_INLINE Vector load_vector(const S* from) {
    if constexpr (is_half_type<S>) {
      return HalfVector<T, Bytes>::load(from);
    } else {
      Vector vector;
      std::memcpy(&vector, from, sizeof vector);
      return vector;
    }
  }
  static WARPGNN_INLINE Pack zero() {
    Pack pack;
    for (int k = 0; k < N; ++k) pack.v[k] = Vector{};
    return pack;
  }
  template <class S>
  static WARPGNN_INLINE Pack load(const S* from) {
    Pack pack;
    for (int k = 0; k < N; ++k) pack.v[k] = load_vector(from + k * kLanes);
    return pack;
  }
  template <class S>
  WARPGNN_INLINE void store(S* to) const {
    for (int k = 0; k < N; ++k) {
      if constexpr (is_half_type<S>) {
        HalfVector<T, Bytes>::store(v[k], to + k * kLanes);
      } else {
        std::memcpy(to + k * kLanes, &v[k], Bytes);
      }
    }
  }
  /// this += factor * from[...]
  template <class S>
  WARPGNN_INLINE void add_scaled(const S* from, T factor) {
    for (int k = 0; k < N; ++k) v[k] += factor * load_vector(from + k * kLanes);
  }
  template <class S>
  WARPGNN_INLINE void add(const S* from) {
    for (int k = 0; k < N; ++k) v[k] += load_vector(from + k * kLanes);
  }
  /// this += f(a[...]) * b[...]
  template <class A, class B, class Function>
  WARPGNN_INLINE void add_product(const A* a, const B* b, Function f) {
    for (int k = 0; k < N; ++k) v[k] += f(load_vector(a + k * kLanes)) * load_vector(b + k * kLanes);
  }
  WARPGNN_INLINE T sum() const {
    Vector total = v[0];
    for (int k = 1; k < N; ++k) total += v[k];
    return sum_lanes<T, Bytes, Vector>(total);
  }
};

/// The tile of a row's last few elements.
template <class T>
struct Scalar {
  static constexpr int kLanes = 1;
  static constexpr int kWidth = 1;
  static constexpr int kVectors = 1;

  T v[1];

  template <class S>
  static WARPGNN_INLINE T load_vector(const S* from) {
    return to_accumulator(*from);
  }
  static WARPGNN_INLINE Scalar zero() { return Scalar{{0}}; }
  template <class S>
  static WARPGNN_INLINE Scalar load(const S* from) {
    return Scalar{{load_vector(from)}};
  }
  template <class S>
  WARPGNN_INLINE void store(S* to) const {
    *to = to_storage<S>(v[0]);
  }
  template <class S>
  WARPGNN_INLINE void add_scaled(const S* from, T factor) {
#ifdef __FMA__
    // Left to the compiler, it would be one rounding or two, by whether the loop around it is vectorised: and that by
    // how far apart the caller's rows are.
    v[0] = std::fma(factor, load_vector(from), v[0]);
#else
    v[0] += factor * load_vector(from);
#endif
  }
  template <class S>
  WARPGNN_INLINE void add(const S* from) {
    v[0] += load_vector(from);
  }
  WARPGNN_INLINE T sum() const {
    return v[0];
  }
};

template <class T>
inline constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(T));

/// Calls body(tile, column) for tiles of at most N vectors of Bytes bytes, widest first, and returns the first column
/// that no whole vector covers. `tile` only carries its type.
template <class T, int Bytes, int N, class Body>
WARPGNN_INLINE std::int64_t for_each_vector_tile(std::int64_t column, std::int64_t width, Body&& body) {
  using Tile = Pack<T, Bytes, N>;
  for (; column + Tile::kWidth <= width; column += Tile::kWidth) body(Tile{}, column);
  if constexpr (N > 1) {
    return for_each_vector_tile<T, Bytes, N / 2>(column, width, body);
  } else {
    return column;
  }
}

/// Vectors of a tile for loops that pass each element once: what keeps more of them in registers is a sum over edges.
inline constexpr int kStreamVectors = 2;

/// The same over all of [0, width), with narrower tiles for what is left at the end.
template <class T, int N = 8, class Body>
WARPGNN_INLINE void for_each_tile(std::int64_t width, Body&& body) {
  std::int64_t column = for_each_vector_tile<T, kVectorBytes, N>(0, width, body);
  if constexpr (kVectorBytes > 16) column = for_each_vector_tile<T, 16, 1>(column, width, body);
  for (; column < width; ++column) body(Scalar<T>{}, column);
}

/// <f(a), b> over `width` elements; f takes and returns whole vectors, or single elements.
template <class A, class B, class Function = Unchanged>
WARPGNN_INLINE Accumulator<A> dot(const A* a, const B* b, std::int64_t width, Function f = {}) {
  using T = Accumulator<A>;
  using Wide = Pack<T, kVectorBytes, 2>;
  using Narrow = Pack<T, 16, 1>;
  std::int64_t k = 0;
  T total = 0;
  if (width >= Wide::kWidth) {
    Wide wide = Wide::zero();
    for (; k + Wide::kWidth <= width; k += Wide::kWidth) wide.add_product(a + k, b + k, f);
    total = wide.sum();
  }
  if (k + Narrow::kWidth <= width) {
    Narrow narrow = Narrow::zero();
    for (; k + Narrow::kWidth <= width; k += Narrow::kWidth) narrow.add_product(a + k, b + k, f);
    total += narrow.sum();
  }
  for (; k < width; ++k) total += f(to_accumulator(a[k])) * to_accumulator(b[k]);
  return total;
}

/// to[...] = from[...], from and to rows of any storage.
template <class From, class To>
WARPGNN_INLINE void convert_row(const From* from, std::int64_t width, To* to) {
  for_each_tile<Accumulator<From>, kStreamVectors>(
      width, [&](auto tile, std::int64_t k) { tile.load(from + k).store(to + k); });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
