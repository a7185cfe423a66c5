// SPDX-License-Identifier: MIT
#include <algorithm>

#include "cuda_check.hpp"
#include "device.hpp"
#include "device_kernels.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn::bench {

namespace {

/// Two events around work on one stream.
class EventTimer {
 public:
  explicit EventTimer(cudaStream_t stream) : stream_(stream) {
    check_cuda(cudaEventCreate(&start_));
    check_cuda(cudaEventCreate(&stop_));
  }
  ~EventTimer() {
    cudaEventDestroy(start_);
    cudaEventDestroy(stop_);
  }
  EventTimer(const EventTimer&) = delete;
  EventTimer& operator=(const EventTimer&) = delete;

  void start() { check_cuda(cudaEventRecord(start_, stream_)); }
  /// Waits for the work and returns what it took.
  double stop_seconds() {
    check_cuda(cudaEventRecord(stop_, stream_));
    check_cuda(cudaEventSynchronize(stop_));
    float milliseconds = 0;
    check_cuda(cudaEventElapsedTime(&milliseconds, start_, stop_));
    return static_cast<double>(milliseconds) * 1e-3;
  }

 private:
  cudaStream_t stream_;
  cudaEvent_t start_{}, stop_{};
};

/// Work captured once, to be replayed.
class CapturedWork {
 public:
  CapturedWork(cudaStream_t stream, const std::function<void()>& work) : stream_(stream) {
    check_cuda(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    cudaGraph_t graph{};
    try {
      work();
    } catch (...) {  // leaves the stream fit for the next row
      cudaStreamEndCapture(stream, &graph);
      cudaGraphDestroy(graph);
      cudaGetLastError();
      throw;
    }
    check_cuda(cudaStreamEndCapture(stream, &graph));
    const cudaError_t status = cudaGraphInstantiate(&executable_, graph, 0);
    cudaGraphDestroy(graph);
    check_cuda(status);
    check_cuda(cudaGraphUpload(executable_, stream));
  }
  ~CapturedWork() { cudaGraphExecDestroy(executable_); }
  CapturedWork(const CapturedWork&) = delete;
  CapturedWork& operator=(const CapturedWork&) = delete;

  void replay() const { check_cuda(cudaGraphLaunch(executable_, stream_)); }

 private:
  cudaStream_t stream_;
  cudaGraphExec_t executable_{};
};

class Stream {
 public:
  Stream() { check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }
  ~Stream() { cudaStreamDestroy(stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  cudaStream_t get() const { return stream_; }

 private:
  cudaStream_t stream_{};
};

class CudaDevice : public Device {
 public:
  explicit CudaDevice(Scale scale) : context_(Context::cuda(0, stream_.get())) {
    int l2_bytes = 1 << 14;
    std::int64_t copied_bytes = 1 << 18;
    if (scale == Scale::full) {
      check_cuda(cudaDeviceGetAttribute(&l2_bytes, cudaDevAttrL2CacheSize, 0));
      copied_bytes = std::int64_t{1} << 30;
      warm_runs_ = 8;
    }
    flush_ = zeros(4 * std::int64_t{l2_bytes});
    copy_bandwidth_ = best_copy_bytes_per_second(copied_bytes);
    l2_bandwidth_ = best_l2_bytes_per_second(l2_bytes / 4);
  }

  const Context& context() const override { return context_; }
  std::string name() const override { return "cuda"; }
  double copy_bytes_per_second() const override { return copy_bandwidth_; }
  std::vector<std::pair<std::string, double>> bandwidths() const override {
    return {{"copy", copy_bandwidth_}, {"l2_read", l2_bandwidth_}};
  }

  std::vector<double> measure(const std::function<void()>& work, const Timing& timing,
                              const Repetitions& repetitions) override {
    if (!timing.replay) return measure_runs(work, timing.cold, repetitions);
    const CapturedWork captured(stream_.get(), work);
    const auto replay = [&] { captured.replay(); };
    return measure_runs(replay, timing.cold, repetitions);
  }

 private:
  /// Warm: several runs between two events, so that the launch of the first hides behind none of the others. Cold: one
  /// run, queued behind the flush, which reads: what it wrote would still have to leave the cache while the run is
  /// timed.
  template <class Work>
  std::vector<double> measure_runs(const Work& work, bool cold, const Repetitions& repetitions) {
    const int runs = cold ? 1 : warm_runs_;
    EventTimer timer(stream_.get());
    return repeat(repetitions, [&] {
      if (cold) read_all(context_, flush_, 1);
      timer.start();
      for (int run = 0; run < runs; ++run) work();
      return timer.stop_seconds() / runs;
    });
  }

  /// Fastest of several runs of what moves so many bytes.
  template <class Work>
  double best_bytes_per_second(std::int64_t bytes, const Work& work) {
    EventTimer timer(stream_.get());
    const auto times = repeat({.least = 10, .most = 10}, [&] {
      timer.start();
      work();
      return timer.stop_seconds();
    });
    return static_cast<double>(bytes) / *std::min_element(times.begin(), times.end());
  }

  double best_copy_bytes_per_second(std::int64_t bytes) {
    const Tensor source = zeros(bytes), target = zeros(bytes);
    return best_bytes_per_second(2 * bytes, [&] {
      check_cuda(cudaMemcpyAsync(target.view().data, source.view().data, source.bytes(), cudaMemcpyDeviceToDevice,
                                 stream_.get()));
    });
  }

  /// Reads what fits well, many times: the first pass, which fills the cache, and the launch hardly count.
  double best_l2_bytes_per_second(std::int64_t bytes) {
    constexpr int kPasses = 100;
    const Tensor resident = zeros(bytes);
    return best_bytes_per_second(kPasses * bytes, [&] { read_all(context_, resident, kPasses); });
  }

  Tensor zeros(std::int64_t bytes) {
    Tensor tensor(context_, Dtype::int32, {bytes / 16 * 4});
    tensor.fill_zero();
    return tensor;
  }

  Stream stream_;
  Context context_;
  Tensor flush_;
  int warm_runs_ = 1;
  double copy_bandwidth_ = 0, l2_bandwidth_ = 0;
};

}  // namespace

std::unique_ptr<Device> make_cuda_device(Scale scale) {
  if (cuda_device_count() == 0) return nullptr;
  return std::make_unique<CudaDevice>(scale);
}

}  // namespace warpgnn::bench
