// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

/// The oracle: every operator once more as plain loops in double precision over std::vector, in the caller's edge
/// order, straight from the formulas. It shares nothing with the library, so that a mistake there is not repeated here.
namespace oracle {

using Reals = std::vector<double>;
using Ids = std::vector<std::int64_t>;

/// Edge e goes from source[e] to destination[e].
struct Edges {
  std::int64_t num_sources = 0;
  std::int64_t num_destinations = 0;
  Ids source;
  Ids destination;

  std::size_t count() const { return source.size(); }
  std::size_t sources() const { return static_cast<std::size_t>(num_sources); }
  std::size_t destinations() const { return static_cast<std::size_t>(num_destinations); }
  std::size_t from(std::size_t e) const { return static_cast<std::size_t>(source[e]); }
  std::size_t to(std::size_t e) const { return static_cast<std::size_t>(destination[e]); }
};

/// Sums, and beside each the sum of the absolute values of its terms: the yardstick for rounding errors.
struct Sums {
  Reals value;
  Reals magnitude;

  explicit Sums(std::size_t size = 0) : value(size, 0.0), magnitude(size, 0.0) {}
  void add(std::size_t at, double term) { add(at, term, std::abs(term)); }
  void add(std::size_t at, double term, double term_magnitude) {
    value[at] += term;
    magnitude[at] += term_magnitude;
  }
};

}  // namespace oracle
