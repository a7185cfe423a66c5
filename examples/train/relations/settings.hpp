// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "core/settings.hpp"
#include "model/encoder.hpp"

namespace train::relations {

/// Where the states of entities come from.
enum class Model {
  embedding,  ///< they are learnt, each for itself
  gat,        ///< of the same, by attention along the facts, whose relations have learnt rows that steer it
  gatv2,
  transformer,
};
inline constexpr std::array kModels{
    Choice<Model>{"embedding", Model::embedding},
    Choice<Model>{"gat", Model::gat},
    Choice<Model>{"gatv2", Model::gatv2},
    Choice<Model>{"transformer", Model::transformer},
};
constexpr bool has_encoder(Model model) {
  return model != Model::embedding;
}
constexpr EncoderKind encoder_of(Model model) {
  if (model == Model::gat) return EncoderKind::gat;
  return model == Model::gatv2 ? EncoderKind::gatv2 : EncoderKind::transformer;
}

/// How a fact is judged: by the sum over k of state(head)_k relation_k row(tail)_k.
enum class Decoder {
  distmult,  ///< the row of a tail is its state (Yang et al. 2015)
  cp,        ///< tails have rows of their own: canonical polyadic decomposition (Hitchcock 1927)
};
inline constexpr std::array kDecoders{
    Choice<Decoder>{"distmult", Decoder::distmult},
    Choice<Decoder>{"cp", Decoder::cp},
};

/// What decides the numbers of a training beside TrainingSettings.
struct Settings {
  std::string dataset = "UMLS";
  Model model = Model::embedding;
  Decoder decoder = Decoder::cp;
  std::int64_t width = 256;
  std::int64_t layers = 1;
  std::int64_t heads = 4;
  std::int64_t relation_width = 16;  ///< of the rows that steer attention
  double dropout = 0.3;
  double attention_dropout = 0.3;
  std::int64_t batch_size = 256;  ///< questions
  std::int64_t halve_rate_every = 0;
};

Fields fields_of(Settings& settings);

}  // namespace train::relations
