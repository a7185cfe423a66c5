// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <chrono>
#include <iostream>

#include "common/epoch_log.hpp"
#include "common/errors.hpp"
#include "common/interrupt.hpp"
#include "common/memory.hpp"
#include "common/program.hpp"
#include "common/run_files.hpp"
#include "motif_generator.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "trainer.hpp"
#include "tu_reader.hpp"

namespace examples::train_graphs {
namespace {

Dataset load_dataset(Options& options) {
  Settings& settings = options.settings;
  if (settings.dataset == kMotifDatasetName) return generate_ba2motifs(settings.seed);
  const DatasetLocation location = find_dataset(settings.dataset, options.data);
  if (location.folder) return read_tu(*location.folder, settings.dataset);
  accept_missing_data(options, settings.dataset, location, settings.dataset + "_A.txt", kMotifDatasetName);
  settings.dataset = kMotifDatasetName;
  return generate_ba2motifs(settings.seed);
}

void print_start(const Settings& settings, const Dataset& dataset, const Features& features,
                 const warpgnn::Context& context) {
  std::cout << describe_data(dataset) << "\n"
            << "Model " << name_in(kModels, settings.model) << ", pool " << name_in(kPools, settings.pool) << ", gate "
            << name_in(kGates, settings.gate) << "; node features: " << features.node_source << "\n"
            << "On " << context.description() << ", " << name_in(kDtypes, settings.dtype) << std::endl;
  expect_output();
}

void print_report(const Summary& summary, const Report& report) {
  std::cout << "\n" << result_table(summary) << "\n";
  for (const std::string& remark : report.remarks) std::cout << remark << "\n";
  std::cout << "Written:";
  for (const auto& file : report.files) std::cout << ' ' << file.string();
  std::cout << std::endl;
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
    return naming_memory("the data set " + options.settings.dataset, 0, [&] { return load_dataset(options); });
  };
  const Dataset dataset = resumed ? naming_file(options.resume, load) : load();
  Features features = make_features(dataset, options.settings.label_width, reads_edge_features(options.settings.model));
  const warpgnn::Context context = open_context(options.device, options.threads);
  const Settings& settings = options.settings;
  print_start(settings, dataset, features, context);
  const RunFiles files(options);

  const DeviceData data(context, settings.dtype, dataset, features, needs_of(settings.model));
  features.node = features.edge = {};  // they are on the device
  EpochLog log = resumed ? EpochLog(options.log, log_lines(*resumed)) : EpochLog(options.log);
  ProgressDisplay progress(std::cout, settings, is_terminal(STDOUT_FILENO));
  const TrainerEvents events{
      .stop = [&] { return should_stop(log); },
      .epoch_done =
          [&](const RunResult& present) {
            log.write(log_line(present, present.epochs.size() - 1));
            progress.epoch_done(present);
          },
      .run_done = [&](const Results& results) { progress.run_done(results); },
  };
  Trainer trainer(options, dataset, data, events, std::move(resumed));
  const bool completed = trainer.train();
  progress.clear();
  if (!completed) return report_stop(log, resume_command(options, argv[0], checkpoint_path(options)));
  const Summary summary{
      .settings = settings,
      .dataset = dataset,
      .features = features,
      .results = trainer.results(),
      .device = context.description(),
      .threads = context.threads(),
      .parameters = trainer.num_parameters(),
      .seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(),
  };
  print_report(summary, naming_memory("the report", 0, [&] { return write_report(options.out, summary); }));
  if (!log.failure().empty()) throw DataError(log.failure());
  return 0;
}

}  // namespace
}  // namespace examples::train_graphs

int main(int argc, char** argv) {
  return examples::run_program_main("train_graphs", [&] { return examples::train_graphs::run(argc, argv); });
}
