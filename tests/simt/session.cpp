// SPDX-License-Identifier: MIT
// Runs a GoogleTest program on the executor: with --gtest_repeat=2, first with lanes in forward order and all checks,
// then in reverse, so that each of two lanes comes first once; with more, also in random orders. A test fails if
// anything was found while it ran, or if an order changed a bit of what it read back.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>

#include "simt/simt.hpp"
#include "tests/support/memory_marks.hpp"

namespace warpgnn::test {

void mark_uninitialised(const void* memory, std::size_t bytes) {
  simt::mark_uninitialised(memory, bytes);
}
void forbid(const void* memory, std::size_t bytes) {
  simt::forbid(memory, bytes);
}

namespace {

/// Where each program leaves the names of the kernels it launched, for kernel_coverage.sh.
constexpr const char* kLogVariable = "WARPGNN_SIMT_LOG";

const char* name_of(simt::Order order) {
  switch (order) {
    case simt::Order::forward: return "forward";
    case simt::Order::reverse: return "reverse";
    case simt::Order::random: return "random";
  }
  return "unknown";
}

class Session : public ::testing::EmptyTestEventListener {
  void OnTestIterationStart(const ::testing::UnitTest&, int iteration) override {
    constexpr simt::Order kOrders[] = {simt::Order::forward, simt::Order::reverse, simt::Order::random};
    simt::Options& options = simt::options();
    options.order = kOrders[iteration % 3];
    options.seed = static_cast<std::uint64_t>(iteration);
    options.check_memory = options.check_races = iteration % 3 == 0;
  }

  void OnTestStart(const ::testing::TestInfo&) override { simt::restart_digest(); }

  void OnTestEnd(const ::testing::TestInfo& info) override {
    for (const simt::Finding& finding : simt::take_findings()) {
      ADD_FAILURE() << "[" << finding.kind << "] " << finding.text;
    }
    const std::string name = std::string(info.test_suite_name()) + "." + info.name();
    const auto [first, is_new] = digests_.try_emplace(name, simt::digest());
    if (!is_new && first->second != simt::digest()) {
      ADD_FAILURE() << name << ": lanes in " << name_of(simt::options().order)
                    << " order compute other bits than in forward order";
    }
  }

  void OnTestProgramEnd(const ::testing::UnitTest&) override {
    const std::vector<std::string> kernels = simt::launched_kernels();
    std::printf("SIMT executor: %llu launches of %zu kernels\n", static_cast<unsigned long long>(simt::launch_count()),
                kernels.size());
    const char* const folder = std::getenv(kLogVariable);
    if (folder == nullptr) return;
    std::ofstream log(std::string(folder) + "/" + std::to_string(getpid()) + ".log");
    log << "launches " << simt::launch_count() << "\n";
    for (const std::string& kernel : kernels) log << "kernel " << kernel << "\n";
  }

  std::map<std::string, std::uint64_t> digests_;
};

const bool kListening = [] {
  ::testing::UnitTest::GetInstance()->listeners().Append(new Session);
  return true;
}();

}  // namespace
}  // namespace warpgnn::test
