// SPDX-License-Identifier: MIT
#pragma once

// float4 and its like. They are copied as a whole, so that a load of one is one memory access as it is on a GPU: its
// alignment is then checked, and its width counted, as such.

#include <cstddef>

namespace simt {

template <std::size_t kBytes>
struct Bits;
template <>
struct Bits<2> {
  typedef unsigned short type __attribute__((may_alias));
};
template <>
struct Bits<4> {
  typedef unsigned type __attribute__((may_alias));
};
template <>
struct Bits<8> {
  typedef unsigned long long type __attribute__((may_alias));
};
template <>
struct Bits<16> {
  typedef long long type __attribute__((vector_size(16), may_alias));
};

template <class Vector>
inline void copy_whole(Vector* target, const Vector* source) {
  using Whole = typename Bits<sizeof(Vector)>::type;
  *reinterpret_cast<Whole*>(target) = *reinterpret_cast<const Whole*>(source);
}

template <class T>
struct alignas(2 * sizeof(T)) Vector2 {
  T x, y;

  Vector2() = default;
  constexpr Vector2(T x_, T y_) : x(x_), y(y_) {}
  Vector2(const Vector2& other) { copy_whole(this, &other); }
  Vector2& operator=(const Vector2& other) {
    copy_whole(this, &other);
    return *this;
  }
};

template <class T>
struct alignas(4 * sizeof(T)) Vector4 {
  T x, y, z, w;

  Vector4() = default;
  constexpr Vector4(T x_, T y_, T z_, T w_) : x(x_), y(y_), z(z_), w(w_) {}
  Vector4(const Vector4& other) { copy_whole(this, &other); }
  Vector4& operator=(const Vector4& other) {
    copy_whole(this, &other);
    return *this;
  }
};

}  // namespace simt

using char2 = simt::Vector2<signed char>;
using char4 = simt::Vector4<signed char>;
using uchar2 = simt::Vector2<unsigned char>;
using uchar4 = simt::Vector4<unsigned char>;
using short2 = simt::Vector2<short>;
using short4 = simt::Vector4<short>;
using ushort2 = simt::Vector2<unsigned short>;
using ushort4 = simt::Vector4<unsigned short>;
using int2 = simt::Vector2<int>;
using int4 = simt::Vector4<int>;
using uint2 = simt::Vector2<unsigned>;
using uint4 = simt::Vector4<unsigned>;
using longlong2 = simt::Vector2<long long>;
using ulonglong2 = simt::Vector2<unsigned long long>;
using float2 = simt::Vector2<float>;
using float4 = simt::Vector4<float>;
using double2 = simt::Vector2<double>;

inline int2 make_int2(int x, int y) {
  return {x, y};
}
inline int4 make_int4(int x, int y, int z, int w) {
  return {x, y, z, w};
}
inline uint2 make_uint2(unsigned x, unsigned y) {
  return {x, y};
}
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) {
  return {x, y, z, w};
}
inline float2 make_float2(float x, float y) {
  return {x, y};
}
inline float4 make_float4(float x, float y, float z, float w) {
  return {x, y, z, w};
}
inline double2 make_double2(double x, double y) {
  return {x, y};
}

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's
struct uint3 {
  unsigned x, y, z;
};

struct dim3 {
  unsigned x = 1, y = 1, z = 1;

  constexpr dim3() = default;
  constexpr explicit(false) dim3(unsigned x_, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
// NOLINTEND(readability-identifier-naming)
