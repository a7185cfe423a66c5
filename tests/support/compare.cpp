// SPDX-License-Identifier: MIT
#include "tests/support/compare.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iomanip>
#include <limits>
#include <sstream>

namespace warpgnn::test {
namespace {

using oracle::Reals;

/// The oracle's own rounding, which matters against a float64 result.
constexpr double kOracleError = 1e-13;

/// Collects what differs and reports it once.
class Differences {
 public:
  explicit Differences(std::string what) : what_(std::move(what)) {}

  template <class T>
  void add(std::size_t index, T got, T want, const std::string& remark) {
    if (count_++ > 0) return;
    std::ostringstream text;
    text << std::setprecision(17) << "[" << index << "] is " << got << ", expected " << want << remark;
    first_ = text.str();
  }
  void report(std::size_t size, const std::string& remark = "") const {
    if (count_ == 0) return;
    ADD_FAILURE() << what_ << first_ << "; " << count_ << " of " << size << " elements differ" << remark;
  }

 private:
  std::string what_;
  std::string first_;
  std::size_t count_ = 0;
};

void expect_size(const TestTensor& got, std::size_t want, const std::string& what) {
  ASSERT_EQ(static_cast<std::size_t>(got.view().count()), want) << what << ": the test's own sizes disagree";
}

void expect_written(const TestTensor& got, const std::string& what) {
  const std::vector<unsigned char> bits = got.bits();
  const std::size_t size = size_of(got.dtype());
  for (std::size_t k = 0; k * size < bits.size(); ++k) {
    if (!is_fill(bits.data() + k * size, got.dtype())) continue;
    ADD_FAILURE() << what << "[" << k << "] was never written, or is made of padding or stale workspace";
    return;
  }
}

/// What may be lost where a result underflows: the smallest normal number, or the step of float16's subnormals.
double smallest_of(Dtype dtype) {
  if (dtype == Dtype::float64) return std::numeric_limits<double>::min();
  return dtype == Dtype::float16 ? 0x1p-24 : static_cast<double>(std::numeric_limits<float>::min());
}

bool same_special(double got, double want) {
  return (std::isnan(got) && std::isnan(want)) || (std::isinf(want) && got == want);
}

template <class Tolerance>
void expect_within(const TestTensor& got_tensor, const Reals& want, const std::string& what, Tolerance tolerance,
                   double floor) {
  expect_size(got_tensor, want.size(), what);
  if (::testing::Test::HasFatalFailure()) return;
  expect_written(got_tensor, what);
  const Reals got = got_tensor.reals();
  Differences differences(what);
  for (std::size_t k = 0; k < want.size(); ++k) {
    if (same_special(got[k], want[k])) continue;
    const double allowed = tolerance(k) + floor;
    const double error = std::abs(got[k] - want[k]);
    if (!(error <= allowed)) {
      std::ostringstream remark;
      remark << " (off by " << error << ", allowed " << allowed << ")";
      differences.add(k, got[k], want[k], remark.str());
    }
  }
  const auto zeros = static_cast<std::size_t>(std::count(got.begin(), got.end(), 0.0));
  differences.report(want.size(), 2 * zeros > want.size() ? "; the result is mostly zeros" : "");
}

}  // namespace

double epsilon_of(Dtype dtype) {
  return dtype == Dtype::float64 ? std::numeric_limits<double>::epsilon()
                                 : static_cast<double>(std::numeric_limits<float>::epsilon());
}

double storage_rounding(Dtype dtype) {
  if (!is_half(dtype)) return 0;
  return dtype == Dtype::float16 ? 0x1p-11 : 0x1p-8;
}

std::int64_t hub_edges(const Context& context) {
  return context.is_cuda() ? 17000 : 100000;
}

double hub_factor(Dtype dtype) {
  return (dtype == Dtype::float64 ? 1e-12 : 1e-6) / epsilon_of(dtype);
}

void expect_exact(const TestTensor& got, const Reals& want, const std::string& what) {
  expect_within(
      got, want, what, [](std::size_t) { return 0.0; }, 0.0);
}

void expect_close(const TestTensor& got, const oracle::Sums& want, double factor, const std::string& what) {
  const double scale = factor * epsilon_of(got.dtype()) + (got.dtype() == Dtype::float64 ? kOracleError : 0.0);
  const double rounding = 1.001 * storage_rounding(got.dtype());
  const auto tolerance = [&](std::size_t k) { return scale * want.magnitude[k] + rounding * std::abs(want.value[k]); };
  expect_within(got, want.value, what, tolerance, smallest_of(got.dtype()));
}

void expect_relative(const TestTensor& got, const Reals& want, double factor, const std::string& what, double floor) {
  const double scale = factor * epsilon_of(got.dtype()) + 1.001 * storage_rounding(got.dtype());
  expect_within(
      got, want, what, [&](std::size_t k) { return scale * std::max(std::abs(want[k]), floor); },
      smallest_of(got.dtype()));
}

void expect_ids(const TestTensor& got_tensor, const oracle::Ids& want, const std::string& what) {
  expect_size(got_tensor, want.size(), what);
  if (::testing::Test::HasFatalFailure()) return;
  expect_written(got_tensor, what);
  const oracle::Ids got = got_tensor.ids();
  Differences differences(what);
  for (std::size_t k = 0; k < want.size(); ++k) {
    if (got[k] != want[k]) differences.add(k, got[k], want[k], "");
  }
  differences.report(want.size());
}

void expect_same_bits(const TestTensor& got, const TestTensor& want, const std::string& what) {
  expect_written(got, what);
  const std::vector<unsigned char> left = got.bits(), right = want.bits();
  ASSERT_EQ(left.size(), right.size()) << what;
  const auto at = std::mismatch(left.begin(), left.end(), right.begin()).first;
  if (at == left.end()) return;
  ADD_FAILURE() << what << "[" << static_cast<std::size_t>(at - left.begin()) / size_of(got.dtype())
                << "] does not have the same bits";
}

void expect_gradient(const std::function<double(const Reals&)>& loss, const Reals& at, const Reals& gradient,
                     const std::string& what) {
  constexpr double kStep = 1e-6, kTolerance = 1e-6;
  ASSERT_EQ(at.size(), gradient.size()) << what;
  Reals numeric(at.size());
  double largest = 0.0;
  for (std::size_t k = 0; k < at.size(); ++k) {
    Reals shifted = at;
    shifted[k] = at[k] + kStep;
    const double above = loss(shifted);
    shifted[k] = at[k] - kStep;
    numeric[k] = (above - loss(shifted)) / (2 * kStep);
    largest = std::max(largest, std::abs(numeric[k]));
  }
  ASSERT_GT(largest, 0.0) << what << ": a loss that does not depend on its argument proves nothing";
  Differences differences(what);
  for (std::size_t k = 0; k < at.size(); ++k) {
    if (!(std::abs(gradient[k] - numeric[k]) <= kTolerance * largest)) {
      differences.add(k, gradient[k], numeric[k], " by central differences");
    }
  }
  differences.report(at.size());
}

double dot(const Reals& a, const Reals& b) {
  double total = 0.0;
  for (std::size_t k = 0; k < a.size(); ++k) total += a[k] * b[k];
  return total;
}

}  // namespace warpgnn::test
