// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "core/epochs.hpp"
#include "warpgnn/nn/adam.hpp"
#include "warpgnn/nn/safetensors.hpp"
#include "warpgnn/nn/session.hpp"

namespace train {

/// The scores of one epoch.
struct Scores {
  Score train;
  std::optional<Score> valid, test;
};

/// One training of one model on one part of the data: its state, and one step. A task derives from it; the core drives
/// it through its epochs, saves it and goes on with it.
class Training {
 public:
  Training(const warpgnn::Context& context, warpgnn::Dtype dtype, std::uint64_t seed);
  virtual ~Training() = default;
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

  /// Of every epoch.
  virtual std::int64_t steps() const = 0;
  /// Sets up what hangs on the epoch's number, and on nothing else, so that a resumed training needs no more for it.
  virtual void begin_epoch(std::int64_t epoch) = 0;
  virtual void step(std::int64_t step) = 0;
  /// Of the epoch whose steps were done, the training set's loss alone unless it is to be evaluated. Throws
  /// TrainingError where a number is not finite.
  virtual Scores scores(bool evaluate) = 0;

  warpgnn::nn::Session& session() { return session_; }
  /// Trainable numbers.
  std::int64_t num_parameters() const;

  /// All tensors of the state, for a checkpoint: parameters and those kept, optimisers' moments, sums of the epoch.
  std::vector<warpgnn::nn::NamedTensor> tensors();
  /// Throws DataError unless every optimiser did so many steps.
  void expect_steps(std::int64_t steps);

  /// Keeps the parameters as they are, in place of those kept before.
  void keep();
  /// Goes back to them.
  void take_kept();

 protected:
  /// To be called once for each list of parameters when all layers are made. `prefix` tells names of several apart.
  void optimise(const warpgnn::nn::ParameterList& parameters, const warpgnn::nn::AdamOptions& options,
                const std::string& prefix = "");
  /// One step of every optimiser.
  void update();
  /// Whether it is another than before.
  bool set_learning_rate(double rate);
  /// Sets the rate halved after every `every` epochs, which may be 0: never. Whether it is another than before.
  bool halve_rate(double rate, std::int64_t every, std::int64_t epoch);
  /// What begins anew with an epoch, but lasts from step to step.
  virtual void collect_epoch(std::vector<warpgnn::nn::NamedTensor>&) {}

 private:
  struct Optimiser {
    std::string prefix;
    warpgnn::nn::Adam adam;
  };

  warpgnn::nn::Session session_;
  warpgnn::nn::ParameterList parameters_;
  std::deque<Optimiser> optimisers_;
  std::vector<warpgnn::Tensor> kept_;  // one for each parameter
};

}  // namespace train
