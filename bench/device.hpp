#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "warpgnn/context.hpp"

namespace warpgnn::bench {

/// How a row is timed.
struct Timing {
  std::string name;     ///< empty for the only one of a device
  bool cold = false;    ///< caches are flushed before each run
  bool replay = false;  ///< the work is captured once and replayed
};

/// A device that benchmarks run on, and how time is taken there.
class Device {
 public:
  virtual ~Device() = default;

  virtual const Context& context() const = 0;
  virtual std::string name() const = 0;
  /// Bytes read plus bytes written by the fastest of several large copies.
  virtual double copy_bytes_per_second() const = 0;
  virtual std::vector<Timing> timings(bool all) const = 0;
  /// Runs `work` as often as `state` asks, and sets and returns each iteration's time in seconds. `work` has run once
  /// before.
  virtual std::vector<double> measure(benchmark::State& state, const std::function<void()>& work,
                                      const Timing& timing) = 0;
};

/// @param threads 0: what OpenMP takes
std::unique_ptr<Device> make_cpu_device(int threads);
/// Null where there is no CUDA device or no CUDA in the build.
std::unique_ptr<Device> make_cuda_device();

/// Model of the processor and the instruction-set level (x86-64 psABI) that the CPU backend uses on it.
std::string cpu_model();
std::string instruction_level();

}  // namespace warpgnn::bench
