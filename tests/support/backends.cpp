// SPDX-License-Identifier: MIT
#include "tests/support/backends.hpp"

#include <cstdio>

#include "tests/support/seeds.hpp"

namespace warpgnn::test {
namespace {

constexpr const char* kCudaName = "cuda";

std::string cuda_unavailable() {
  if (!cuda_built()) return "CUDA is not built into this library";
  if (cuda_device_count() == 0) return "no CUDA device";
  return {};
}

/// Says how to repeat a failure, and at the end how much of the suite ran on a GPU.
class Reporter : public ::testing::EmptyTestEventListener {
  void OnTestEnd(const ::testing::TestInfo& info) override {
    const std::string name = std::string(info.test_suite_name()) + "." + info.name();
    if (info.result()->Failed()) {
      std::printf("repeat with: WARPGNN_TEST_SEED=%llu --gtest_filter='%s'\n",
                  static_cast<unsigned long long>(test_seed()), name.c_str());
    }
    if (name.find(kCudaName) == std::string::npos) return;
    ++(info.result()->Skipped() ? skipped_ : ran_);
  }

  void OnTestProgramEnd(const ::testing::UnitTest&) override {
    if (ran_ + skipped_ == 0) return;
    const std::string reason = cuda_unavailable();
    std::printf("CUDA: %d ran, %d skipped%s\n", ran_, skipped_, reason.empty() ? "" : (" (" + reason + ")").c_str());
  }

  int ran_ = 0;
  int skipped_ = 0;
};

const bool kReporting = [] {
  ::testing::UnitTest::GetInstance()->listeners().Append(new Reporter);
  return true;
}();

}  // namespace

Context BackendCase::open() const {
  return type == DeviceType::cuda ? Context::cuda() : Context::cpu(threads);
}

std::vector<BackendCase> backends() {
  return {{"cpu1", DeviceType::cpu, 1}, {"cpu3", DeviceType::cpu, 3}, {kCudaName, DeviceType::cuda, 0}};
}

std::string unavailable(const BackendCase& backend) {
  return backend.type == DeviceType::cuda ? cuda_unavailable() : std::string();
}

namespace {

std::vector<OpCase> cases_of(std::initializer_list<Dtype> dtypes) {
  std::vector<OpCase> cases;
  for (const BackendCase& backend : backends()) {
    for (const Dtype dtype : dtypes) cases.push_back({backend, dtype});
  }
  return cases;
}

}  // namespace

std::vector<OpCase> op_cases() {
  return cases_of({Dtype::float32, Dtype::float64});
}

std::vector<OpCase> half_cases() {
  return cases_of({Dtype::float16, Dtype::bfloat16});
}

std::vector<OpCase> float64_cases() {
  return cases_of({Dtype::float64});
}

}  // namespace warpgnn::test
