// SPDX-License-Identifier: MIT
#include "settings.hpp"

namespace train::series {

Fields fields_of(Settings& settings) {
  const std::string no_attention =
      has_edge_attention(settings.model) ? "" : "is for models with attention, not " + name_in(kModels, settings.model);
  return {
      {"dataset", "Data", "NAME", "a folder of speeds and a network, los_speed.csv; or wave, which is generated",
       Name{&settings.dataset}},
      {"split", "Data", "A,B,C", "fractions of the time: train,valid,test, one after the other",
       Reals{&settings.split, 3, 0, 1}, "0.7,0.1,0.2"},
      {"model", "Model", "WORD", "how sensors see each other at every step; set: not at all",
       choice(kModels, settings.model)},
      {"layers", "Model", "N", "of the network", Whole{&settings.layers, 1, 16}},
      {"hidden", "Model", "N", "width of sensors' states, in the network and over time",
       Whole{&settings.hidden, 1, 65536}},
      {"heads", "Model", "N", "attention heads, which share the width", Whole{&settings.heads, 1, 1024}, "",
       no_attention},
      {"dropout", "Model", "P", "dropout of what the forecast is made from", Real{&settings.dropout, 0, 0.99}},
      {"batch-size", "Training", "N", "forecasts of all sensors in one step", Whole{&settings.batch_size, 1, 65536}},
      {"lr-halve-every", "Training", "N", "halve the learning rate after every so many epochs; 0: never",
       Whole{&settings.halve_rate_every, 0}},
  };
}

}  // namespace train::series
