// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "warpgnn/half.hpp"

namespace warpgnn {

/// Element type of a tensor. int32 and int64 hold indices, labels and counters. Ops compute in float32 or float64;
/// float16 and bfloat16 are for storage, and computed with in float32.
enum class Dtype : std::uint8_t { float32, float64, int32, int64, float16, bfloat16 };

/// Whether this type is for storage only.
constexpr bool is_half(Dtype dtype) {
  return dtype == Dtype::float16 || dtype == Dtype::bfloat16;
}

/// Whether ops compute in this type.
constexpr bool is_real(Dtype dtype) {
  return dtype == Dtype::float32 || dtype == Dtype::float64;
}

/// What ops compute in when their rows are stored as `dtype`, and what everything that belongs to the computation is
/// stored as: softmax statistics, scores, edge weights, parameters that are not matrices, and gradients of parameters.
constexpr Dtype accumulator_of(Dtype dtype) {
  return is_half(dtype) ? Dtype::float32 : dtype;
}

/// The bytes of an element.
constexpr std::size_t size_of(Dtype dtype) {
  if (is_half(dtype)) return 2;
  return dtype == Dtype::float32 || dtype == Dtype::int32 ? 4 : 8;
}

/// The type's name, as it stands in messages.
constexpr const char* name_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::float32: return "float32";
    case Dtype::float64: return "float64";
    case Dtype::int32: return "int32";
    case Dtype::int64: return "int64";
    case Dtype::float16: return "float16";
    case Dtype::bfloat16: return "bfloat16";
  }
  return "unknown";
}

/// The Dtype of a C++ type.
template <class T>
struct DtypeOf;
template <>
struct DtypeOf<float> {
  static constexpr Dtype value = Dtype::float32;
};
template <>
struct DtypeOf<double> {
  static constexpr Dtype value = Dtype::float64;
};
template <>
struct DtypeOf<std::int32_t> {
  static constexpr Dtype value = Dtype::int32;
};
template <>
struct DtypeOf<std::int64_t> {
  static constexpr Dtype value = Dtype::int64;
};
template <>
struct DtypeOf<Float16> {
  static constexpr Dtype value = Dtype::float16;
};
template <>
struct DtypeOf<BFloat16> {
  static constexpr Dtype value = Dtype::bfloat16;
};

/// The Dtype of a C++ type, as a value.
template <class T>
inline constexpr Dtype dtype_of = DtypeOf<T>::value;

}  // namespace warpgnn
