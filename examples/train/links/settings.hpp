// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/settings.hpp"
#include "model/encoder.hpp"

namespace train::links {

inline constexpr std::array kModels{
    Choice<EncoderKind>{"gcn", EncoderKind::gcn},
    Choice<EncoderKind>{"gat", EncoderKind::gat},
    Choice<EncoderKind>{"gatv2", EncoderKind::gatv2},
    Choice<EncoderKind>{"transformer", EncoderKind::transformer},
};

/// How a pair is judged by the states of its nodes, multiplied element by element.
enum class Decoder {
  dot,    ///< their sum
  mlp,    ///< a network of two layers
  paths,  ///< the same, which sees what the links around the pair say too (structure.hpp)
};
inline constexpr std::array kDecoders{
    Choice<Decoder>{"dot", Decoder::dot},
    Choice<Decoder>{"mlp", Decoder::mlp},
    Choice<Decoder>{"paths", Decoder::paths},
};

/// What decides the numbers of a training beside TrainingSettings.
struct Settings {
  std::string dataset = "cora";
  EncoderKind model = EncoderKind::gcn;
  Decoder decoder = Decoder::paths;
  std::int64_t embedding = 16;  ///< learned features of nodes that have none
  std::int64_t hidden = 64;
  std::int64_t states = 32;
  std::int64_t heads = 4;
  double dropout = 0.5;
  double attention_dropout = 0;
  std::vector<double> split;  ///< train, valid, test
};

Fields fields_of(Settings& settings);

}  // namespace train::links
