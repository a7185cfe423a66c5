// Streams, events and graphs. All work runs when it is enqueued, unless its stream is being captured.

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "runtime.hpp"

struct CUgraph_st {
  std::vector<simt::Work> work;
};
struct CUgraphExec_st {
  std::vector<simt::Work> work;
};
struct CUstream_st {
  std::unique_ptr<CUgraph_st> capture;  // while capturing
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

bool is_open(cudaStream_t stream) {
  const auto& streams = open_streams();
  return stream == nullptr || std::find(streams.begin(), streams.end(), stream) != streams.end();
}

}  // namespace

cudaError_t enqueue(cudaStream_t stream, const Work& work) {
  const Api api;
  if (!is_open(stream)) return set_last_error(cudaErrorInvalidResourceHandle);
  if (stream == nullptr || stream->capture == nullptr) return work();
  stream->capture->work.push_back(work);
  return cudaSuccess;
}

bool breaks_capture() {
  bool any = false;
  for (const cudaStream_t stream : open_streams()) {
    if (stream->capture == nullptr) continue;
    stream->spoilt = true;
    any = true;
  }
  return any;
}

}  // namespace simt

using simt::Api;
using simt::breaks_capture;
using simt::set_last_error;

namespace {

cudaError_t wait() {
  const Api api;
  return breaks_capture() ? set_last_error(cudaErrorStreamCaptureUnsupported) : cudaSuccess;
}

}  // namespace

cudaError_t cudaDeviceSynchronize() {
  return wait();
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  const Api api;
  *stream = new CUstream_st;
  simt::open_streams().push_back(*stream);
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const Api api;
  if (stream == nullptr || !simt::is_open(stream)) return set_last_error(cudaErrorInvalidResourceHandle);
  std::erase(simt::open_streams(), stream);
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const Api api;
  if (!simt::is_open(stream)) return set_last_error(cudaErrorInvalidResourceHandle);
  return wait();
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
  return wait();
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t stop) {
  const Api api;
  if (start == nullptr || stop == nullptr) return set_last_error(cudaErrorInvalidResourceHandle);
  *milliseconds = std::chrono::duration<float, std::milli>(stop->recorded - start->recorded).count();
  return cudaSuccess;
}

// --- Capture --------------------------------------------------------------------------------------------------------

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  const Api api;
  if (stream == nullptr || !simt::is_open(stream)) return set_last_error(cudaErrorStreamCaptureUnsupported);
  stream->capture = std::make_unique<CUgraph_st>();
  stream->spoilt = false;
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const Api api;
  *graph = nullptr;
  if (stream == nullptr || !simt::is_open(stream) || stream->capture == nullptr) {
    return set_last_error(cudaErrorInvalidValue);
  }
  std::unique_ptr<CUgraph_st> captured = std::exchange(stream->capture, nullptr);
  if (stream->spoilt) return set_last_error(cudaErrorStreamCaptureInvalidated);
  *graph = captured.release();
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  const Api api;
  const bool active = stream != nullptr && stream->capture != nullptr;
  *status = active ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
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
