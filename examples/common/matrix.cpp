#include "common/matrix.hpp"

#include <algorithm>

namespace examples {

Categories categorise(const std::vector<std::int64_t>& raw) {
  Categories categories;
  categories.value = raw;
  std::sort(categories.value.begin(), categories.value.end());
  categories.value.erase(std::unique(categories.value.begin(), categories.value.end()), categories.value.end());
  categories.index.reserve(raw.size());
  for (const std::int64_t label : raw) {
    const auto found = std::lower_bound(categories.value.begin(), categories.value.end(), label);
    categories.index.push_back(static_cast<std::int32_t>(found - categories.value.begin()));
  }
  return categories;
}

}  // namespace examples
