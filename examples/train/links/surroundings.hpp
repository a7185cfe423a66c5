// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "draw/picture.hpp"
#include "training.hpp"

namespace train::links {

/// A pair with the nodes around it, and how much its two nodes take from each of them in the last layer.
struct Surroundings {
  double chance = 0;                ///< of a link
  std::vector<std::int32_t> nodes;  ///< the pair, then the neighbours of either
  std::vector<double> weight;       ///< of each node, for the node of the pair that takes more
};

/// Of the test pairs, at most `count`: of 4 to 16 nodes, links and others in turn, the surest first.
std::vector<Surroundings> find_surroundings(LinkTraining& training, std::int64_t count);

nlohmann::json to_json(const std::vector<Surroundings>& list);
/// Throws DataError for what no model can have made of these data.
std::vector<Surroundings> surroundings_from_json(const nlohmann::json& list, const LinkData& data);

/// The pair has a bold rim.
Picture make_picture(const LinkData& data, const Surroundings& surroundings, const std::string& weight_name);

}  // namespace train::links
