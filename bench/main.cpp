// warpgnn_bench [--suite=smoke|standard|full|large] [--threads=N] [--device=cpu|cuda|all] [Google Benchmark's options]
//
// Measures the ops of the library, layers and baselines on every device of this machine. Beside each time stand the
// bytes that the op has to move (byte_bounds.hpp) and how that compares with a plain copy on the same device.

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <stdexcept>

#include "plan.hpp"

namespace warpgnn::bench {

namespace {

struct Options {
  Suite suite = Suite::standard;
  int threads = 0;
  bool cpu = true, cuda = true;
};

/// Takes our options out of the arguments and leaves the rest.
Options take_options(std::vector<char*>& arguments) {
  Options options;
  std::erase_if(arguments, [&](const char* argument) {
    const std::string_view word = argument;
    const auto value = word.substr(std::min(word.size(), word.find('=') + 1));
    if (word.starts_with("--suite=")) {
      options.suite = suite_of(value);
    } else if (word.starts_with("--threads=")) {
      options.threads = std::atoi(std::string(value).c_str());
    } else if (word.starts_with("--device=")) {
      options.cpu = value != "cuda";
      options.cuda = value != "cpu";
    } else {
      return false;
    }
    return true;
  });
  return options;
}

/// A device with its graphs and the one case that is set up.
struct Bench {
  explicit Bench(std::unique_ptr<Device> on) : device(std::move(on)), shelf(device->context()) {}

  const Case& prepare(const Row& row) {
    if (current_name != row.name) {
      current = {};
      current = row.make(shelf);
      current.run();
      device->context().synchronize();
      current_name = row.name;
    }
    return current;
  }

  std::unique_ptr<Device> device;
  GraphShelf shelf;
  std::string current_name;
  Case current;
};

/// Rates belong to the median, which a busy machine disturbs less than the mean.
void set_counters(benchmark::State& state, const Case& work, std::vector<double> times, double copy_bytes_per_second) {
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  const double seconds = *middle, rate = work.bytes.gather / seconds;
  state.counters["median_us"] = seconds * 1e6;
  state.counters["best_us"] = *std::min_element(times.begin(), times.end()) * 1e6;
  state.counters["gather_MB"] = work.bytes.gather * 1e-6;
  state.counters["compulsory_MB"] = work.bytes.compulsory * 1e-6;
  state.counters["gather_GBps"] = rate * 1e-9;
  state.counters["gather_pct_of_copy"] = 100 * rate / copy_bytes_per_second;
  state.counters["compulsory_pct_of_copy"] = 100 * work.bytes.compulsory / seconds / copy_bytes_per_second;
  if (work.flops > 0) state.counters["GFLOPs"] = work.flops / seconds * 1e-9;
}

void register_row(const std::shared_ptr<Bench>& bench, const Row& row, const Timing& timing) {
  const std::string name = row.name + "/" + bench->device->name() + (timing.name.empty() ? "" : "_") + timing.name;
  const auto measure = [=](benchmark::State& state) {
    try {
      const Case& work = bench->prepare(row);
      auto times = bench->device->measure(state, work.run, timing);
      set_counters(state, work, std::move(times), bench->device->copy_bytes_per_second());
    } catch (const std::exception& error) {
      state.SkipWithError(error.what());
    }
  };
  benchmark::RegisterBenchmark(name.c_str(), measure)->UseManualTime()->Unit(benchmark::kMicrosecond);
}

void add_device(std::unique_ptr<Device> device, Suite suite) {
  const std::string name = device->name();
  benchmark::AddCustomContext(name, device->context().description());
  benchmark::AddCustomContext(name + "_copy_GBps", std::to_string(device->copy_bytes_per_second() * 1e-9));
  const auto bench = std::make_shared<Bench>(std::move(device));
  for (const Row& row : rows_of(suite, *bench->device)) {
    for (const Timing& timing : bench->device->timings(suite >= Suite::full)) {
      if (row.capturable || !timing.replay) register_row(bench, row, timing);
    }
  }
}

void run(std::vector<char*> arguments) {
  const Options options = take_options(arguments);
  std::string min_time = "--benchmark_min_time=0.2";
  arguments.insert(arguments.begin() + 1, min_time.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) throw std::invalid_argument("unknown option");

  benchmark::AddCustomContext("warpgnn", WARPGNN_VERSION);
  benchmark::AddCustomContext("cpu_model", cpu_model());
  benchmark::AddCustomContext("instruction_level", instruction_level());
  if (options.cpu) add_device(make_cpu_device(options.threads), options.suite);
  if (options.cuda) {
    if (auto device = make_cuda_device()) add_device(std::move(device), options.suite);
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}

}  // namespace

}  // namespace warpgnn::bench

int main(int count, char** arguments) {
  try {
    warpgnn::bench::run({arguments, arguments + count});
  } catch (const std::exception& error) {
    std::cerr << "warpgnn_bench: " << error.what() << '\n';
    return 1;
  }
}
