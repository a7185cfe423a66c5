#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <thread>

#include "device.hpp"

namespace warpgnn::bench {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Copies with all threads at once; far larger than any cache.
double best_copy_bytes_per_second(int threads) {
  constexpr std::size_t kBytesEach = std::size_t{1} << 27;
  constexpr int kCopies = 8;
  const auto count = static_cast<std::size_t>(threads);
  const std::vector<char> source(count * kBytesEach, 1);
  std::vector<char> target(count * kBytesEach, 2);
  double best = 0;
  for (int copy = 0; copy < kCopies; ++copy) {
    const auto start = Clock::now();
    std::vector<std::jthread> workers;
    for (std::size_t t = 0; t < count; ++t) {
      workers.emplace_back([&, at = t * kBytesEach] { std::memcpy(&target[at], &source[at], kBytesEach); });
    }
    workers.clear();
    benchmark::DoNotOptimize(target.data());
    best = std::max(best, 2 * static_cast<double>(count * kBytesEach) / seconds_since(start));
  }
  return best;
}

class CpuDevice : public Device {
 public:
  explicit CpuDevice(int threads)
      : context_(Context::cpu(threads)), copy_bandwidth_(best_copy_bytes_per_second(context_.threads())) {}

  const Context& context() const override { return context_; }
  std::string name() const override { return "cpu"; }
  double copy_bytes_per_second() const override { return copy_bandwidth_; }
  std::vector<Timing> timings(bool) const override { return {{}}; }

  std::vector<double> measure(benchmark::State& state, const std::function<void()>& work, const Timing&) override {
    std::vector<double> times;
    for ([[maybe_unused]] const auto iteration : state) {
      const auto start = Clock::now();
      work();
      times.push_back(seconds_since(start));
      state.SetIterationTime(times.back());
    }
    return times;
  }

 private:
  Context context_;
  double copy_bandwidth_;
};

}  // namespace

std::unique_ptr<Device> make_cpu_device(int threads) {
  return std::make_unique<CpuDevice>(threads);
}

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

std::string instruction_level() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")) {
    return "x86-64-v4";
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "x86-64-v3";
#endif
  return "baseline";
}

}  // namespace warpgnn::bench
