// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "choices.hpp"

namespace examples::train_nodes {

/// Everything that decides the numbers a training computes. It is stored in checkpoints.
struct Settings {
  std::string dataset = "cora";
  std::string split = "public";
  ModelKind model = ModelKind::gcn;
  std::int64_t hidden = 16;  ///< width of the hidden layer; with attention, of each of its heads
  std::int64_t heads = 1;    ///< of the hidden layer; the output layer has one
  double dropout = 0.5;      ///< of the input of both layers
  double attention_dropout = 0;
  std::int64_t epochs = 200;
  std::int64_t patience = 0;  ///< epochs without progress in validation before a training stops; 0: never
  double learning_rate = 0.01;
  double weight_decay = 5e-4;  ///< gcn: of the first layer only
  std::int64_t repeats = 10;
  Selection select = Selection::last;
  std::uint64_t seed = 1;
  warpgnn::Dtype dtype = warpgnn::Dtype::float32;

  bool operator==(const Settings&) const = default;
};

/// The settings of the paper that introduced GCN (Kipf and Welling 2017) or GAT (Velickovic et al. 2018); the other
/// attention models take GAT's.
Settings settings_of(ModelKind model);

/// Keys are the names of the command line's options, without dashes; null is what the model or the data do not use.
nlohmann::json to_json(const Settings& settings);

}  // namespace examples::train_nodes
