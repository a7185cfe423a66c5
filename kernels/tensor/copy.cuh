// SPDX-License-Identifier: MIT
#pragma once

// Rows copied from one distance to another, word by word.

#include <cuda_runtime.h>

#include <cstdint>

namespace warpgnn::kernels {

inline constexpr int kCopyThreads = 256;
/// Words that a thread takes of a row, where the row has so many.
inline constexpr int kCopyWordsPerThread = 4;

/// Both sides in words: a row's length and the distances between rows.
template <class Word>
struct CopiedRows {
  const Word* from;
  Word* to;
  std::int64_t rows, width;
  std::int64_t from_pitch, to_pitch;
};

/// `lanes` neighbouring threads take a row, a power of two of them; kCopyThreads / lanes rows are a block's, and
/// blockIdx.y tells the parts of a row apart.
template <class Word>
__global__ void copy_rows_kernel(CopiedRows<Word> copy, int lanes) {
  const int thread = static_cast<int>(threadIdx.x), lane = thread & (lanes - 1);
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * (kCopyThreads / lanes) + thread / lanes;
  if (row >= copy.rows) return;
  const Word* const from = copy.from + row * copy.from_pitch;
  Word* const to = copy.to + row * copy.to_pitch;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.y) * lanes;
  for (std::int64_t k = static_cast<std::int64_t>(blockIdx.y) * lanes + lane; k < copy.width; k += step) {
    to[k] = __ldg(from + k);
  }
}

}  // namespace warpgnn::kernels
