// SPDX-License-Identifier: MIT
// Accesses outside the memory they belong to.

#include "planted.hpp"
#include "simt/simt.hpp"

namespace planted {
namespace {

constexpr int kCount = 200;

template <bool kFaulty>
__global__ void load_past_end(const float* x, float* y, int count) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (kFaulty ? i <= count : i < count) y[i < count ? i : 0] = x[i];
}

template <bool kFaulty>
__global__ void store_past_end(float* y, int count) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (kFaulty ? i <= count : i < count) y[i] = 1.0f;
}

template <bool kFaulty>
__global__ void load_before_start(const float* x, float* y, int count) {
  const int i = static_cast<int>(threadIdx.x);
  if (i < count) y[i] = x[kFaulty ? i - 1 : i];
}

/// The bound of the array is out of the compiler's sight.
template <bool kFaulty>
__global__ void past_static_shared(float* y, int shift) {
  __shared__ float shared[64];
  float* const at = shared;
  const int i = static_cast<int>(threadIdx.x) + (kFaulty ? shift : 0);
  at[i] = static_cast<float>(i);
  __syncthreads();
  y[threadIdx.x] = at[i];
}

template <bool kFaulty>
__global__ void past_dynamic_shared(float* y, int shift) {
  WARPGNN_DYNAMIC_SHARED(float, shared);
  const int i = static_cast<int>(threadIdx.x) + (kFaulty ? shift : 0);
  shared[i] = static_cast<float>(i);
  __syncthreads();
  y[threadIdx.x] = shared[i];
}

/// Rows of 7 in a pitch of 8: the eighth element is nobody's.
template <bool kFaulty>
__global__ void touch_padding(const float* x, float* y) {
  const unsigned width = kFaulty ? 8 : 7;
  if (threadIdx.x % 8 < width) y[threadIdx.x] = x[threadIdx.x];
}

template <bool kFaulty>
__global__ void double_all(float* y) {
  y[threadIdx.x] *= 2.0f;
}

template <bool kFaulty>
__global__ void misaligned_vector_load(const float* x, float* y) {
  const float4 pack = *reinterpret_cast<const float4*>(x + threadIdx.x * 4 + (kFaulty ? 1 : 0));
  *reinterpret_cast<float4*>(y + threadIdx.x * 4) = pack;
}

template <bool kFaulty>
__global__ void misaligned_vector_store(float* y) {
  *reinterpret_cast<float2*>(y + threadIdx.x * 2 + (kFaulty ? 1 : 0)) = float2(1.0f, 2.0f);
}

void run_padding(bool faulty) {
  const DeviceArray x(64), y(64);
  for (int row = 0; row < 8; ++row) simt::forbid(x.get() + 8 * row + 7, sizeof(float));
  PLANTED_LAUNCH(faulty, touch_padding, ({1, 64}), x.get(), y.get());
}

void run_after_free(bool faulty) {
  float* memory = nullptr;
  cudaMalloc(&memory, 64 * sizeof(float));
  cudaMemset(memory, 0, 64 * sizeof(float));
  if (faulty) cudaFree(memory);
  PLANTED_LAUNCH(faulty, double_all, ({1, 64}), memory);
  if (!faulty) cudaFree(memory);
}

}  // namespace

std::vector<Fault> bounds_faults() {
  return {
      {"load_past_end", "bounds", true,
       [](bool faulty) {
         const DeviceArray x(kCount), y(kCount);
         PLANTED_LAUNCH(faulty, load_past_end, ({4, 64}), x.get(), y.get(), kCount);
       }},
      {"store_past_end", "bounds", true,
       [](bool faulty) {
         const DeviceArray y(kCount);
         PLANTED_LAUNCH(faulty, store_past_end, ({4, 64}), y.get(), kCount);
       }},
      {"load_before_start", "bounds", true,
       [](bool faulty) {
         const DeviceArray x(32), y(32);
         PLANTED_LAUNCH(faulty, load_before_start, ({1, 32}), x.get(), y.get(), 32);
       }},
      {"past_static_shared", "bounds", false,
       [](bool faulty) {
         const DeviceArray y(64);
         PLANTED_LAUNCH(faulty, past_static_shared, ({1, 64}), y.get(), 1);
       }},
      {"past_dynamic_shared", "bounds", false,
       [](bool faulty) {
         const DeviceArray y(64);
         PLANTED_LAUNCH(faulty, past_dynamic_shared, ({1, 64, 256}), y.get(), 1);
       }},
      {"touch_padding", "bounds", false, run_padding},
      {"use_after_free", "freed", true, run_after_free},
      {"misaligned_vector_load", "alignment", true,
       [](bool faulty) {
         const DeviceArray x(160), y(128);
         PLANTED_LAUNCH(faulty, misaligned_vector_load, ({1, 32}), x.get(), y.get());
       }},
      {"misaligned_vector_store", "alignment", true,
       [](bool faulty) {
         const DeviceArray y(80);
         PLANTED_LAUNCH(faulty, misaligned_vector_store, ({1, 32}), y.get());
       }},
  };
}

}  // namespace planted
