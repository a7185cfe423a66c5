#pragma once

#include <cstddef>
#include <cstdint>

namespace warpgnn {

/// Element type of a tensor. Ops compute on float32 and float64; int32 and int64 hold indices, labels and counters.
enum class Dtype : std::uint8_t { float32, float64, int32, int64 };

constexpr std::size_t size_of(Dtype dtype) {
  return dtype == Dtype::float32 || dtype == Dtype::int32 ? 4 : 8;
}

constexpr bool is_real(Dtype dtype) {
  return dtype == Dtype::float32 || dtype == Dtype::float64;
}

constexpr const char* name_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::float32: return "float32";
    case Dtype::float64: return "float64";
    case Dtype::int32: return "int32";
    case Dtype::int64: return "int64";
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

template <class T>
inline constexpr Dtype dtype_of = DtypeOf<T>::value;

}  // namespace warpgnn
