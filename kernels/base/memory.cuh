// SPDX-License-Identifier: MIT
#pragma once

// Memory as kernels see it: packs of up to 16 bytes, cache hints, strided rows, and the choice of a pack's width.

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <type_traits>
#include <utility>

#include "kernels/base/half.cuh"
#include "kernels/base/tuning.cuh"
#include "warpgnn/tensor.hpp"

namespace warpgnn::kernels {

// --- Packs -----------------------------------------------------------------------------------------------------------

/// kWidth neighbouring elements of a row, held in registers by one lane. Pack<T, kWidth>{} is all zeros.
template <class T, int kWidth>
struct Pack {
  T value[kWidth];

  __device__ T& operator[](int k) { return value[k]; }
  __device__ const T& operator[](int k) const { return value[k]; }
};

/// The built-in type whose load is one memory instruction of kWidth elements.
template <class S, int kWidth>
struct VectorType;
template <class S>
struct VectorType<S, 1> {
  using type = std::conditional_t<is_half_type<S>, unsigned short, S>;
};
template <>
struct VectorType<float, 2> {
  using type = float2;
};
template <>
struct VectorType<float, 4> {
  using type = float4;
};
template <>
struct VectorType<double, 2> {
  using type = double2;
};
template <>
struct VectorType<std::int32_t, 2> {
  using type = int2;
};
template <>
struct VectorType<std::int32_t, 4> {
  using type = int4;
};
template <>
struct VectorType<Float16, 4> {
  using type = uint2;  // two elements a word, the first in the lower half
};
template <>
struct VectorType<BFloat16, 4> {
  using type = uint2;
};
template <>
struct VectorType<Float16, 8> {
  using type = uint4;
};
template <>
struct VectorType<BFloat16, 8> {
  using type = uint4;
};

namespace detail {

template <class S>
__device__ __forceinline__ float half_of(unsigned bits) {
  return to_accumulator(S{static_cast<unsigned short>(bits)});
}
template <class S>
__device__ __forceinline__ unsigned halves(float low, float high) {
  return static_cast<unsigned>(to_storage<S>(high).bits) << 16 | to_storage<S>(low).bits;
}

template <class S, int kWidth, class Vector>
__device__ __forceinline__ Pack<Accumulator<S>, kWidth> unpack(const Vector& vector) {
  if constexpr (is_half_type<S> && kWidth == 1) {
    return {{half_of<S>(vector)}};
  } else if constexpr (is_half_type<S>) {
    Pack<float, kWidth> pack;
    const auto put = [&](int k, unsigned word) {
      pack[k] = half_of<S>(word & 0xffffu);
      pack[k + 1] = half_of<S>(word >> 16);
    };
    put(0, vector.x);
    put(2, vector.y);
    if constexpr (kWidth == 8) {
      put(4, vector.z);
      put(6, vector.w);
    }
    return pack;
  } else if constexpr (kWidth == 1) {
    return {{vector}};
  } else if constexpr (kWidth == 2) {
    return {{vector.x, vector.y}};
  } else {
    return {{vector.x, vector.y, vector.z, vector.w}};
  }
}

template <class S, int kWidth>
__device__ __forceinline__ typename VectorType<S, kWidth>::type repack(const Pack<Accumulator<S>, kWidth>& pack) {
  if constexpr (is_half_type<S> && kWidth == 1) {
    return to_storage<S>(pack[0]).bits;
  } else if constexpr (is_half_type<S> && kWidth == 4) {
    return {halves<S>(pack[0], pack[1]), halves<S>(pack[2], pack[3])};
  } else if constexpr (is_half_type<S>) {
    return {halves<S>(pack[0], pack[1]), halves<S>(pack[2], pack[3]), halves<S>(pack[4], pack[5]),
            halves<S>(pack[6], pack[7])};
  } else if constexpr (kWidth == 1) {
    return pack[0];
  } else if constexpr (kWidth == 2) {
    return {pack[0], pack[1]};
  } else {
    return {pack[0], pack[1], pack[2], pack[3]};
  }
}

template <int kWidth, class S>
__device__ __forceinline__ const typename VectorType<S, kWidth>::type* vector_at(const S* address) {
  return reinterpret_cast<const typename VectorType<S, kWidth>::type*>(address);
}
template <int kWidth, class S>
__device__ __forceinline__ typename VectorType<S, kWidth>::type* vector_at(S* address) {
  return reinterpret_cast<typename VectorType<S, kWidth>::type*>(address);
}

}  // namespace detail

/// A pack as it lies in memory: what a load brings and nothing has looked at yet. To unpack it is to wait for it, so a
/// kernel that wants many loads in flight issues all of them before.
template <class S, int kWidth>
using RawPack = typename VectorType<S, kWidth>::type;

template <int kWidth, class S>
__device__ __forceinline__ RawPack<S, kWidth> load_raw(const S* address) {
  return __ldg(detail::vector_at<kWidth>(address));
}
template <int kWidth, class S>
__device__ __forceinline__ RawPack<S, kWidth> load_raw_streamed(const S* address) {
  return __ldcs(detail::vector_at<kWidth>(address));
}
template <class S, int kWidth>
__device__ __forceinline__ Pack<Accumulator<S>, kWidth> unpack(const RawPack<S, kWidth>& raw) {
  return detail::unpack<S, kWidth>(raw);
}

// Loads widen 16-bit storage to float, and stores round it. A pack of floats beside one of eight in 16 bits is two
// memory instructions.

namespace detail {

inline constexpr int kMemoryBytes = 16;  // the most that a lane's memory instruction moves
template <class S, int kWidth>
inline constexpr int kPieceWidth = kWidth* static_cast<int>(sizeof(S)) <= kMemoryBytes
                                       ? kWidth
                                       : kMemoryBytes / static_cast<int>(sizeof(S));

/// The pack of what load_piece(address) brings of each piece.
template <int kWidth, class S, class Load>
__device__ __forceinline__ Pack<Accumulator<S>, kWidth> load_pieces(const S* address, const Load& load_piece) {
  constexpr int kPiece = kPieceWidth<S, kWidth>;
  if constexpr (kPiece == kWidth) {
    return unpack<S, kWidth>(load_piece(address));
  } else {
    Pack<Accumulator<S>, kWidth> pack;
#pragma unroll
    for (int first = 0; first < kWidth; first += kPiece) {
      const Pack<Accumulator<S>, kPiece> piece = unpack<S, kPiece>(load_piece(address + first));
#pragma unroll
      for (int k = 0; k < kPiece; ++k) pack[first + k] = piece[k];
    }
    return pack;
  }
}
/// store_piece(address, vector) of each piece.
template <int kWidth, class S, class Store>
__device__ __forceinline__ void store_pieces(S* address, const Pack<Accumulator<S>, kWidth>& pack,
                                             const Store& store_piece) {
  constexpr int kPiece = kPieceWidth<S, kWidth>;
  if constexpr (kPiece == kWidth) {
    store_piece(address, repack<S>(pack));
  } else {
#pragma unroll
    for (int first = 0; first < kWidth; first += kPiece) {
      Pack<Accumulator<S>, kPiece> piece;
#pragma unroll
      for (int k = 0; k < kPiece; ++k) piece[k] = pack[first + k];
      store_piece(address + first, repack<S>(piece));
    }
  }
}

}  // namespace detail

/// Coherent load: for memory that this kernel may also write.
template <int kWidth, class S>
__device__ __forceinline__ Pack<Accumulator<S>, kWidth> load(const S* address) {
  return detail::load_pieces<kWidth>(address, [](const S* piece) {
    const RawPack<S, detail::kPieceWidth<S, kWidth>> vector =
        *detail::vector_at<detail::kPieceWidth<S, kWidth>>(piece);  // in one piece
    return vector;
  });
}
/// Load through the read-only path: for memory that nobody writes while the kernel runs.
template <int kWidth, class S>
__device__ __forceinline__ Pack<Accumulator<S>, kWidth> load_read_only(const S* address) {
  return detail::load_pieces<kWidth>(address,
                                     [](const S* piece) { return load_raw<detail::kPieceWidth<S, kWidth>>(piece); });
}
/// Load of data that is used once: evicted first, so that it does not push reused rows out of the caches.
template <int kWidth, class S>
__device__ __forceinline__ Pack<Accumulator<S>, kWidth> load_streamed(const S* address) {
  return detail::load_pieces<kWidth>(
      address, [](const S* piece) { return load_raw_streamed<detail::kPieceWidth<S, kWidth>>(piece); });
}
template <int kWidth, class S>
__device__ __forceinline__ void store(S* address, const Pack<Accumulator<S>, kWidth>& pack) {
  detail::store_pieces<kWidth>(address, pack, [](S* piece, const auto& vector) {
    *detail::vector_at<detail::kPieceWidth<S, kWidth>>(piece) = vector;
  });
}
/// Store of data that this kernel does not read again.
template <int kWidth, class S>
__device__ __forceinline__ void store_streamed(S* address, const Pack<Accumulator<S>, kWidth>& pack) {
  detail::store_pieces<kWidth>(address, pack, [](S* piece, const auto& vector) {
    __stcs(detail::vector_at<detail::kPieceWidth<S, kWidth>>(piece), vector);
  });
}

// --- Rows ------------------------------------------------------------------------------------------------------------

/// A view of dimension 0: row r begins at data + r * stride. Null data stands for an optional argument not given.
template <class T>
struct Rows {
  T* data = nullptr;
  std::int64_t stride = 0;

