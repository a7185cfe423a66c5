// SPDX-License-Identifier: MIT
// Copies between views: one transfer where rows lie side by side, else a kernel.

#include <algorithm>
#include <bit>

#include "kernels/base/launch.cuh"
#include "kernels/tensor/copy.cuh"

namespace warpgnn::kernels {
namespace {

using backend::CudaExec;
using backend::RowsCopy;

template <class Word>
void copy_words(const CudaExec& exec, const RowsCopy& copy) {
  constexpr auto kBytes = static_cast<std::int64_t>(sizeof(Word));
  const CopiedRows<Word> words{static_cast<const Word*>(copy.from),
                               static_cast<Word*>(copy.to),
                               copy.rows,
                               copy.width / kBytes,
                               copy.from_pitch / kBytes,
                               copy.to_pitch / kBytes};
  const auto width = static_cast<std::uint64_t>(std::min<std::int64_t>(words.width, kCopyThreads));
  const auto lanes = static_cast<int>(std::bit_ceil(width));
  const std::int64_t slices = std::min<std::int64_t>(
      blocks_for(std::min(words.width, std::int64_t{1} << 31), std::int64_t{lanes} * kCopyWordsPerThread), kMaxGridY);
  launch(exec, "copy_rows", copy_rows_kernel<Word>,
         {dim3(blocks_for(copy.rows, kCopyThreads / lanes), static_cast<unsigned>(slices)), dim3(kCopyThreads)}, words,
         lanes);
}

/// The lowest bit that is set in an address or a number of bytes: what all of them are multiples of.
std::uint64_t alignment_of(const RowsCopy& copy) {
  const std::uint64_t bits = reinterpret_cast<std::uintptr_t>(copy.from) | reinterpret_cast<std::uintptr_t>(copy.to) |
                             static_cast<std::uint64_t>(copy.width) | static_cast<std::uint64_t>(copy.from_pitch) |
                             static_cast<std::uint64_t>(copy.to_pitch);
  return bits & (~bits + 1);
}

}  // namespace
}  // namespace warpgnn::kernels

namespace warpgnn::backend {

using namespace kernels;

void copy_rows(const CudaExec& exec, const RowsCopy& copy) {
  if (copy.rows == 1 || (copy.from_pitch == copy.width && copy.to_pitch == copy.width)) {
    check(cudaMemcpyAsync(copy.to, copy.from, static_cast<std::size_t>(copy.rows * copy.width),
                          cudaMemcpyDeviceToDevice, stream_of(exec)),
          "copy");
    return;
  }
  const std::uint64_t alignment = alignment_of(copy);
  if (alignment >= sizeof(int4)) return copy_words<int4>(exec, copy);
  if (alignment >= sizeof(int2)) return copy_words<int2>(exec, copy);
  if (alignment >= sizeof(int)) return copy_words<int>(exec, copy);
  copy_words<unsigned short>(exec, copy);
}

}  // namespace warpgnn::backend
