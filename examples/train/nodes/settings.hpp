// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "core/settings.hpp"
#include "model/encoder.hpp"

namespace train::nodes {

inline constexpr std::array kModels{
    Choice<EncoderKind>{"gcn", EncoderKind::gcn},
    Choice<EncoderKind>{"gat", EncoderKind::gat},
    Choice<EncoderKind>{"gatv2", EncoderKind::gatv2},
    Choice<EncoderKind>{"transformer", EncoderKind::transformer},
};

/// What decides the numbers of a training beside TrainingSettings.
struct Settings {
  std::string dataset = "cora";
  std::string split = "public";
  EncoderKind model = EncoderKind::gcn;
  std::int64_t hidden = 16;  ///< width of the hidden layer; with attention, of each of its heads
  std::int64_t heads = 1;    ///< of the hidden layer; the output layer has one
  double dropout = 0.5;      ///< of the input of both layers
  double attention_dropout = 0;

  std::int64_t hidden_width() const { return hidden * (has_edge_attention(model) ? heads : 1); }
};

Fields fields_of(Settings& settings);

/// The defaults of the paper that introduced GCN (Kipf and Welling 2017) or GAT (Velickovic et al. 2018); the other
/// attention models take GAT's.
void take_defaults_of_model(Settings& settings, TrainingSettings& training);
/// The same in words.
TrainingWords words_of_models();

}  // namespace train::nodes
