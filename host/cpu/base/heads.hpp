// SPDX-License-Identifier: MIT
#pragma once

// Loops over heads that lie side by side in a row.

#include "host/cpu/base/vec.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

/// Calls body(heads) with a constant for the usual numbers of heads, so that loops over them turn into vector code.
template <class Body>
WARPGNN_INLINE void with_heads(std::int64_t heads, Body&& body) {
  switch (heads) {
    case 1: return body(std::integral_constant<std::int64_t, 1>{});
    case 2: return body(std::integral_constant<std::int64_t, 2>{});
    case 4: return body(std::integral_constant<std::int64_t, 4>{});
    case 8: return body(std::integral_constant<std::int64_t, 8>{});
    default: return body(heads);
  }
}

/// dot[h] = <f(a_h), b_h> for `Heads` heads of `Channels` each, side by side in a and b. The products of whole vectors
/// are added up within each head, and what is left pair by pair, in order, until one lane per head remains.
template <int Heads, int Channels, class A, class B, class T, class Function>
WARPGNN_INLINE void dot_heads(const A* a, const B* b, T* dots, Function f) {
  using Tile = Pack<T, kVectorBytes, 1>;
  constexpr int kPerHead = Channels > Tile::kLanes ? Channels / Tile::kLanes : 1;
  constexpr int kVectors = Heads * Channels / Tile::kLanes / kPerHead;
  constexpr auto kEachLane = std::make_integer_sequence<int, Tile::kLanes>{};
  typename Tile::Vector sum[kVectors];
  for (int k = 0; k < kVectors; ++k) {
    Tile head = Tile::zero();
    for (int part = 0; part < kPerHead; ++part) {
      const int column = (k * kPerHead + part) * Tile::kLanes;
      head.add_product(a + column, b + column, f);
    }
    sum[k] = head.v[0];
  }
  int vectors = kVectors;
  for (int lanes = Channels < Tile::kLanes ? Channels : Tile::kLanes; lanes > 1; lanes /= 2) {
    const int next = (vectors + 1) / 2;
    for (int k = 0; k < next; ++k) {
      sum[k] = add_pairs(sum[2 * k], sum[2 * k + 1 < vectors ? 2 * k + 1 : 2 * k], kEachLane);
    }
    vectors = next;
  }
  std::memcpy(dots, sum, sizeof(T) * Heads);
}

/// The same for any shape: common ones by vectors, the rest head by head. One copy of so many loops is enough: inlined
/// into each pass of each score they were a third of the library, and no faster.
template <class A, class B, class T, class Function = Unchanged>
WARPGNN_ONE_COPY void dot_heads(const A* a, const B* b, std::int64_t heads, std::int64_t channels, T* dots,
                                Function f = {}) {
  if constexpr (kLanes<T> >= 8) {
    if (heads == 8 && channels == 8) return dot_heads<8, 8>(a, b, dots, f);
    if (heads == 8 && channels == 16) return dot_heads<8, 16>(a, b, dots, f);
    if (heads == 8 && channels == 32) return dot_heads<8, 32>(a, b, dots, f);
    if (heads == 4 && channels == 16) return dot_heads<4, 16>(a, b, dots, f);
    if (heads == 4 && channels == 32) return dot_heads<4, 32>(a, b, dots, f);
    if (heads == 4 && channels == 64) return dot_heads<4, 64>(a, b, dots, f);
  }
  for (std::int64_t h = 0; h < heads; ++h) dots[h] = dot(a + h * channels, b + h * channels, channels, f);
}

}  // namespace warpgnn::backend::WARPGNN_ISA
