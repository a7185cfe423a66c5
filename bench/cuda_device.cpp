#include <algorithm>

#include "cuda_check.hpp"
#include "device.hpp"
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
    work();
    cudaGraph_t graph{};
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
  CudaDevice() : context_(Context::cuda(0, stream_.get())) {
    int l2_bytes = 0;
    check_cuda(cudaDeviceGetAttribute(&l2_bytes, cudaDevAttrL2CacheSize, 0));
    flush_.resize(context_, Dtype::int32, {std::max<std::int64_t>(l2_bytes, 1 << 25)});  // four times the cache
    copy_bandwidth_ = best_copy_bytes_per_second();
  }

  const Context& context() const override { return context_; }
  std::string name() const override { return "cuda"; }
  double copy_bytes_per_second() const override { return copy_bandwidth_; }
  std::vector<Timing> timings(bool all) const override {
    std::vector<Timing> timings{{.name = "cold", .cold = true}, {.name = "warm_replay", .replay = true}};
    if (all) {
      timings.push_back({.name = "warm"});
      timings.push_back({.name = "cold_replay", .cold = true, .replay = true});
    }
    return timings;
  }

  std::vector<double> measure(benchmark::State& state, const std::function<void()>& work,
                              const Timing& timing) override {
    if (!timing.replay) return measure_runs(state, work, timing.cold);
    const CapturedWork captured(stream_.get(), work);
    const auto replay = [&] { captured.replay(); };
    return measure_runs(state, replay, timing.cold);
  }

 private:
  /// Warm: several runs between two events, so that the launch of the first hides behind none of the others. Cold: one
  /// run, queued behind the flush.
  template <class Work>
  std::vector<double> measure_runs(benchmark::State& state, const Work& work, bool cold) {
    constexpr int kWarmRuns = 8;
    const int runs = cold ? 1 : kWarmRuns;
    EventTimer timer(stream_.get());
    std::vector<double> times;
    for ([[maybe_unused]] const auto iteration : state) {
      if (cold) flush_.fill_zero();
      timer.start();
      for (int run = 0; run < runs; ++run) work();
      times.push_back(timer.stop_seconds() / runs);
      state.SetIterationTime(times.back());
    }
    return times;
  }

  double best_copy_bytes_per_second() {
    constexpr std::int64_t kWords = std::int64_t{1} << 28;
    constexpr int kCopies = 10;
    const Tensor source(context_, Dtype::int32, {kWords});
    Tensor target(context_, Dtype::int32, {kWords});
    EventTimer timer(stream_.get());
    double best = 0;
    for (int copy = 0; copy < kCopies; ++copy) {
      timer.start();
      check_cuda(cudaMemcpyAsync(target.view().data, source.view().data, source.bytes(), cudaMemcpyDeviceToDevice,
                                 stream_.get()));
      best = std::max(best, 2 * static_cast<double>(source.bytes()) / timer.stop_seconds());
    }
    return best;
  }

  Stream stream_;
  Context context_;
  Tensor flush_;
  double copy_bandwidth_ = 0;
};

}  // namespace

std::unique_ptr<Device> make_cuda_device() {
  if (cuda_device_count() == 0) return nullptr;
  return std::make_unique<CudaDevice>();
}

}  // namespace warpgnn::bench
