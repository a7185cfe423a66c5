// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>

#include "tests/support/test_tensor.hpp"

namespace warpgnn::test {

/// Distance from 1 to the next number of what ops on this dtype compute in: float32 for 16-bit storage.
double epsilon_of(Dtype dtype);
/// What one rounding to 16-bit storage may lose, relative to the number; 0 where results are stored as computed.
double storage_rounding(Dtype dtype);

/// What a sum of up to kChunkEdges terms may lose, in units of epsilon times the sum of |terms|. Equal terms round the
/// same way each time, so that half an epsilon a term is possible, if rare.
inline constexpr double kSumFactor = 64;

/// Edges of a hub: enough to tell sums in chunks from plain ones, with more chunks than a warp has lanes, and no more
/// than the executor of tests/simt can walk.
std::int64_t hub_edges(const Context& context);
/// What the sum over such a hub may lose: 1e-6 of the sum of |terms| in float32. In float64 the oracle's own
/// plain sum is no better than the library's, and both are far below 1e-12.
double hub_factor(Dtype dtype);

/// Each of these fails the test with the first element that differs and how many do. An element that was never written
/// fails in every mode. NaN must meet NaN, and an infinity the same infinity.

/// Every element is exactly the number wanted: for inputs whose result is exact in the dtype.
void expect_exact(const TestTensor& got, const oracle::Reals& want, const std::string& what);
/// |got - want| <= factor * epsilon * (sum of |terms|), element by element. In 16-bit storage one rounding of the
/// result is allowed beside it, which is half of what the naive computation in that format would lose at least.
void expect_close(const TestTensor& got, const oracle::Sums& want, double factor, const std::string& what);
/// |got - want| <= factor * epsilon * max(|want|, floor), element by element.
void expect_relative(const TestTensor& got, const oracle::Reals& want, double factor, const std::string& what,
                     double floor = 0);
void expect_ids(const TestTensor& got, const oracle::Ids& want, const std::string& what);
/// The same bits, element by element.
void expect_same_bits(const TestTensor& got, const TestTensor& want, const std::string& what);

/// Compares `gradient` with central differences of `loss` around `at`: h = 1e-6, error at most 1e-6 of the largest
/// derivative. A gradient that is zero everywhere proves nothing and fails.
void expect_gradient(const std::function<double(const oracle::Reals&)>& loss, const oracle::Reals& at,
                     const oracle::Reals& gradient, const std::string& what);

/// <a, b>: with a random vector a, the loss whose gradient in b is a.
double dot(const oracle::Reals& a, const oracle::Reals& b);

}  // namespace warpgnn::test
