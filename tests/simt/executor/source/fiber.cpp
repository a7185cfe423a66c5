// SPDX-License-Identifier: MIT
#include "fiber.hpp"

#include <boost/context/protected_fixedsize_stack.hpp>
#include <cstdint>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace simt {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kStackBytes = std::size_t{512} << 10;  // a report is put together on the stack it is about

// The scheduler's own stack, learned at each switch away from it.
const void* scheduler_stack = nullptr;
std::size_t scheduler_stack_bytes = 0;

void announce_switch(void** fake_stack, const void* lowest, std::size_t bytes) {
  __sanitizer_start_switch_fiber(fake_stack, lowest, bytes);
}
void finish_switch(void* fake_stack, const void** lowest, std::size_t* bytes) {
  __sanitizer_finish_switch_fiber(fake_stack, lowest, bytes);
}
#else
constexpr std::size_t kStackBytes = std::size_t{64} << 10;

const void* scheduler_stack = nullptr;
std::size_t scheduler_stack_bytes = 0;

void announce_switch(void**, const void*, std::size_t) {}
void finish_switch(void*, const void**, std::size_t*) {}
#endif

// Steps keep the alignment that Boost gives the top of a stack, so that equal frames lie at equal depths.
constexpr std::size_t kColourStep = 256;
constexpr unsigned kColours = 16;

}  // namespace

void Fiber::create(unsigned colour, std::function<void()> body) {
  boost::context::protected_fixedsize_stack allocator(kStackBytes);
  stack_ = allocator.allocate();
  lowest_ = reinterpret_cast<std::uintptr_t>(stack_.sp) - stack_.size;
  const std::size_t shift = colour % kColours * kColourStep;
  top_ = lowest_ + stack_.size - shift;
  const boost::context::preallocated place(static_cast<char*>(stack_.sp) - shift, stack_.size - shift, stack_);
  inside_ = boost::context::fiber(std::allocator_arg, place, allocator,
                                  [this, body = std::move(body)](boost::context::fiber&& outside) {
                                    outside_ = std::move(outside);
                                    finish_switch(nullptr, &scheduler_stack, &scheduler_stack_bytes);
                                    body();
                                    return std::move(outside_);
                                  });
}

void Fiber::resume() {
  void* fake_stack = nullptr;
  announce_switch(&fake_stack, reinterpret_cast<const void*>(lowest_), stack_.size);
  inside_ = std::move(inside_).resume();
  finish_switch(fake_stack, nullptr, nullptr);
}

void Fiber::suspend() {
  announce_switch(&fake_stack_, scheduler_stack, scheduler_stack_bytes);
  outside_ = std::move(outside_).resume();
  finish_switch(fake_stack_, &scheduler_stack, &scheduler_stack_bytes);
}

}  // namespace simt
