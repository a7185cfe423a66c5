// SPDX-License-Identifier: MIT
#pragma once

// What the parts of the runtime share: one lock, the last error, and the way of all work into a stream.

#include <functional>
#include <mutex>

#include "simt/runtime_api.hpp"

namespace simt {

/// Held by every runtime call: host threads take turns on the one device.
class Api {
 public:
  Api();

 private:
  std::lock_guard<std::recursive_mutex> lock_;
};

/// Remembers an error for cudaGetLastError; returns it.
cudaError_t set_last_error(cudaError_t status);

/// Runs the work now, or records it if the stream is capturing.
using Work = std::function<cudaError_t()>;
cudaError_t enqueue(cudaStream_t stream, const Work& work);

bool is_capturing(cudaStream_t stream);
/// The stream's capture, if there is one, cannot be ended any more.
void spoil_capture(cudaStream_t stream);
/// For calls that no capture allows, on whatever stream, such as cudaMalloc. Spoils those that are under way, but for
/// relaxed ones; whether there are any.
bool breaks_captures();
/// For calls that wait for the device. Spoils all captures.
bool breaks_captures_by_waiting();

/// Whether all of it was allocated by cudaMallocHost.
bool is_pinned(const void* memory, std::size_t bytes);

/// Freed memory goes back to the system, as far as pools do not keep it.
void trim_pools();

}  // namespace simt
