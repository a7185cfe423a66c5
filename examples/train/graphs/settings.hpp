// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "choices.hpp"
#include "core/settings.hpp"

namespace train::graphs {

/// What decides the numbers of a training beside TrainingSettings. What hangs on the model is open until settled.
struct Settings {
  std::string dataset = "MUTAG";
  std::int64_t label_width = 256;  ///< most numbers that stand for one label
  ModelKind model = ModelKind::attention;
  std::optional<warpgnn::PoolReduce> pool;
  std::optional<warpgnn::PoolGate> gate;
  Readout readout = Readout::last;
  std::vector<std::int64_t> widths;  ///< of the graph layers, in order
  std::int64_t layers = 0;           ///< as many as there are widths; 0: not settled yet
  std::int64_t heads = 4;
  double dropout = 0;
  double attention_dropout = 0;
  std::int64_t batch_size = 32;
  std::int64_t halve_rate_every = 0;  ///< epochs; 0: never
  std::int64_t folds = 10;
  std::vector<double> split;  ///< train, valid, test; in place of folds

  EncoderKind encoder() const { return encoder_of(model); }
};

Fields fields_of(Settings& settings);
/// Fills in what hangs on other settings. Throws UsageError for what does not fit together.
void settle(Settings& settings);

}  // namespace train::graphs
