// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/settings.hpp"
#include "model/encoder.hpp"

namespace train::series {

inline constexpr std::array kModels{
    Choice<EncoderKind>{"gcn", EncoderKind::gcn},     Choice<EncoderKind>{"gat", EncoderKind::gat},
    Choice<EncoderKind>{"gatv2", EncoderKind::gatv2}, Choice<EncoderKind>{"transformer", EncoderKind::transformer},
    Choice<EncoderKind>{"set", EncoderKind::set},
};

/// What decides the numbers of a training beside TrainingSettings.
struct Settings {
  std::string dataset = "METR-LA-week";
  std::vector<double> split;  ///< train, valid, test; in the order of time
  EncoderKind model = EncoderKind::gat;
  std::int64_t layers = 1;
  std::int64_t hidden = 32;
  std::int64_t heads = 4;
  double dropout = 0;
  std::int64_t batch_size = 16;  ///< forecasts of all sensors
  std::int64_t halve_rate_every = 0;
};

Fields fields_of(Settings& settings);

}  // namespace train::series
