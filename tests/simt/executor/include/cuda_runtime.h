// SPDX-License-Identifier: MIT
#pragma once

// The CUDA runtime as the executor provides it: kernels are compiled by the host compiler against these headers instead
// of the toolkit's. What is not declared here is not supported, and does not compile.

#ifdef __CUDACC__
#error "The executor's headers are for the host compiler; nvcc has its own"
#endif

// A launch runs one block at a time, so a block's variables can be ordinary static ones. The executor finds them by
// their symbols: a __shared__ variable belongs to the __global__ function that it is declared in.
// NOLINTBEGIN(bugprone-reserved-identifier): the names are CUDA's
#define __shared__ static
#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline
#define __align__(bytes) alignas(bytes)
#define __launch_bounds__(...)
// NOLINTEND(bugprone-reserved-identifier)

#define WARPGNN_DYNAMIC_SHARED(T, name) T* const name = static_cast<T*>(::simt::dynamic_shared())

#include "simt/atomics.hpp"
#include "simt/collectives.hpp"
#include "simt/intrinsics.hpp"
#include "simt/launch.hpp"
#include "simt/runtime_api.hpp"
#include "simt/vector_types.hpp"
