// SPDX-License-Identifier: MIT
#pragma once

// For stand-ins of device libraries: work that the host does in a stream's order.

#include <functional>

#include "simt/runtime_api.hpp"

namespace simt {

cudaError_t run_host_work(cudaStream_t stream, const std::function<void()>& work);

/// Tells the memory check what the work wrote.
void mark_written(const void* memory, std::size_t bytes);

}  // namespace simt
