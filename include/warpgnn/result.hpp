// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "warpgnn/context.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// What an op's results are wanted for: a backward reads more of them than its forward's caller.
enum class Purpose : std::uint8_t { training, inference };

/// Calls `function` with every view of an op's result struct, which has nothing else in it.
template <class Result, class Function>
void for_each_view(Result& result, Function&& function) {
  constexpr std::size_t count = sizeof(Result) / sizeof(TensorView);
  static_assert(count * sizeof(TensorView) == sizeof(Result) && count >= 1 && count <= 5);
  const auto each = [&](auto&... views) { (function(views), ...); };
  if constexpr (count == 1) {
    auto& [a] = result;
    each(a);
  } else if constexpr (count == 2) {
    auto& [a, b] = result;
    each(a, b);
  } else if constexpr (count == 3) {
    auto& [a, b, c] = result;
    each(a, b, c);
  } else if constexpr (count == 4) {
    auto& [a, b, c, d] = result;
    each(a, b, c, d);
  } else {
    auto& [a, b, c, d, e] = result;
    each(a, b, c, d, e);
  }
}

/// An op's result struct and the memory behind its views. Move-only. `allocate(context, op)` makes one that fits; it
/// takes the shapes from the leading arguments of `op` and leaves all other checks to the op. Ops whose results are the
/// caller's state (batch norm) or have a dtype of the caller's choice (gcn_norm, relation_weights) have none.
template <class Result>
class Owned {
 public:
  Owned() = default;
  /// @param layouts views of the wanted dtypes and shapes; one that is undefined stays so.
  Owned(const Context& context, const Result& layouts) : views_(layouts) {
    for_each_view(views_, [&](TensorView& view) {
      if (!view.defined()) return;
      memory_.emplace_back(context, view.dtype, std::span(view.shape.data(), static_cast<std::size_t>(view.ndim)));
      view = memory_.back();
    });
  }

  const Result& views() const { return views_; }
  const Result* operator->() const { return &views_; }
  operator const Result&() const { return views_; }

 private:
  Result views_{};
  std::vector<Tensor> memory_;
};

}  // namespace warpgnn
