// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/checkpoint.hpp"

namespace train {

/// What a Trainer calls back. All are optional.
struct TrainerEvents {
  std::function<bool()> stop;  ///< asked after each step; true ends the training with a checkpoint
  std::function<void(const RunResult& present)> epoch_done;
  std::function<void(const Results& results)> run_done;
};

/// Runs all trainings of a task, whose data are on their device.
class Trainer {
 public:
  /// `resumed` is what read_checkpoint gave for options.resume. Throws DataError when it belongs to other data.
  Trainer(const RunOptions& options, Task& task, TrainerEvents events, std::optional<TrainingState> resumed);

  /// False: stopped; a checkpoint lies at checkpoint_path(options).
  bool train();

  const Results& results() const { return results_; }
  std::int64_t num_parameters() const { return num_parameters_; }

 private:
  /// One training and how far it is.
  struct Run {
    std::unique_ptr<Training> training;
    RunResult result;
    std::int64_t step = 0;    // done of the present epoch
    double milliseconds = 0;  // of the present epoch
  };

  bool train_all();
  /// A new run, or the resumed one where it stopped.
  Run make_run(std::int64_t repeat, std::int64_t fold);
  void restore(Run& run);
  bool finished(const Run& run) const;
  bool train_run(Run& run);
  /// Goes on with the present epoch, or begins the next. False: it was told to stop, and the epoch is not complete. An
  /// epoch whose numbers are not finite is not in the result.
  bool train_epoch(Run& run);
  void end_epoch(Run& run);
  bool is_chosen(const Run& run) const;
  void finish(Run& run);
  void checkpoint(Run& run) const;
  bool stop() const { return events_.stop && events_.stop(); }
  /// What `train` returns; a TrainingError tells run and epoch.
  template <class Train>
  auto checked(const Run& run, const Train& train) const;

  const RunOptions& options_;
  Task& task_;
  TrainerEvents events_;
  std::optional<TrainingState> resumed_;
  nlohmann::json settings_;
  std::string fingerprint_;
  RunRules rules_;
  Results results_;
  std::int64_t num_parameters_ = 0;
};

}  // namespace train
