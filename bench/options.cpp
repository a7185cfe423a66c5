// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <CLI/CLI.hpp>
#include <charconv>
#include <stdexcept>

namespace warpgnn::bench {

namespace {

constexpr const char* kBenchmarkPrefix = "--benchmark_";

/// Google Benchmark's way to say seconds: a number, with or without an "s".
CLI::Validator seconds() {
  return CLI::Validator(
      [](std::string& word) -> std::string {
        double value = 0;
        const char* const end = word.data() + word.size() - (word.ends_with('s') ? 1 : 0);
        const auto [stop, error] = std::from_chars(word.data(), end, value);
        if (error != std::errc{} || stop != end || !(value >= 0 && value <= 3600)) {
          return "expected seconds from 0 to 3600, not \"" + word + '"';
        }
        word = std::to_string(value);
        return {};
      },
      "SECONDS");
}

CLI::Validator thread_count() {
  return CLI::Validator(
      [](std::string& word) -> std::string {
        int value = 0;
        const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), value);
        const bool is_number = error == std::errc{} && stop == word.data() + word.size();
        return is_number && value >= 0 && value <= 4096 ? "" : "expected 0 to 4096 threads, not \"" + word + '"';
      },
      "COUNT");
}

void refuse_unknown(const std::vector<std::string>& extras, const CLI::App& app) {
  for (const std::string& word : extras) {
    if (word.starts_with(kBenchmarkPrefix)) continue;
    std::string known;
    for (const CLI::Option* option : app.get_options()) known += option->get_name(false, false) + ", ";
    throw std::invalid_argument("unknown option " + word + "; expected " + known + "or one of Google Benchmark's, " +
                                kBenchmarkPrefix + "...");
  }
}

}  // namespace

Options read_options(int argc, const char* const* argv) {
  CLI::App app{"Measures the ops of warpgnn, layers, training steps and baselines on the devices of this machine."};
  app.footer(std::string("Google Benchmark's options are taken as well: ") + kBenchmarkPrefix + "filter=REGEX, " +
             kBenchmarkPrefix + "list_tests, " + kBenchmarkPrefix + "out=FILE, ...");
  app.allow_extras();

  Options options;
  std::string suite = "standard", device = "all";
  bool tiny = false;
  const CLI::Option* const suite_option =
      app.add_option("--suite", suite, "Which rows to measure")->check(CLI::IsMember(suite_names()));
  app.add_option("--device", device, "Where")->check(CLI::IsMember({"cpu", "cuda", "all"}));
  app.add_option("--threads", options.threads, "Threads of the CPU; 0: as OpenMP takes them")->check(thread_count());
  app.add_option("--min-time,--benchmark_min_time", options.seconds, "Work that a row measures, but for --suite=core")
      ->check(seconds());
  app.add_option("--rows", options.rows_path, "Append each row to this file as a line of JSON when it is finished");
  app.add_option("--export-graphs", options.export_folder,
                 "Write the edges of graphs to this folder; measure only if --suite is given");
  app.add_option(
      "--predict", options.predict_budget,
      "Print what kernels should cost on GPUs that are not at hand, by the machine code that this file counts "
      "(tests/sass_budget.txt); measure only if --suite is given");
  app.add_option("--graphs", options.graphs, "Which graphs to export or predict for; default: those of --suite=core")
      ->delimiter(',');
  app.add_flag("--tiny", tiny, "Small graphs of each kind, to see that all rows work; their times mean nothing");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    options.help = app.help();
    return options;
  } catch (const CLI::ParseError& error) {
    throw std::invalid_argument(error.what());
  }
  options.benchmark_options = app.remaining();
  refuse_unknown(options.benchmark_options, app);
  options.suite = suite_of(suite);
  options.measures = (options.export_folder.empty() && options.predict_budget.empty()) || suite_option->count() > 0;
  options.devices = device == "cpu" ? Devices::cpu : device == "cuda" ? Devices::cuda : Devices::all;
  options.scale = tiny ? Scale::tiny : Scale::full;
  return options;
}

}  // namespace warpgnn::bench
