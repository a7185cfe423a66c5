#pragma once

// Short vectors in the widest registers of the level that this file is compiled for (GCC and Clang vector extensions),
// and a walk over a row in tiles of them, with the accumulators of a tile in registers.

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "host/backend.hpp"

#ifndef WARPGNN_ISA
#define WARPGNN_ISA baseline
#endif

namespace warpgnn::backend::WARPGNN_ISA {

#if defined(__AVX512F__)
inline constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
inline constexpr int kVectorBytes = 32;
#else
inline constexpr int kVectorBytes = 16;
#endif

#define WARPGNN_INLINE inline __attribute__((always_inline))

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

/// N vectors of Bytes bytes each, side by side: a tile of a row. Loads and stores need only element alignment.
template <class T, int Bytes, int N>
struct Pack {
  typedef T Vector __attribute__((vector_size(Bytes)));
  static constexpr int kLanes = Bytes / static_cast<int>(sizeof(T));
  static constexpr int kWidth = N * kLanes;
  static constexpr int kVectors = N;

  Vector v[N];

  static WARPGNN_INLINE Vector load_vector(const T* from) {
    Vector vector;
    std::memcpy(&vector, from, sizeof vector);
    return vector;
  }
  static WARPGNN_INLINE Pack zero() {
    Pack pack;
    for (int k = 0; k < N; ++k) pack.v[k] = Vector{};
    return pack;
  }
  static WARPGNN_INLINE Pack load(const T* from) {
    Pack pack;
    for (int k = 0; k < N; ++k) pack.v[k] = load_vector(from + k * kLanes);
    return pack;
  }
  WARPGNN_INLINE void store(T* to) const {
    for (int k = 0; k < N; ++k) std::memcpy(to + k * kLanes, &v[k], Bytes);
  }
  /// this += factor * from[...]
  WARPGNN_INLINE void add_scaled(const T* from, T factor) {
    for (int k = 0; k < N; ++k) v[k] += factor * load_vector(from + k * kLanes);
  }
  WARPGNN_INLINE void add(const T* from) {
    for (int k = 0; k < N; ++k) v[k] += load_vector(from + k * kLanes);
  }
  /// this += f(a[...]) * b[...]
  template <class Function>
  WARPGNN_INLINE void add_product(const T* a, const T* b, Function f) {
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

  static WARPGNN_INLINE T load_vector(const T* from) { return *from; }
  static WARPGNN_INLINE Scalar zero() { return Scalar{{0}}; }
  static WARPGNN_INLINE Scalar load(const T* from) { return Scalar{{*from}}; }
  WARPGNN_INLINE void store(T* to) const { *to = v[0]; }
  WARPGNN_INLINE void add_scaled(const T* from, T factor) { v[0] += factor * *from; }
  WARPGNN_INLINE void add(const T* from) { v[0] += *from; }
  WARPGNN_INLINE T sum() const { return v[0]; }
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

/// The same over all of [0, width), with narrower tiles for what is left at the end.
template <class T, int N = 8, class Body>
WARPGNN_INLINE void for_each_tile(std::int64_t width, Body&& body) {
  std::int64_t column = for_each_vector_tile<T, kVectorBytes, N>(0, width, body);
  if constexpr (kVectorBytes > 16) column = for_each_vector_tile<T, 16, 1>(column, width, body);
  for (; column < width; ++column) body(Scalar<T>{}, column);
}

/// <f(a), b> over `width` elements; f takes and returns whole vectors, or single elements.
template <class T, class Function = Unchanged>
WARPGNN_INLINE T dot(const T* a, const T* b, std::int64_t width, Function f = {}) {
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
  for (; k < width; ++k) total += f(a[k]) * b[k];
  return total;
}

}  // namespace warpgnn::backend::WARPGNN_ISA
