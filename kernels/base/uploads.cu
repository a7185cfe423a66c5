// SPDX-License-Identifier: MIT
// Tables on their way to the device, in pinned memory: a copy from any other would wait for the stream.

#include <algorithm>
#include <memory>

#include "kernels/base/launch.cuh"

namespace warpgnn::kernels {
namespace {

/// Steps of a training that the host may be ahead of the device.
constexpr int kTables = 4;

struct Uploads {
  std::size_t bytes = 0;
  char* tables = nullptr;
  cudaEvent_t sent[kTables] = {};
  int next = 0;

  Uploads() = default;
  Uploads(const Uploads&) = delete;
  Uploads& operator=(const Uploads&) = delete;
  /// Copies that are under way end first.
  ~Uploads() {
    for (const cudaEvent_t event : sent) {
      if (event == nullptr) continue;
      cudaEventSynchronize(event);
      cudaEventDestroy(event);
    }
    cudaFreeHost(tables);
    cudaGetLastError();
  }
  char* table() const { return tables + static_cast<std::size_t>(next) * bytes; }
};

}  // namespace
}  // namespace warpgnn::kernels

namespace warpgnn::backend {

using namespace kernels;

void* open_uploads(const CudaExec& exec, std::size_t bytes) {
  expect_no_capture(exec, "an allocation of pinned memory (" + std::to_string(bytes) + " bytes)");
  auto uploads = std::make_unique<Uploads>();
  uploads->bytes = bytes;
  check(cudaMallocHost(&uploads->tables, std::max<std::size_t>(bytes, 1) * kTables), "cudaMallocHost");
  for (cudaEvent_t& event : uploads->sent) {
    check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "cudaEventCreateWithFlags");
  }
  return uploads.release();
}

void close_uploads(const CudaExec&, void* uploads) noexcept {
  delete static_cast<Uploads*>(uploads);
}

void* next_upload(const CudaExec& exec, void* uploads) {
  expect_no_capture(exec, "a table from the host");
  const auto& ring = *static_cast<Uploads*>(uploads);
  const cudaEvent_t sent = ring.sent[ring.next];
  const cudaError_t status = cudaEventQuery(sent);
  if (status != cudaErrorNotReady) {
    check(status, "cudaEventQuery");
  } else {
    cudaGetLastError();  // not an error, but kept as one
    check(cudaEventSynchronize(sent), "cudaEventSynchronize");
  }
  return ring.table();
}

void send_upload(const CudaExec& exec, void* uploads, void* target, std::size_t bytes) {
  auto& ring = *static_cast<Uploads*>(uploads);
  if (bytes > 0) {
    check(cudaMemcpyAsync(target, ring.table(), bytes, cudaMemcpyHostToDevice, stream_of(exec)), "copy to the device");
  }
  check(cudaEventRecord(ring.sent[ring.next], stream_of(exec)), "cudaEventRecord");
  ring.next = (ring.next + 1) % kTables;
}

}  // namespace warpgnn::backend
