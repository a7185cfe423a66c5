// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "checkpoint.hpp"
#include "options.hpp"
#include "training_run.hpp"

namespace examples::train_graphs {

/// What a Trainer calls back. All are optional.
struct TrainerEvents {
  std::function<bool()> stop;  ///< asked after each step; true ends the training with a checkpoint
  std::function<void(const RunResult& present)> epoch_done;
  std::function<void(const Results& results)> run_done;
};

/// Trains all folds of all repeats.
class Trainer {
 public:
  /// `resumed` is what read_checkpoint gave for options.resume. Throws UsageError when it belongs to other data.
  Trainer(const Options& options, const Dataset& dataset, const DeviceData& data, TrainerEvents events,
          std::optional<TrainingState> resumed);

  /// False: stopped; a checkpoint lies at checkpoint_path(options).
  bool train();

  const Results& results() const { return results_; }
  std::int64_t num_parameters() const { return num_parameters_; }

 private:
  /// Of the layers, features and classes included.
  std::vector<std::int64_t> widths() const;
  bool train_all();
  /// A new run, or the resumed one where it stopped.
  std::unique_ptr<TrainingRun> make_run(std::int64_t repeat, std::int64_t fold);
  /// What `train` returns; a TrainingError tells run and epoch.
  template <class Train>
  auto checked(const TrainingRun& run, const Train& train) const;
  bool train_run(TrainingRun& run);
  void finish(TrainingRun& run);
  void checkpoint(TrainingRun& run) const;
  std::vector<Split> splits_of(std::int64_t repeat) const;

  const Options& options_;
  const Dataset& dataset_;
  const DeviceData& data_;
  TrainerEvents events_;
  std::optional<TrainingState> resumed_;
  std::string fingerprint_;
  Results results_;
  std::int64_t num_parameters_ = 0;
};

/// The test graphs worth a picture, at most `count`: small ones, two thirds of them classified right where there are
/// enough wrong ones, the classes taking turns, the surest answers first.
std::vector<Explanation> choose_for_pictures(std::vector<Explanation> explanations, const Dataset& dataset,
                                             std::int64_t count);

}  // namespace examples::train_graphs
