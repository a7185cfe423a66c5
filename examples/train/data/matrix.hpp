// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace train {

/// Labels of any integers, mapped to 0..K-1 in increasing order. Empty when the data set has none.
struct Categories {
  std::vector<std::int32_t> index;  ///< one per item, in [0, value.size()), or -1: no label
  std::vector<std::int64_t> value;  ///< the integer in the file, by index
  bool empty() const { return value.empty(); }
  std::int64_t count() const { return static_cast<std::int64_t>(value.size()); }
};

/// Maps raw labels to categories.
Categories categorise(const std::vector<std::int64_t>& raw);
/// The same where some items have no label: their index is -1.
Categories categorise_known(const std::vector<std::optional<std::int64_t>>& raw);

/// A row-major matrix on the host. No columns: there is no such data.
struct Matrix {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::vector<double> values;
};

}  // namespace train
