// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <chrono>
#include <iostream>

#include "block_generator.hpp"
#include "common/epoch_log.hpp"
#include "common/errors.hpp"
#include "common/interrupt.hpp"
#include "common/memory.hpp"
#include "common/program.hpp"
#include "common/run_files.hpp"
#include "ogb_reader.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "trainer.hpp"

namespace examples::train_nodes {
namespace {

NodeData load_data(Options& options) {
  Settings& settings = options.settings;
  if (settings.dataset == kBlockDatasetName) return generate_blocks(settings.seed);
  const DatasetLocation location = find_dataset(settings.dataset, options.data);
  if (location.folder) return read_ogb(*location.folder, settings.dataset, settings.split, settings.dtype);
  accept_missing_data(options, settings.dataset, location, "raw/edge.csv.gz", kBlockDatasetName);
  settings.dataset = kBlockDatasetName;
  return generate_blocks(settings.seed);
}

int run(int argc, char** argv) {
  const auto begin = std::chrono::steady_clock::now();
  Options options = parse_options(argc, argv);
  if (!options.help.empty()) {
    std::cout << options.help;
    return 0;
  }
  expect_sound_targets(options);
  watch_interrupts();
  std::optional<TrainingState> resumed;
  if (!options.resume.empty()) {
    resumed = read_checkpoint(options.resume);
    adopt_settings(options, resumed->settings);
  }
  const auto load = [&] {
    return naming_memory("the data set " + options.settings.dataset, 0, [&] { return load_data(options); });
  };
  const NodeData data = resumed ? naming_file(options.resume, load) : load();
  const warpgnn::Context context = open_context(options.device, options.threads);
  const Settings& settings = options.settings;
  Matrix features = data.features;
  const bool is_normalised = normalise_rows(features);
  std::cout << describe_data(data) << "\n"
            << "Model " << name_in(kModels, settings.model) << "; features "
            << (is_normalised ? "with rows of sum 1" : "as in the file") << "\n"
            << "On " << context.description() << ", " << name_in(kDtypes, settings.dtype) << std::endl;
  expect_output();
  const RunFiles files(options);

  const double bytes = static_cast<double>(features.rows) * static_cast<double>(features.columns) *
                       static_cast<double>(warpgnn::size_of(settings.dtype));
  const auto graph_of = [&] { return DeviceGraph(context, settings.dtype, data, features); };
  const DeviceGraph graph = naming_memory(
      "the features of shape [" + std::to_string(features.rows) + ", " + std::to_string(features.columns) + "]", bytes,
      graph_of);
  EpochLog log = resumed ? EpochLog(options.log, log_lines(*resumed)) : EpochLog(options.log);
  ProgressDisplay progress(std::cout, settings, is_terminal(STDOUT_FILENO));
  const TrainerEvents events{
      .stop = [&] { return should_stop(log); },
      .epoch_done =
          [&](const Results& finished, const std::vector<EpochRecord>& present) {
            log.write(log_line(finished.runs.size(), present, present.size() - 1));
            progress.epoch_done(finished, present);
          },
      .run_done = [&](const Results& results) { progress.run_done(results); },
  };
  Trainer trainer(options, data, graph, events, std::move(resumed));
  const bool completed = trainer.train();
  progress.clear();
  if (!completed) return report_stop(log, resume_command(options, argv[0], checkpoint_path(options)));
  const Summary summary{
      .settings = settings,
      .data = data,
      .results = trainer.results(),
      .device = context.description(),
      .threads = context.threads(),
      .parameters = trainer.num_parameters(),
      .seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(),
  };
  const Report report = naming_memory("the report", 0, [&] { return write_report(options.out, summary); });
  std::cout << "\n" << result_table(summary) << "\n";
  if (!report.remark.empty()) std::cout << report.remark << "\n";
  std::cout << "Written:";
  for (const auto& file : report.files) std::cout << ' ' << file.string();
  std::cout << std::endl;
  if (!log.failure().empty()) throw DataError(log.failure());
  return 0;
}

}  // namespace
}  // namespace examples::train_nodes

int main(int argc, char** argv) {
  return examples::run_program_main("train_nodes", [&] { return examples::train_nodes::run(argc, argv); });
}
