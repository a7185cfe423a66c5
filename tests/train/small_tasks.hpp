// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/command_line.hpp"
#include "core/trainer.hpp"
#include "graphs/motif_generator.hpp"
#include "graphs/task.hpp"
#include "links/task.hpp"
#include "nodes/block_generator.hpp"
#include "nodes/task.hpp"
#include "relations/task.hpp"
#include "series/task.hpp"

/// Tasks on small generated data, driven as the program drives them.
namespace train::test {

using Words = std::vector<std::string>;

/// How a task is made, and the words of a short training with all that makes a resume hard.
struct SmallTask {
  const char* name;
  std::unique_ptr<Task> (*make)();
  void (*use_data)(Task&, std::uint64_t seed);
  Words words;
  std::uint64_t seed = 5;  ///< of the data
};

template <class TaskClass>
std::unique_ptr<Task> make() {
  return std::make_unique<TaskClass>();
}

inline const SmallTask& graphs_task() {
  static const SmallTask small{"graphs",
                               make<graphs::GraphsTask>,
                               [](Task& task, std::uint64_t seed) {
                                 dynamic_cast<graphs::GraphsTask&>(task).use(graphs::generate_ba2motifs(seed, 30));
                               },
                               {"--dataset", "ba2motifs", "--epochs", "3", "--folds", "3", "--batch-size", "6",
                                "--dropout", "0.3", "--seed", "9"},
                               4};
  return small;
}

inline const SmallTask& nodes_task() {
  static const SmallTask small{
      "nodes",
      make<nodes::NodesTask>,
      [](Task& task, std::uint64_t seed) { dynamic_cast<nodes::NodesTask&>(task).use(nodes::generate_blocks(seed)); },
      {"--dataset", "blocks", "--epochs", "5", "--repeats", "2", "--patience", "2", "--seed", "9"}};
  return small;
}

inline const SmallTask& links_task() {
  static const SmallTask small{
      "links",
      make<links::LinksTask>,
      [](Task& task, std::uint64_t seed) {
        dynamic_cast<links::LinksTask&>(task).use(links::generate_small_world(seed));
      },
      {"--dataset", "smallworld", "--epochs", "5", "--repeats", "2", "--patience", "2", "--seed", "9"}};
  return small;
}

inline const SmallTask& relations_task() {
  static const SmallTask small{"relations",
                               make<relations::RelationsTask>,
                               [](Task& task, std::uint64_t seed) {
                                 dynamic_cast<relations::RelationsTask&>(task).use(relations::generate_clock(seed));
                               },
                               {"--dataset", "clock", "--epochs", "5", "--repeats", "2", "--patience", "2", "--seed",
                                "9", "--width", "16", "--batch-size", "100", "--evaluate-every", "1"}};
  return small;
}

inline const SmallTask& series_task() {
  static const SmallTask small{"series",
                               make<series::SeriesTask>,
                               [](Task& task, std::uint64_t seed) {
                                 dynamic_cast<series::SeriesTask&>(task).use(series::generate_wave(seed, 2));
                               },
                               {"--dataset", "wave", "--epochs", "3", "--repeats", "2", "--patience", "2", "--seed",
                                "9", "--hidden", "8", "--batch-size", "64"}};
  return small;
}

inline RunOptions parse(Task& task, const Words& words) {
  const std::string name = task.name();
  std::vector<const char*> argv{name.c_str()};
  for (const std::string& word : words) argv.push_back(word.c_str());
  return parse_options(task, static_cast<int>(argv.size()), argv.data());
}

/// Options and their values, of which those of `more` stand in place of the same ones before.
inline Words operator+(Words words, const Words& more) {
  for (std::size_t k = 0; k + 1 < more.size(); k += 2) {
    const auto found = std::find(words.begin(), words.end(), more[k]);
    if (found != words.end()) words.erase(found, found + 2);
  }
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// What a run came to.
struct Outcome {
  std::unique_ptr<Task> task;
  Results results;
  bool completed = false;

  /// Without times, which differ from run to run.
  nlohmann::json comparable() const {
    Results same = results;
    for (RunResult& run : same.runs) {
      for (EpochRecord& epoch : run.epochs) epoch.milliseconds = 0;
    }
    return to_json(same);
  }
};

constexpr int kForever = 1 << 30;

/// A training of the small data, or those of another seed, that stops when it was asked so often whether to. `words`
/// are those of the command line; with --resume it goes on as the program does.
inline Outcome train(const SmallTask& small, const Words& words, int questions = kForever,
                     std::optional<std::uint64_t> seed = {}) {
  Outcome outcome{small.make(), {}, false};
  Task& task = *outcome.task;
  const RunOptions options = parse(task, words);
  std::optional<TrainingState> resumed;
  if (!options.resume.empty()) {
    resumed = read_checkpoint(options.resume, task);
    expect_kept_settings(*small.make(), options, resumed->settings);
  }
  small.use_data(task, seed.value_or(small.seed));
  task.move_to(warpgnn::Context::cpu(1));
  const TrainerEvents events{.stop = [&] { return --questions < 0; }, .epoch_done = {}, .run_done = {}};
  Trainer trainer(options, task, events, std::move(resumed));
  outcome.completed = trainer.train();
  outcome.results = trainer.results();
  return outcome;
}

}  // namespace train::test
