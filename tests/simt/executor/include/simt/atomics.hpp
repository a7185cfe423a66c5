// SPDX-License-Identifier: MIT
#pragma once

// Atomic operations. Lanes are switched only at collectives and counted accesses, never within an update, so plain code
// is atomic; what is left to do is to tell the checks that it was.

#include <algorithm>
#include <type_traits>

namespace simt {

/// Reports an atomic access at `site` to the checks.
void note_atomic(const void* address, std::size_t bytes, const void* site);

/// *address = update(*address); returns what was there. Not inlined: its return address is the place in the kernel.
template <class T, class Update>
[[gnu::noinline, gnu::no_sanitize("thread")]] T update_atomically(T* address, Update update) {
  static_assert(std::is_arithmetic_v<T> && sizeof(T) >= 4, "atomics work on 4 and 8 bytes");
  note_atomic(address, sizeof(T), __builtin_return_address(0));
  const T old = *address;
  *address = update(old);
  return old;
}

/// Keeps an argument out of template deduction, so that atomicAdd(&counter, 1) takes the counter's type.
template <class T>
using Operand = std::type_identity_t<T>;

}  // namespace simt

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's
template <class T>
T atomicAdd(T* address, simt::Operand<T> value) {
  return simt::update_atomically(address, [=](T old) { return static_cast<T>(old + value); });
}
template <class T>
T atomicSub(T* address, simt::Operand<T> value) {
  static_assert(sizeof(T) == 4 && std::is_integral_v<T>, "atomicSub: int or unsigned");
  return simt::update_atomically(address, [=](T old) { return static_cast<T>(old - value); });
}
template <class T>
T atomicMin(T* address, simt::Operand<T> value) {
  static_assert(std::is_integral_v<T>, "atomicMin: integers");
  return simt::update_atomically(address, [=](T old) { return std::min(old, value); });
}
template <class T>
T atomicMax(T* address, simt::Operand<T> value) {
  static_assert(std::is_integral_v<T>, "atomicMax: integers");
  return simt::update_atomically(address, [=](T old) { return std::max(old, value); });
}
template <class T>
T atomicAnd(T* address, simt::Operand<T> value) {
  return simt::update_atomically(address, [=](T old) { return old & value; });
}
template <class T>
T atomicOr(T* address, simt::Operand<T> value) {
  return simt::update_atomically(address, [=](T old) { return old | value; });
}
template <class T>
T atomicXor(T* address, simt::Operand<T> value) {
  return simt::update_atomically(address, [=](T old) { return old ^ value; });
}
template <class T>
T atomicExch(T* address, simt::Operand<T> value) {
  return simt::update_atomically(address, [=](T) { return value; });
}
template <class T>
T atomicCAS(T* address, simt::Operand<T> expected, simt::Operand<T> value) {
  static_assert(std::is_integral_v<T>, "atomicCAS: integers");
  return simt::update_atomically(address, [=](T old) { return old == expected ? value : old; });
}
// NOLINTEND(readability-identifier-naming)
