// SPDX-License-Identifier: MIT
#pragma once

#include "core/epochs.hpp"
#include "device_graph.hpp"
#include "draw/picture.hpp"
#include "settings.hpp"

namespace train::nodes {

/// What the last layer gathered for one test node: the node itself, first, and its neighbours with their weights.
struct Neighbourhood {
  std::int32_t predicted = 0;
  double probability = 0;  ///< of the predicted class
  std::vector<std::int32_t> nodes;
  std::vector<double> weight;
};

nlohmann::json to_json(const std::vector<Neighbourhood>& neighbourhoods);
/// Throws DataError for what no model can have made of these data.
std::vector<Neighbourhood> neighbourhoods_from_json(const nlohmann::json& list, const NodeData& data);

/// Mean cross-entropy and accuracy of logits [N, classes] over the nodes of a part. Throws TrainingError where they are
/// not finite.
Score score_of(const std::vector<double>& logits, const NodeData& data, const std::vector<std::int32_t>& nodes,
               const std::string& part);

/// The neighbourhoods of all test nodes, in their order. weight [E, 1] is by edge of `graph`.
std::vector<Neighbourhood> find_neighbourhoods(const NodeData& data, const DeviceGraph& graph,
                                               const std::vector<double>& logits, const std::vector<double>& weight);

/// Those worth a picture, at most `count`: of 4 to 16 nodes, two thirds of them classified right where there are enough
/// wrong ones, the most uneven weights first.
std::vector<Neighbourhood> choose_for_pictures(std::vector<Neighbourhood> all, const NodeData& data,
                                               std::int64_t count);

/// A node with its neighbours, coloured by the weight it gives them; a bold rim marks the class of the node itself.
/// `model` says what to call the weight: GCN's is no attention.
Picture make_picture(const NodeData& data, const Neighbourhood& neighbourhood, EncoderKind model);

}  // namespace train::nodes
