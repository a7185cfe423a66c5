// SPDX-License-Identifier: MIT
#include <algorithm>

#include "cuda_check.hpp"
#include "device_kernels.hpp"

namespace warpgnn::bench {

namespace {

constexpr int kThreads = 256;

template <class... Parameters, class... Arguments>
void launch(const Context& context, std::int64_t blocks, void (*kernel)(Parameters...), Arguments... arguments) {
  if (blocks == 0) return;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(kThreads);
  config.stream = static_cast<cudaStream_t>(context.stream());
  check_cuda(cudaLaunchKernelEx(&config, kernel, arguments...));
}

std::int64_t blocks_for(std::int64_t items) {
  return (items + kThreads - 1) / kThreads;
}

__device__ std::int64_t thread_number() {
  return static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
}

__global__ void __launch_bounds__(kThreads) uniform_kernel(float* values, std::int64_t count, std::uint64_t seed) {
  const std::int64_t k = thread_number();
  if (k < count) values[k] = random_signed(seed, static_cast<std::uint64_t>(k));
}

template <class Pairs>
__global__ void __launch_bounds__(kThreads)
    pairs_kernel(Pairs law, std::int64_t pairs, std::int32_t* source, std::int32_t* destination) {
  const std::int64_t pair = thread_number();
  if (pair < pairs) write_pair(law, pair, source, destination);
}

/// `sink` is null: it only keeps the compiler from leaving the loads out.
__global__ void __launch_bounds__(kThreads)
    read_kernel(const uint4* words, std::int64_t count, int passes, unsigned* sink) {
  constexpr int kInFlight = 4;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * kThreads;
  unsigned mix = 0;
  for (int pass = 0; pass < passes; ++pass) {
    for (std::int64_t first = thread_number(); first < count; first += kInFlight * step) {
      uint4 loaded[kInFlight];
#pragma unroll
      for (int k = 0; k < kInFlight; ++k) {
        const std::int64_t at = first + k * step;
        loaded[k] = at < count ? __ldcg(words + at) : uint4{};
      }
#pragma unroll
      for (int k = 0; k < kInFlight; ++k) mix = 3 * mix + (loaded[k].x ^ loaded[k].y ^ loaded[k].z ^ loaded[k].w);
    }
  }
  if (sink != nullptr) *sink = mix;
}

}  // namespace

void fill_uniform(const Context& context, const TensorView& tensor, std::uint64_t seed) {
  const std::int64_t count = tensor.count();
  launch(context, blocks_for(count), uniform_kernel, tensor.as<float>(), count, seed);
}

void draw_pairs(const Context& context, const PowerLawPairs& law, std::int64_t pairs, std::int32_t* source,
                std::int32_t* destination) {
  launch(context, blocks_for(pairs), pairs_kernel<PowerLawPairs>, law, pairs, source, destination);
}

void draw_pairs(const Context& context, const HubPairs& law, std::int64_t pairs, std::int32_t* source,
                std::int32_t* destination) {
  launch(context, blocks_for(pairs), pairs_kernel<HubPairs>, law, pairs, source, destination);
}

void read_all(const Context& context, const ConstTensorView& tensor, int passes) {
  constexpr std::int64_t kBlocksPerProcessor = 8;
  int processors = 0;
  check_cuda(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, context.device().index));
  const std::int64_t count =
      tensor.count() * static_cast<std::int64_t>(size_of(tensor.dtype)) / static_cast<std::int64_t>(sizeof(uint4));
  launch(context, std::min(blocks_for(count), kBlocksPerProcessor * processors), read_kernel, tensor.as<uint4>(), count,
         passes, static_cast<unsigned*>(nullptr));
}

}  // namespace warpgnn::bench
