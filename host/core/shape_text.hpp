// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace warpgnn {

/// How sizes and strides appear in messages: [4, 3]. A negative size is one that may be anything: N.
inline std::string list_text(std::span<const std::int64_t> numbers) {
  std::string text = "[";
  for (std::size_t k = 0; k < numbers.size(); ++k) {
    text += (k > 0 ? ", " : "") + (numbers[k] < 0 ? "N" : std::to_string(numbers[k]));
  }
  return text + "]";
}

}  // namespace warpgnn
