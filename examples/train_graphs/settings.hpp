// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "choices.hpp"

namespace examples::train_graphs {

/// Everything that decides the numbers a training run computes. It is stored in checkpoints.
struct Settings {
  std::string dataset = "MUTAG";
  std::int64_t label_width = 256;  ///< most numbers that stand for one label
  ModelKind model = ModelKind::attention;
  warpgnn::PoolReduce pool = warpgnn::PoolReduce::mean;
  warpgnn::PoolGate gate = warpgnn::PoolGate::raw;
  Readout readout = Readout::last;
  std::vector<std::int64_t> widths{32, 64};  ///< of the graph layers, in order
  std::int64_t heads = 4;
  double dropout = 0;
  double attention_dropout = 0;
  std::int64_t epochs = 300;
  std::int64_t patience = 0;  ///< epochs without a better validation before a training stops; 0: never
  std::int64_t batch_size = 32;
  double learning_rate = 1e-2;
  std::int64_t halve_rate_every = 0;  ///< epochs; 0: never
  double weight_decay = 0;
  std::int64_t folds = 10;
  std::optional<std::array<double, 3>> split;  ///< train, valid, test; in place of folds
  std::int64_t repeats = 1;
  Selection select = Selection::last;
  std::uint64_t seed = 1;
  warpgnn::Dtype dtype = warpgnn::Dtype::float32;

  std::int64_t runs_per_repeat() const { return split ? 1 : folds; }
  std::int64_t num_runs() const { return repeats * runs_per_repeat(); }
  /// Whether a part of the graphs is kept for validation.
  bool has_valid() const { return split ? (*split)[1] > 0 : select == Selection::valid; }
  bool operator==(const Settings&) const = default;
};

/// Keys are the names of the command line's options, without dashes; null is what the model or the splits do not use.
nlohmann::json to_json(const Settings& settings);

}  // namespace examples::train_graphs
