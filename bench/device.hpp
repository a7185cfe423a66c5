// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "named_graphs.hpp"
#include "warpgnn/context.hpp"

namespace warpgnn::bench {

/// How a row is timed.
struct Timing {
  std::string name{};   ///< empty for the only one of a device
  bool cold = false;    ///< caches are flushed before each run
  bool replay = false;  ///< the work is captured once and replayed
};

/// How often: until `seconds` of work have been measured, but within these bounds.
struct Repetitions {
  int least = 1, most = 1;
  double seconds = 0;
};

/// A device that benchmarks run on, and how time is taken there.
class Device {
 public:
  virtual ~Device() = default;

  virtual const Context& context() const = 0;
  virtual std::string name() const = 0;
  /// Bytes read plus bytes written by the fastest of several large copies.
  virtual double copy_bytes_per_second() const = 0;
  /// Bytes per second of this device, by what was moved; the copy is among them.
  virtual std::vector<std::pair<std::string, double>> bandwidths() const = 0;
  /// Each repetition's time in seconds. `work` has run before, so that it allocates nothing any more.
  virtual std::vector<double> measure(const std::function<void()>& work, const Timing& timing,
                                      const Repetitions& repetitions) = 0;
};

/// @param threads 0: what OpenMP takes
/// @param scale tiny: bandwidths are of small arrays and mean nothing
std::unique_ptr<Device> make_cpu_device(int threads, Scale scale);
/// Null where there is no CUDA device or no CUDA in the build.
std::unique_ptr<Device> make_cuda_device(Scale scale);

/// Model of the processor and the instruction-set level (x86-64 psABI) that the CPU backend uses on it.
std::string cpu_model();
std::string instruction_level();

/// What a device's `measure` returns, by a function that runs once and returns what that took.
template <class RunOnce>
std::vector<double> repeat(const Repetitions& repetitions, const RunOnce& run_once) {
  std::vector<double> times;
  double total = 0;
  while (std::ssize(times) < repetitions.least ||
         (std::ssize(times) < repetitions.most && total < repetitions.seconds)) {
    times.push_back(run_once());
    total += times.back();
  }
  return times;
}

}  // namespace warpgnn::bench
