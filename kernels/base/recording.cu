// SPDX-License-Identifier: MIT
// Work of a stream as a CUDA graph.

#include "kernels/base/launch.cuh"

namespace warpgnn::backend {

using namespace kernels;

void begin_recording(const CudaExec& exec) {
  expect_no_capture(exec, "another capture");
  check(cudaStreamBeginCapture(stream_of(exec), cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
}

void* end_recording(const CudaExec& exec) {
  cudaGraph_t graph = nullptr;
  if (cudaStreamEndCapture(stream_of(exec), &graph) != cudaSuccess) {
    cudaGetLastError();
    return nullptr;
  }
  cudaGraphExec_t executable = nullptr;
  const cudaError_t status = cudaGraphInstantiate(&executable, graph, 0);
  cudaGraphDestroy(graph);
  check(status, "cudaGraphInstantiate");
  return executable;
}

void replay(const CudaExec& exec, void* recording) {
  expect_no_capture(exec, "the replay of another recording");
  check(cudaGraphLaunch(static_cast<cudaGraphExec_t>(recording), stream_of(exec)), "cudaGraphLaunch");
}

void drop_recording(const CudaExec&, void* recording) noexcept {
  if (recording == nullptr) return;
  if (cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(recording)) != cudaSuccess) cudaGetLastError();
}

}  // namespace warpgnn::backend
