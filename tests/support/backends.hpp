// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "warpgnn/context.hpp"
#include "warpgnn/dtype.hpp"

namespace warpgnn::test {

/// One way to run ops.
struct BackendCase {
  std::string name;
  DeviceType type = DeviceType::cpu;
  int threads = 1;  // CPU only

  Context open() const;
};

/// CPU with one thread, CPU with three, CUDA.
std::vector<BackendCase> backends();

/// Why the backend cannot run here; empty when it can.
std::string unavailable(const BackendCase& backend);

struct OpCase {
  BackendCase backend;
  Dtype dtype = Dtype::float32;
};

/// Every backend with every real dtype.
std::vector<OpCase> op_cases();
/// Every backend with both 16-bit storage types.
std::vector<OpCase> half_cases();
/// Every backend with float64: for gradients by differences, which lose half the digits.
std::vector<OpCase> float64_cases();

inline const BackendCase& backend_of(const BackendCase& param) {
  return param;
}
inline const BackendCase& backend_of(const OpCase& param) {
  return param.backend;
}

inline std::string name_of(const BackendCase& param) {
  return param.name;
}
inline std::string name_of(const OpCase& param) {
  return param.backend.name + "_" + warpgnn::name_of(param.dtype);
}

inline void PrintTo(const BackendCase& param, std::ostream* out) {
  *out << name_of(param);
}
inline void PrintTo(const OpCase& param, std::ostream* out) {
  *out << name_of(param);
}

/// How a parameter appears in a test's name: cpu3_float64.
struct CaseName {
  template <class Param>
  std::string operator()(const ::testing::TestParamInfo<Param>& info) const {
    return name_of(info.param);
  }
};

/// The base of every test that runs ops: opens the parameter's backend, or skips where it cannot run.
template <class Param>
class BackendFixture : public ::testing::TestWithParam<Param> {
 protected:
  void SetUp() override {
    const BackendCase& backend = backend_of(this->GetParam());
    if (const std::string reason = unavailable(backend); !reason.empty()) GTEST_SKIP() << reason;
    context_ = backend.open();
  }

  const Context& context() const { return *context_; }

 private:
  std::optional<Context> context_;
};

using BackendTest = BackendFixture<BackendCase>;

class OpTest : public BackendFixture<OpCase> {
 protected:
  /// What rows of features are stored as.
  Dtype dtype() const { return GetParam().dtype; }
  /// What everything else is stored as: scores, statistics, edge weights, parameters.
  Dtype accumulator() const { return accumulator_of(dtype()); }
};

}  // namespace warpgnn::test

/// Runs the tests of a fixture derived from OpTest, or from BackendTest, on every backend.
#define WARPGNN_INSTANTIATE_OP_TESTS(Fixture) \
  INSTANTIATE_TEST_SUITE_P(On, Fixture, ::testing::ValuesIn(::warpgnn::test::op_cases()), ::warpgnn::test::CaseName())
#define WARPGNN_INSTANTIATE_HALF_TESTS(Fixture) \
  INSTANTIATE_TEST_SUITE_P(On, Fixture, ::testing::ValuesIn(::warpgnn::test::half_cases()), ::warpgnn::test::CaseName())
#define WARPGNN_INSTANTIATE_FLOAT64_TESTS(Fixture)                                             \
  INSTANTIATE_TEST_SUITE_P(On, Fixture, ::testing::ValuesIn(::warpgnn::test::float64_cases()), \
                           ::warpgnn::test::CaseName())
#define WARPGNN_INSTANTIATE_BACKEND_TESTS(Fixture) \
  INSTANTIATE_TEST_SUITE_P(On, Fixture, ::testing::ValuesIn(::warpgnn::test::backends()), ::warpgnn::test::CaseName())