  __host__ __device__ explicit operator bool() const { return data != nullptr; }
  /// Rows that are only read. A template, for nvcc warns of a conversion from a type to itself.
  template <class Read>
  requires(std::is_same_v<Read, const T> && !std::is_const_v<T>) __host__ __device__ operator Rows<Read>() const {
    return {data, stride};
  }
  __device__ T* operator[](std::int64_t row) const { return data + row * stride; }
};

/// Rows that edges name, in any order. Their stride is in bytes, as the host has multiplied it, and their numbers have
/// 32 bits: an address is two instructions in place of eight.
template <class T>
struct GatheredRows {
  T* data = nullptr;
  std::uint64_t stride = 0;

  GatheredRows() = default;
  template <class Element>
  requires std::is_convertible_v<Element*, T*> __host__ GatheredRows(const Rows<Element>& rows)
      : data(rows.data), stride(static_cast<std::uint64_t>(rows.stride) * sizeof(T)) {}

  __host__ __device__ explicit operator bool() const { return data != nullptr; }
  __device__ T* operator[](std::uint32_t row) const {
    using Byte = std::conditional_t<std::is_const_v<T>, const char, char>;
    return reinterpret_cast<T*>(reinterpret_cast<Byte*>(data) + row * stride);
  }
  /// The same rows, which are there, from their element `column` on.
  __device__ GatheredRows from(std::int64_t column) const {
    GatheredRows rows = *this;
    rows.data += column;
    return rows;
  }
};

template <class T>
Rows<const T> rows_of(const ConstTensorView& view) {
  return view.defined() ? Rows<const T>{view.as<T>(), view.row_stride()} : Rows<const T>{};
}
template <class T>
Rows<T> rows_of(const TensorView& view) {
  return view.defined() ? Rows<T>{view.as<T>(), view.row_stride()} : Rows<T>{};
}

// --- The width of packs ----------------------------------------------------------------------------------------------

inline constexpr int kPackBytes = kTuning.pack_bytes;
/// Packs are 16 bytes of what a lane computes with: a pack of 16-bit storage is 8 bytes in memory, so that a lane has
/// as many registers at work as for float32.
template <class S>
inline constexpr int kMaxPackWidth = kPackBytes / static_cast<int>(sizeof(Accumulator<S>));

/// Where instructions and not memory are the limit: 16 bytes in memory, in 16 bits too, so that the instructions of an
/// edge are shared by twice the columns.
template <class S>
inline constexpr int kWidestPack = is_half_type<S> ? 2 * kMaxPackWidth<S> : kMaxPackWidth<S>;

/// The widest pack of S, at most `widest`, that divides `columns` and to which every row of every given view is
/// aligned.
template <class S>
int pack_width(std::int64_t columns, std::initializer_list<ConstTensorView> views, int widest = kMaxPackWidth<S>) {
  int width = widest;
  while (columns % width != 0) width /= 2;
  for (const ConstTensorView& view : views) {
    if (!view.defined()) continue;
    const auto fits = [&] {
      const bool rows_fit = view.shape[0] <= 1 || view.row_stride() % width == 0;
      const std::size_t alignment = static_cast<std::size_t>(width) * size_of(view.dtype);
      return rows_fit && reinterpret_cast<std::uintptr_t>(view.data) % alignment == 0;
    };
    while (width > 1 && !fits()) width /= 2;
  }
  return width;
}

/// Calls `function` with the width as a compile-time constant, at most kWidest. 16-bit storage has whole packs or
/// single elements only, which spares instances for widths that nobody stores in 16 bits.
template <class S, int kWidest = kMaxPackWidth<S>, class Function>
void with_pack_width(int width, Function&& function) {
  if constexpr (kWidest > kMaxPackWidth<S>) {
    if (width == kWidest) return std::forward<Function>(function)(std::integral_constant<int, kWidest>{});
  }
  if constexpr (kMaxPackWidth<S> >= 4) {
    if (width == 4) return std::forward<Function>(function)(std::integral_constant<int, 4>{});
  }
  if constexpr (!is_half_type<S>) {
    if (width == 2) return std::forward<Function>(function)(std::integral_constant<int, 2>{});
  }
  return std::forward<Function>(function)(std::integral_constant<int, 1>{});
}

}  // namespace warpgnn::kernels
