// SPDX-License-Identifier: MIT
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "samples.hpp"

namespace planted {
namespace {

constexpr unsigned kAll = 0xffffffffu;

__global__ void shuffles(float* y) {
  const auto value = static_cast<float>(threadIdx.x);
  y[threadIdx.x] = __shfl_sync(kAll, value, 3, 8);
  y[32 + threadIdx.x] = __shfl_up_sync(kAll, value, 2, 8);
  y[64 + threadIdx.x] = __shfl_down_sync(kAll, value, 2, 8);
  y[96 + threadIdx.x] = __shfl_xor_sync(kAll, value, 5, 8);
}

__global__ void votes(unsigned* y) {
  const unsigned lane = threadIdx.x;
  int all_match = 0;
  const unsigned result[] = {
      __ballot_sync(kAll, lane % 3 == 0),
      static_cast<unsigned>(__any_sync(kAll, lane == 31)),
      static_cast<unsigned>(__all_sync(kAll, lane < 31)),
      __reduce_add_sync(kAll, lane),
      static_cast<unsigned>(__reduce_min_sync(kAll, 5 - static_cast<int>(lane))),
      __reduce_max_sync(kAll, lane * 2),
      __match_any_sync(kAll, lane % 4),
      __match_all_sync(kAll, 7, &all_match),
  };
  if (lane != 3) return;
  for (int k = 0; k < 8; ++k) y[k] = result[k];
}

__global__ void block_votes(float* y) {
  const int count = __syncthreads_count(threadIdx.x % 3 == 0);
  const int every = __syncthreads_and(threadIdx.x < 100);
  const int any = __syncthreads_or(threadIdx.x == 100);
  if (threadIdx.x != 0) return;
  y[0] = static_cast<float>(count);
  y[1] = static_cast<float>(every);
  y[2] = static_cast<float>(any);
}

__global__ void reverse(float* y) {
  WARPGNN_DYNAMIC_SHARED(float, shared);
  shared[threadIdx.x] = static_cast<float>(threadIdx.x);
  __syncthreads();
  y[threadIdx.x] = shared[63 - threadIdx.x];
}

__global__ void atomics(int* y) {
  const auto lane = static_cast<int>(threadIdx.x);
  atomicAdd(y, lane);
  atomicMin(y + 1, -lane);
  atomicMax(y + 2, lane);
  atomicExch(y + 3, -1);
  atomicCAS(y + 4, 0, 9);
  atomicOr(y + 5, 1 << lane % 8);
}

__global__ void half_precision(const float* x, float* y, int count) {
  const auto i = static_cast<int>(threadIdx.x);
  if (i >= count) return;
  y[i] = __half2float(__float2half(x[i]));
  y[count + i] = __bfloat162float(__float2bfloat16(x[i]));
}

__global__ void indices(float* y) {
  const unsigned in_block = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  const unsigned place = blockIdx.x * blockDim.x * blockDim.y * blockDim.z + in_block;
  y[place] = static_cast<float>(place + 100 * gridDim.x);
}

__global__ void arrivals(int* counter, int* y) {
  y[threadIdx.x] = atomicAdd(counter, 1);
}

__global__ void strided_load(const float* x, float* y, int stride) {
  y[threadIdx.x] = __ldg(x + static_cast<int>(threadIdx.x) * stride);
}

/// The last load is the first over again, with `others` in between.
__global__ void load_again(const float* x, float* y, int others) {
  float sum = 0;
  for (int k = 0; k < others + 2; ++k) sum += x[32 * (k % (others + 1)) + static_cast<int>(threadIdx.x)];
  y[threadIdx.x] = sum;
}

__global__ void strided_shared(float* y, int stride) {
  __shared__ float shared[32 * 33];
  float* const mine = shared + static_cast<int>(threadIdx.x) * stride;
  if (stride != 0 || threadIdx.x == 0) *mine = 1.0f;
  __syncthreads();
  y[threadIdx.x] = *mine;
}

__global__ void nested_loops(const float* x, float* y) {
  float sum = 0.0f;
  for (unsigned round = 0; round < 3; ++round) {
    for (unsigned k = 0; k <= threadIdx.x % 4; ++k) sum += __ldg(x + round * 128 + k * 32 + threadIdx.x);
  }
  y[threadIdx.x] = sum;
}

__global__ void vector_copy(const float* x, float* y) {
  reinterpret_cast<float4*>(y)[threadIdx.x] = reinterpret_cast<const float4*>(x)[threadIdx.x];
}

__global__ void count_lanes(int* counter) {
  atomicAdd(counter, 1);
}

}  // namespace

void run_shuffles(float* y) {
  launch({1, 32}, shuffles, y);
}
void run_votes(unsigned* y) {
  launch({1, 32}, votes, y);
}
void run_block_votes(float* y) {
  launch({1, 100}, block_votes, y);
}
void run_dynamic_shared(float* y) {
  launch({1, 64, 256}, reverse, y);
}
void run_atomics(int* y) {
  launch({1, 64}, atomics, y);
}
void run_half_precision(const float* x, float* y, int count) {
  launch({1, 64}, half_precision, x, y, count);
}
void run_indices(float* y) {
  launch({2, dim3(3, 2, 2)}, indices, y);
}
void run_arrivals(int* counter, int* y) {
  launch({1, 64}, arrivals, counter, y);
}
void run_strided_load(const float* x, float* y, int stride) {
  launch({1, 32}, strided_load, x, y, stride);
}
void run_load_again(const float* x, float* y, int others) {
  launch({1, 32}, load_again, x, y, others);
}
void run_strided_shared(float* y, int stride) {
  launch({1, 32}, strided_shared, y, stride);
}
void run_nested_loops(const float* x, float* y) {
  launch({1, 32}, nested_loops, x, y);
}
void run_vector_copy(const float* x, float* y) {
  launch({1, 32}, vector_copy, x, y);
}
void run_counter(int* counter) {
  launch({1, 32}, count_lanes, counter);
}

}  // namespace planted
