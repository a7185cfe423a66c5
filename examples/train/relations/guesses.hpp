// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "draw/picture.hpp"
#include "training.hpp"

namespace train::relations {

/// A test fact, of which head and relation were given, and what the model made of them.
struct Guess {
  Triple fact;
  double rank = 0;
  std::vector<std::int32_t> best;  ///< the surest tails, and the fact's where it is not one of them
  std::vector<double> chance;      ///< of each
  std::vector<Gathered> gathered;  ///< what the head's state is made of, most first; empty without attention
};

/// Of the test facts, at most `count`: those answered right and others in turn.
std::vector<Guess> make_guesses(RelationTraining& training, const Knowledge& data, std::int64_t count);

nlohmann::json to_json(const std::vector<Guess>& guesses);
/// Throws DataError for what no model can have made of these data.
std::vector<Guess> guesses_from_json(const nlohmann::json& list, const Knowledge& data);

/// With attention, the head with its neighbours and what it takes from each; else with the surest tails and their
/// chances. The head, "?", and the true tail have bold rims; the title lists the names of the numbered others.
Picture make_picture(const Knowledge& data, const Guess& guess);

}  // namespace train::relations
