// SPDX-License-Identifier: MIT
#include "data/matrix.hpp"

#include <algorithm>

namespace train {

Categories categorise(const std::vector<std::int64_t>& raw) {
  return categorise_known({raw.begin(), raw.end()});
}

Categories categorise_known(const std::vector<std::optional<std::int64_t>>& raw) {
  Categories categories;
  for (const auto& label : raw) {
    if (label) categories.value.push_back(*label);
  }
  std::sort(categories.value.begin(), categories.value.end());
  categories.value.erase(std::unique(categories.value.begin(), categories.value.end()), categories.value.end());
  categories.index.reserve(raw.size());
  for (const auto& label : raw) {
    const auto found = std::lower_bound(categories.value.begin(), categories.value.end(), label.value_or(0));
    categories.index.push_back(label ? static_cast<std::int32_t>(found - categories.value.begin()) : -1);
  }
  return categories;
}

}  // namespace train
