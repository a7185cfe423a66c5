// SPDX-License-Identifier: MIT
// Streams, events and graphs. All work runs when it is enqueued, unless its stream is being captured.

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "runtime.hpp"
#include "work_log.hpp"

struct CUgraph_st {
  std::vector<simt::Work> work;
};
struct CUgraphExec_st {
  std::vector<simt::Work> work;
};
struct CUstream_st {
  bool blocking = true;                 // ordered with the legacy stream
  std::unique_ptr<CUgraph_st> capture;  // while capturing
  bool relaxed = false;                 // that capture
  bool spoilt = false;                  // by a call that a capture does not allow
};
struct CUevent_st {
  std::chrono::steady_clock::time_point recorded;
};

namespace simt {
namespace {

std::vector<cudaStream_t>& open_streams() {
  static std::vector<cudaStream_t> streams;
  return streams;
}

bool is_legacy(cudaStream_t stream) {
  return stream == nullptr || stream == cudaStreamLegacy;
}

bool is_open(cudaStream_t stream) {
  const auto& streams = open_streams();
  return is_legacy(stream) || std::find(streams.begin(), streams.end(), stream) != streams.end();
}

/// Spoils the captures that `which` chooses; whether there are any.
template <class Which>
bool spoil_captures(const Which& which) {
  bool any = false;
  for (const cudaStream_t stream : open_streams()) {
    if (stream->capture == nullptr || !which(*stream)) continue;
    stream->spoilt = true;
    any = true;
  }
  return any;
}

bool is_blocking(const CUstream_st& stream) {
  return stream.blocking;
}

/// Whether work may be given to the stream. The legacy stream would wait for every blocking one, captured or not.
cudaError_t usability(cudaStream_t stream) {
  if (!is_open(stream)) return cudaErrorInvalidResourceHandle;
  if (is_legacy(stream)) return spoil_captures(is_blocking) ? cudaErrorStreamCaptureImplicit : cudaSuccess;
  return stream->spoilt ? cudaErrorStreamCaptureInvalidated : cudaSuccess;
}

}  // namespace

cudaError_t enqueue(cudaStream_t stream, const Work& work) {
  const Api api;
  if (const cudaError_t status = usability(stream); status != cudaSuccess) return set_last_error(status);
  if (!is_capturing(stream)) return work();
  stream->capture->work.push_back(work);
  return cudaSuccess;
}

bool is_capturing(cudaStream_t stream) {
  return is_open(stream) && !is_legacy(stream) && stream->capture != nullptr;
}

void spoil_capture(cudaStream_t stream) {
  if (is_capturing(stream)) stream->spoilt = true;
}

bool breaks_captures() {
  return spoil_captures([](const CUstream_st& stream) { return !stream.relaxed; });
}

bool breaks_captures_by_waiting() {
  return spoil_captures([](const CUstream_st&) { return true; });
}

}  // namespace simt

using simt::Api;
using simt::set_last_error;

namespace {

cudaError_t wait_for_device() {
  const Api api;
  if (simt::breaks_captures_by_waiting()) return set_last_error(cudaErrorStreamCaptureUnsupported);
  simt::log_wait();
  simt::trim_pools();
  return cudaSuccess;
}

}  // namespace

cudaError_t cudaDeviceSynchronize() {
  return wait_for_device();
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  const Api api;
  *stream = new CUstream_st{.blocking = (flags & cudaStreamNonBlocking) == 0, .capture = nullptr};
  simt::open_streams().push_back(*stream);
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const Api api;
  if (simt::is_legacy(stream) || !simt::is_open(stream)) return set_last_error(cudaErrorInvalidResourceHandle);
  std::erase(simt::open_streams(), stream);
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const Api api;
  if (const cudaError_t status = simt::usability(stream); status != cudaSuccess) return set_last_error(status);
  if (simt::is_capturing(stream)) {
    simt::spoil_capture(stream);
    return set_last_error(cudaErrorStreamCaptureUnsupported);
  }
  simt::log_wait();
  simt::trim_pools();
  return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const Api api;
  if (!simt::is_open(stream) || event == nullptr) return set_last_error(cudaErrorInvalidResourceHandle);
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new CUevent_st;
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const Api api;
  if (!simt::is_open(stream) || event == nullptr) return set_last_error(cudaErrorInvalidResourceHandle);
  event->recorded = std::chrono::steady_clock::now();
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t) {
  return wait_for_device();  // which event was recorded where is not known
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return event == nullptr ? set_last_error(cudaErrorInvalidResourceHandle) : cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t stop) {
  const Api api;
  if (start == nullptr || stop == nullptr) return set_last_error(cudaErrorInvalidResourceHandle);
  *milliseconds = std::chrono::duration<float, std::milli>(stop->recorded - start->recorded).count();
  return cudaSuccess;
}

// --- Capture --------------------------------------------------------------------------------------------------------

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  const Api api;
  if (simt::is_legacy(stream) || !simt::is_open(stream)) return set_last_error(cudaErrorStreamCaptureUnsupported);
  if (simt::is_capturing(stream)) return set_last_error(cudaErrorInvalidValue);
  stream->capture = std::make_unique<CUgraph_st>();
  stream->relaxed = mode == cudaStreamCaptureModeRelaxed;
  stream->spoilt = false;
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const Api api;
  *graph = nullptr;
  if (!simt::is_capturing(stream)) return set_last_error(cudaErrorInvalidValue);
  std::unique_ptr<CUgraph_st> captured = std::exchange(stream->capture, nullptr);
  if (std::exchange(stream->spoilt, false)) return set_last_error(cudaErrorStreamCaptureInvalidated);
  *graph = captured.release();
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  const Api api;
  *status = cudaStreamCaptureStatusNone;
  if (!simt::is_open(stream)) return set_last_error(cudaErrorInvalidResourceHandle);
  if (simt::is_legacy(stream)) {
    const auto& streams = simt::open_streams();
    const bool blocked = std::any_of(streams.begin(), streams.end(), [](const cudaStream_t each) {
      return each->blocking && simt::is_capturing(each);
    });
    return blocked ? set_last_error(cudaErrorStreamCaptureImplicit) : cudaSuccess;
  }
  if (!simt::is_capturing(stream)) return cudaSuccess;
  *status = stream->spoilt ? cudaStreamCaptureStatusInvalidated : cudaStreamCaptureStatusActive;
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  if (graph == nullptr) return set_last_error(cudaErrorInvalidValue);
  *executable = new CUgraphExec_st{graph->work};
  return cudaSuccess;
}

cudaError_t cudaGraphUpload(cudaGraphExec_t executable, cudaStream_t) {
  return executable == nullptr ? set_last_error(cudaErrorInvalidValue) : cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  const Api api;
  if (executable == nullptr) return set_last_error(cudaErrorInvalidValue);
  for (const simt::Work& work : executable->work) {
    if (const cudaError_t status = simt::enqueue(stream, work); status != cudaSuccess) return status;
  }
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}
