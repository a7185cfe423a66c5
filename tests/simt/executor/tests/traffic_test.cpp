// SPDX-License-Identifier: MIT
// The counters, on kernels whose traffic is known by hand.

#include <gtest/gtest.h>

#include "planted/samples.hpp"
#include "simt/simt.hpp"

namespace planted {
namespace {

class TrafficTest : public ::testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "needs the calls of -fsanitize=thread";
#endif
    simt::options() = {.count_traffic = true};
    simt::take_traffic();
  }
  void TearDown() override {
    simt::options() = {};
  }

  static simt::LaunchTraffic traffic() {
    const std::vector<simt::LaunchTraffic> all = simt::take_traffic();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? simt::LaunchTraffic{} : all.front();
  }

  const DeviceArray x_{4096}, y_{128};
};

TEST_F(TrafficTest, SectorsOfStridedLoads) {
  const std::pair<int, std::uint64_t> cases[] = {{1, 4}, {2, 8}, {8, 32}, {32, 32}, {0, 1}};
  for (const auto& [stride, sectors] : cases) {
    run_strided_load(x_.get(), y_.get(), stride);
    const simt::LaunchTraffic got = traffic();
    EXPECT_EQ(got.kernel, "strided_load");
    EXPECT_EQ(got.loads.requests, 1u) << stride;
    EXPECT_EQ(got.loads.bytes, 128u) << stride;
    EXPECT_EQ(got.loads.sectors, sectors) << stride;
    EXPECT_EQ(got.loads.unique_sectors, sectors) << stride;
    EXPECT_EQ(got.stores.sectors, 4u) << stride;
  }
}

TEST_F(TrafficTest, WhatAWarpHasJustLoadedIsNotFetchedAgain) {
  const std::pair<int, std::uint64_t> cases[] = {{0, 4}, {1, 8}, {7, 32}, {8, 40}};  // others between two equal loads
  for (const auto& [others, sectors] : cases) {
    run_load_again(x_.get(), y_.get(), others);
    const simt::LaunchTraffic got = traffic();
    EXPECT_EQ(got.loads.sectors, 4u * (static_cast<unsigned>(others) + 2)) << others;
    EXPECT_EQ(got.loads.fetched_sectors, sectors) << others;
    EXPECT_EQ(got.loads.unique_sectors, 4u * (static_cast<unsigned>(others) + 1)) << others;
    EXPECT_EQ(got.stores.fetched_sectors, 4u) << others;
  }
}

TEST_F(TrafficTest, MisalignmentCostsASector) {
  run_strided_load(x_.get() + 1, y_.get(), 1);
  EXPECT_EQ(traffic().loads.sectors, 5u);
}

TEST_F(TrafficTest, VectorsAreOneRequest) {
  run_vector_copy(x_.get(), y_.get());
  const simt::LaunchTraffic got = traffic();
  EXPECT_EQ(got.loads.requests, 1u);
  EXPECT_EQ(got.loads.sectors, 16u);
  EXPECT_EQ(got.stores.requests, 1u);
  EXPECT_EQ(got.stores.sectors, 16u);
}

TEST_F(TrafficTest, BankConflicts) {
  const std::pair<int, std::uint64_t> cases[] = {{1, 0}, {2, 2}, {32, 62}, {33, 0}, {0, 0}};
  for (const auto& [stride, conflicts] : cases) {  // of a store and a load
    run_strided_shared(y_.get(), stride);
    const simt::LaunchTraffic got = traffic();
    EXPECT_EQ(got.shared.requests, 2u) << stride;
    EXPECT_EQ(got.shared.conflicts, conflicts) << stride;
    EXPECT_EQ(got.shared.wavefronts, 2 + conflicts) << stride;
  }
}

TEST_F(TrafficTest, LanesOfDivergentLoopsMeetAgain) {
  run_nested_loops(x_.get(), y_.get());
  const simt::LaunchTraffic got = traffic();
  EXPECT_EQ(got.loads.requests, 12u);  // three rounds of four steps
  EXPECT_EQ(got.loads.bytes, 4u * 3 * 8 * (1 + 2 + 3 + 4));
}

TEST_F(TrafficTest, Atomics) {
  const DeviceArray counter(1);
  run_counter(reinterpret_cast<int*>(counter.get()));
  const simt::LaunchTraffic got = traffic();
  EXPECT_EQ(got.atomics, 32u);
  EXPECT_EQ(got.stores.sectors, 1u);
}

}  // namespace
}  // namespace planted
