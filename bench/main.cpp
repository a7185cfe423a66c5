// SPDX-License-Identifier: MIT
// Measures the ops of the library, layers and baselines on the devices of this machine: `warpgnn_bench --help`. Beside
// each time stand the bytes that the op has to move (byte_bounds.hpp) and how that compares with a plain copy on the
// same device.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "export_graphs.hpp"
#include "options.hpp"
#include "output_file.hpp"
#include "predict.hpp"

namespace warpgnn::bench {

namespace {

using Json = nlohmann::ordered_json;

/// A device with its graphs and the one case that is set up.
struct Bench {
  Bench(std::unique_ptr<Device> on, Scale scale) : device(std::move(on)), shelf(device->context(), scale) {}

  const Case& prepare(const Row& row) {
    if (current_name != row.name) {
      current_name.clear();
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

/// What a run leaves behind besides the table that is printed.
struct Record {
  std::optional<OutputFile> rows;
  int failures = 0;

  void add(const Json& line) {
    if (rows) rows->write(line.dump() + "\n");
  }
};

/// Rates belong to the median, which a busy machine disturbs less than the mean.
Json numbers_of(const Case& work, std::vector<double> times, double copy_bytes_per_second) {
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  const double seconds = *middle, rate = work.bytes.gather / seconds;
  Json numbers{{"median_us", seconds * 1e6},
               {"best_us", *std::min_element(times.begin(), times.end()) * 1e6},
               {"repetitions", times.size()}};
  if (work.bytes.gather > 0) {
    numbers["gather_MB"] = work.bytes.gather * 1e-6;
    numbers["compulsory_MB"] = work.bytes.compulsory * 1e-6;
    numbers["gather_GBps"] = rate * 1e-9;
    numbers["gather_pct_of_copy"] = 100 * rate / copy_bytes_per_second;
    numbers["compulsory_pct_of_copy"] = 100 * work.bytes.compulsory / seconds / copy_bytes_per_second;
  }
  if (work.flops > 0) numbers["GFLOPs"] = work.flops / seconds * 1e-9;
  return numbers;
}

/// Google Benchmark is to call each row once, and shows the median as its time.
constexpr const char* kOneCall = "--benchmark_min_time=1e-9";

void show(const Json& numbers, benchmark::State& state) {
  for ([[maybe_unused]] const auto iteration : state) {
    state.SetIterationTime(numbers["median_us"].get<double>() * 1e-6);
  }
  for (const auto& [name, value] : numbers.items()) state.counters[name] = value.get<double>();
}

void register_row(const std::shared_ptr<Bench>& bench, const std::shared_ptr<Record>& record, const Row& row,
                  const Timing& timing, const Repetitions& repetitions) {
  const std::string name = row.name + "/" + bench->device->name() + (timing.name.empty() ? "" : "_") + timing.name;
  const auto measure = [=](benchmark::State& state) {
    Json line{{"name", name}};
    try {
      const Case& work = bench->prepare(row);
      auto times = bench->device->measure(work.run, timing, repetitions);
      const Json numbers = numbers_of(work, std::move(times), bench->device->copy_bytes_per_second());
      show(numbers, state);
      line.update(numbers);
    } catch (const std::exception& error) {
      state.SkipWithError(error.what());
      line["error"] = error.what();
      ++record->failures;
    }
    record->add(line);
  };
  benchmark::RegisterBenchmark(name.c_str(), measure)->UseManualTime()->Unit(benchmark::kMicrosecond);
}

void add_device(std::unique_ptr<Device> device, const Options& options, const std::shared_ptr<Record>& record) {
  const auto bench = std::make_shared<Bench>(std::move(device), options.scale);
  const bool cuda = bench->device->context().is_cuda();
  for (const Row& row : rows_of(options.suite, cuda)) {
    for (const Timing& timing : timings_of(options.suite, cuda)) {
      if (!row.capturable && timing.replay) continue;
      register_row(bench, record, row, timing, repetitions_of(options.suite, timing, options.seconds));
    }
  }
}

std::vector<std::unique_ptr<Device>> open_devices(const Options& options) {
  std::vector<std::unique_ptr<Device>> devices;
  if (options.devices != Devices::cuda) devices.push_back(make_cpu_device(options.threads, options.scale));
  if (options.devices != Devices::cpu) {
    if (auto device = make_cuda_device(options.scale)) devices.push_back(std::move(device));
  }
  if (devices.empty()) throw std::runtime_error("--device=cuda: no CUDA device can be used here");
  return devices;
}

Json context_of(const Options& options, const std::vector<std::unique_ptr<Device>>& devices) {
  Json context{{"warpgnn", WARPGNN_VERSION},
               {"compiler", __VERSION__},
               {"cpu_model", cpu_model()},
               {"instruction_level", instruction_level()}};
  if (options.scale == Scale::tiny) context["tiny"] = true;
  for (const auto& device : devices) {
    context[device->name()] = device->context().description();
    for (const auto& [what, bytes_per_second] : device->bandwidths()) {
      context[device->name() + "_" + what + "_GBps"] = bytes_per_second * 1e-9;
    }
  }
  return context;
}

/// Google Benchmark keeps the pointer to the program's name and writes it into its results: `program` has to stay.
void initialize_benchmark(char* program, const Options& options) {
  std::vector<std::string> words;
  words.insert(words.end(), options.benchmark_options.begin(), options.benchmark_options.end());
  words.emplace_back(kOneCall);
  std::vector<char*> arguments{program};
  for (std::string& word : words) arguments.push_back(word.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) throw std::invalid_argument("unknown option");
}

void measure(char* program, const Options& options) {
  const auto record = std::make_shared<Record>();
  initialize_benchmark(program, options);
  if (!options.rows_path.empty()) record->rows.emplace(options.rows_path, std::ios::app);
  auto devices = open_devices(options);
  const Json context = context_of(options, devices);
  record->add({{"context", context}});
  for (const auto& [key, value] : context.items()) {
    benchmark::AddCustomContext(key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  for (auto& device : devices) add_device(std::move(device), options, record);
  const std::size_t rows = benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  if (rows == 0) throw std::runtime_error("no row was chosen");
  if (record->failures > 0) throw std::runtime_error("rows that failed: " + std::to_string(record->failures));
}

void run(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  std::cout << options.help;
  if (!options.help.empty()) return;
  if (!options.export_folder.empty()) {
    const bool cuda = options.devices == Devices::cuda || (options.devices == Devices::all && cuda_device_count() > 0);
    export_graphs(cuda ? Context::cuda() : Context::cpu(options.threads), options.graphs, options.export_folder,
                  options.scale);
  }
  if (!options.predict_budget.empty()) predict(options.predict_budget, options.graphs, options.scale);
  if (options.measures) measure(argv[0], options);
}

}  // namespace

}  // namespace warpgnn::bench

int main(int argc, char** argv) {
  try {
    warpgnn::bench::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "warpgnn_bench: " << error.what() << '\n';
    return 1;
  }
}
