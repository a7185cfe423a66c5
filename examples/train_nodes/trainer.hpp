// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "checkpoint.hpp"
#include "options.hpp"
#include "training_run.hpp"

namespace examples::train_nodes {

/// What a Trainer calls back. All are optional.
struct TrainerEvents {
  std::function<bool()> stop;  ///< asked after each epoch; true ends the training with a checkpoint
  std::function<void(const Results& finished, const std::vector<EpochRecord>& present)> epoch_done;
  std::function<void(const Results& results)> run_done;
};

/// Trains all repeats.
class Trainer {
 public:
  /// `resumed` is what read_checkpoint gave for options.resume. Throws DataError when it belongs to other data.
  Trainer(const Options& options, const NodeData& data, const DeviceGraph& graph, TrainerEvents events,
          std::optional<TrainingState> resumed);

  /// False: stopped; a checkpoint lies at checkpoint_path(options).
  bool train();

  const Results& results() const { return results_; }
  std::int64_t num_parameters() const { return num_parameters_; }

 private:
  /// Of the features, the hidden layer and the classes.
  std::array<std::int64_t, 3> widths() const;
  bool train_all();
  /// A new training, or the resumed one where it stopped.
  std::unique_ptr<TrainingRun> make_run(std::int64_t repeat);
  bool train_run(TrainingRun& run);
  void checkpoint(TrainingRun& run) const;

  const Options& options_;
  const NodeData& data_;
  const DeviceGraph& graph_;
  TrainerEvents events_;
  std::optional<TrainingState> resumed_;
  std::string fingerprint_;
  Results results_;
  std::int64_t num_parameters_ = 0;
};

}  // namespace examples::train_nodes
