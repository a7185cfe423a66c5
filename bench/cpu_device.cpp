// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <thread>
#include <vector>

#include "device.hpp"

namespace warpgnn::bench {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Copies with all threads at once; at full scale far larger than any cache.
double best_copy_bytes_per_second(int threads, Scale scale) {
  constexpr int kCopies = 8;
  const std::size_t bytes_each = std::size_t{1} << (scale == Scale::full ? 27 : 16);
  const auto count = static_cast<std::size_t>(threads);
  const std::vector<char> source(count * bytes_each, 1);
  std::vector<char> target(count * bytes_each, 2);
  double best = 0;
  for (int copy = 0; copy < kCopies; ++copy) {
    const auto start = Clock::now();
    std::vector<std::jthread> workers;
    for (std::size_t t = 0; t < count; ++t) {
      workers.emplace_back([&, at = t * bytes_each] { std::memcpy(&target[at], &source[at], bytes_each); });
    }
    workers.clear();
    best = std::max(best, 2 * static_cast<double>(count * bytes_each) / seconds_since(start));
  }
  return best;
}

class CpuDevice : public Device {
 public:
  CpuDevice(int threads, Scale scale)
      : context_(Context::cpu(threads)), copy_bandwidth_(best_copy_bytes_per_second(context_.threads(), scale)) {}

  const Context& context() const override { return context_; }
  std::string name() const override { return "cpu"; }
  double copy_bytes_per_second() const override { return copy_bandwidth_; }
  std::vector<std::pair<std::string, double>> bandwidths() const override { return {{"copy", copy_bandwidth_}}; }

  std::vector<double> measure(const std::function<void()>& work, const Timing&,
                              const Repetitions& repetitions) override {
    return repeat(repetitions, [&] {
      const auto start = Clock::now();
      work();
      return seconds_since(start);
    });
  }

 private:
  Context context_;
  double copy_bandwidth_;
};

}  // namespace

std::unique_ptr<Device> make_cpu_device(int threads, Scale scale) {
  return std::make_unique<CpuDevice>(threads, scale);
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
