// SPDX-License-Identifier: MIT
// Every planted fault is found, and its corrected twin passes in silence.

#include "planted/planted.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simt/simt.hpp"

namespace planted {
namespace {

using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::Each;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kHasSanitizer = true;
#else
constexpr bool kHasSanitizer = false;
#endif

/// What is found without the compiler's calls before each access.
bool needs_no_hooks(const Fault& fault) {
  return fault.kind == "barrier" || fault.kind == "deadlock" || fault.kind == "mask" || fault.kind == "shuffle" ||
         fault.kind == "launch";
}

std::vector<Fault> all_faults() {
  std::vector<Fault> all;
  for (const auto& part : {bounds_faults(), content_faults(), race_faults(), barrier_faults()}) {
    for (const Fault& fault : part) {
      if (!kHasSanitizer || fault.seen_by_sanitizer || needs_no_hooks(fault)) all.push_back(fault);
    }
  }
  return all;
}

class PlantedTest : public ::testing::TestWithParam<Fault> {
 protected:
  void SetUp() override {
    simt::options() = {};
    simt::options().check_memory = simt::options().check_races = true;
    simt::take_findings();
  }
  void TearDown() override {
    simt::options() = {};
    cudaGetLastError();
  }
};

INSTANTIATE_TEST_SUITE_P(Kernel, PlantedTest, ::testing::ValuesIn(all_faults()),
                         [](const auto& test) { return test.param.name; });

TEST_P(PlantedTest, IsFound) {
  const Fault& fault = GetParam();
  if (kHasSanitizer && fault.seen_by_sanitizer) {
    EXPECT_DEATH(fault.run(true), "AddressSanitizer|misaligned address");
    return;
  }
  for (const simt::Order order : {simt::Order::forward, simt::Order::reverse, simt::Order::random}) {
    simt::options().order = order;
    fault.run(true);
    const auto findings = simt::take_findings();
    EXPECT_THAT(findings, Contains(Field("kind", &simt::Finding::kind, fault.kind)));
    // A finding's places are in the kernel, not in the headers that stand in for the toolkit.
    EXPECT_THAT(findings, Each(Field("text", &simt::Finding::text, Not(HasSubstr(".hpp:")))));
    EXPECT_NE(cudaGetLastError(), cudaSuccess);
  }
}

TEST_P(PlantedTest, CorrectedIsSilent) {
  for (const simt::Order order : {simt::Order::forward, simt::Order::reverse, simt::Order::random}) {
    simt::options().order = order;
    GetParam().run(false);
    EXPECT_EQ(cudaGetLastError(), cudaSuccess);
    for (const simt::Finding& finding : simt::take_findings()) ADD_FAILURE() << finding.kind << ": " << finding.text;
  }
}

TEST(ReportTest, NamesKernelAddressAndBothLines) {
  if (kHasSanitizer) GTEST_SKIP() << "needs the calls of -fsanitize=thread";
  simt::options().check_races = true;
  simt::take_findings();
  race_faults().front().run(true);
  simt::options() = {};
  cudaGetLastError();
  EXPECT_THAT(simt::take_findings(),
              Contains(Field("text", &simt::Finding::text,
                             ContainsRegex("missing_syncthreads on __shared__ shared \\+ [0-9]+ of 256 bytes: .*"
                                           "races.cu:[0-9]+.*races.cu:[0-9]+"))));
}

}  // namespace
}  // namespace planted
