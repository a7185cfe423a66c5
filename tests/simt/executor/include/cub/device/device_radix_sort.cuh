// SPDX-License-Identifier: MIT
#pragma once

// cub::DeviceRadixSort as the graph builder calls it: the same two-call protocol, on the host.

#include <cuda_runtime.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "simt/host_work.hpp"

namespace cub {

struct DeviceRadixSort {
  /// Sorts by bits [begin_bit, end_bit) of the keys, stably.
  template <class Key, class Value, class Count>
  // NOLINTNEXTLINE(readability-identifier-naming): the name is CUB's
  static cudaError_t SortPairs(void* memory, std::size_t& bytes, const Key* keys_in, Key* keys_out,
                               const Value* values_in, Value* values_out, Count count, int begin_bit, int end_bit,
                               cudaStream_t stream) {
    if (memory == nullptr) {
      bytes = 1;
      return cudaSuccess;
    }
    return simt::run_host_work(stream, [=] {
      const int bits = end_bit - begin_bit;
      const Key mask = bits >= static_cast<int>(8 * sizeof(Key)) ? ~Key(0) : static_cast<Key>((Key(1) << bits) - 1);
      std::vector<Count> order(count);
      std::iota(order.begin(), order.end(), Count(0));
      const auto digit = [&](Count k) { return keys_in[k] >> begin_bit & mask; };
      std::stable_sort(order.begin(), order.end(), [&](Count a, Count b) { return digit(a) < digit(b); });
      for (Count k = 0; k < count; ++k) {
        keys_out[k] = keys_in[order[k]];
        values_out[k] = values_in[order[k]];
      }
      simt::mark_written(keys_out, count * sizeof(Key));
      simt::mark_written(values_out, count * sizeof(Value));
    });
  }
};

}  // namespace cub
