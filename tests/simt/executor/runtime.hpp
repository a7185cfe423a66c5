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

/// For calls that a capture does not allow: allocation, synchronisation. Spoils the captures that are under way.
bool breaks_capture();

}  // namespace simt
