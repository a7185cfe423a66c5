// SPDX-License-Identifier: MIT
#pragma once

#include <boost/context/fiber.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace simt {

/// A stack of its own, on which `body` runs when resumed until it suspends itself. The body never returns.
class Fiber {
 public:
  /// Stacks of one size all begin at the same place of a cache set; `colour` moves them apart.
  void create(unsigned colour, std::function<void()> body);
  bool created() const { return stack_.sp != nullptr; }

  void resume();   // the scheduler's side
  void suspend();  // the fiber's side

  bool on_stack(std::uintptr_t address) const { return address - lowest_ < stack_.size; }
  /// How far down the stack a frame lies; the same for the same calls in each fiber.
  std::uintptr_t depth_of(std::uintptr_t frame) const { return top_ - frame; }

 private:
  boost::context::fiber inside_, outside_;
  boost::context::stack_context stack_{};
  std::uintptr_t lowest_ = 0, top_ = 0;
  void* fake_stack_ = nullptr;  // AddressSanitizer's
};

}  // namespace simt
