// SPDX-License-Identifier: MIT
// Addresses of elements beyond 2^31 and 2^33, by the helpers with which the kernels compute them.

#include "addresses.hpp"

#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <limits>

namespace helpers {
namespace {

/// `count` numbers that a kernel writes.
class Numbers {
 public:
  explicit Numbers(std::size_t count) : count_(count) { cudaMalloc(&data_, count * sizeof(std::int64_t)); }
  ~Numbers() { cudaFree(data_); }
  Numbers(const Numbers&) = delete;
  Numbers& operator=(const Numbers&) = delete;

  std::int64_t* get() const { return data_; }
  std::vector<std::int64_t> read() const {
    std::vector<std::int64_t> values(count_);
    cudaMemcpy(values.data(), data_, count_ * sizeof(std::int64_t), cudaMemcpyDeviceToHost);
    return values;
  }

 private:
  std::int64_t* data_ = nullptr;
  std::size_t count_;
};

constexpr std::int64_t kLastId = std::numeric_limits<std::int32_t>::max();  // of a node or an edge

TEST(AddressesTest, RowsAndPacks) {
  const std::vector<FarPlace> places = {
      {0, 4, 0},                             // nothing far
      {65536, 32768, 8},                     // 2^31 elements: one more than an int holds
      {131072, 32768, 32764},                // 2^32, at which an unsigned is 0 again
      {3, (std::int64_t{1} << 31) + 4, 12},  // a stride that is no int
      {kLastId, 4096, 4092},                 // 2^43, the last edge's row of 32 heads of 128 channels
      {2, 1, std::int64_t{3} << 31},         // a column beyond 2^32
  };
  const Numbers elements(places.size()), bytes(places.size());
  run_row_offsets(places, elements.get(), bytes.get());
  const std::vector<std::int64_t> wanted = {0, 2147483648, 4294967296, 6442450956, 8796093018112, 2};
  const std::vector<std::int64_t> wanted_bytes = {0, 32, 131056, 48, 16368, 25769803776};
  EXPECT_EQ(elements.read(), wanted);
  EXPECT_EQ(bytes.read(), wanted_bytes);
}

TEST(AddressesTest, GroupsOfManyTiles) {
  const Numbers found(2);
  const auto expect = [&](std::int64_t number, int tiles, std::int64_t item, std::int64_t tile) {
    run_split_tile(number, tiles, found.get());
    EXPECT_EQ(found.read(), (std::vector<std::int64_t>{item, tile})) << number << " of " << tiles;
  };
  expect(kLastId, 1, kLastId, 0);
  expect(6442450947, 1, 6442450947, 0);  // 3 * 2^31 + 3
  expect(6442450947, 3, 2147483649, 0);
  expect(17179869183, 8, kLastId, 7);  // 2^34 - 1: the last tile of the last node
}

TEST(AddressesTest, ColumnsOfWideRows) {
  // 40,001 heads of 65,540 channels: 2.6e9 columns. The last tile holds the last pack of the last head alone.
  const Numbers columns(32);
  run_last_columns(40001, 65540, columns.get());
  std::vector<std::int64_t> wanted(32, -1);
  wanted[0] = 2621665536;  // 40001 * 65540 - 4
  EXPECT_EQ(columns.read(), wanted);
}

}  // namespace
}  // namespace helpers
