// SPDX-License-Identifier: MIT
#include "neighbourhoods.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "core/errors.hpp"
#include "core/json_values.hpp"
#include "core/statistics.hpp"
#include "draw/svg.hpp"

namespace train::nodes {

using nlohmann::json;

namespace {

struct Answer {
  std::int32_t predicted = 0;
  std::vector<double> log_probability;
};

Answer answer_of(const std::vector<double>& logits, std::size_t node, std::size_t classes) {
  const auto row = std::span(logits).subspan(node * classes, classes);
  const std::size_t predicted = place_of_largest(row);
  const double largest = row[predicted];
  double sum = 0;
  for (const double logit : row) sum += std::exp(logit - largest);
  Answer answer{static_cast<std::int32_t>(predicted), {}};
  for (const double logit : row) answer.log_probability.push_back(logit - largest - std::log(sum));
  return answer;
}

std::int32_t label_of(const NodeData& data, std::int32_t node) {
  return data.labels.index[static_cast<std::size_t>(node)];
}

std::string class_text(const NodeData& data, std::int32_t label) {
  if (label < 0) return "?";
  return std::to_string(data.labels.value[static_cast<std::size_t>(label)]);
}

/// The range of the weights in units of an even weight, so that many neighbours count as much as few.
double spread(const Neighbourhood& item) {
  const auto [low, high] = std::minmax_element(item.weight.begin(), item.weight.end());
  return (*high - *low) * static_cast<double>(item.weight.size());
}

/// Whether so few and so many nodes make a picture.
bool is_drawable(const Neighbourhood& item) {
  return item.nodes.size() >= 4 && item.nodes.size() <= 16;
}

Neighbourhood neighbourhood_from_json(const json& value) {
  constexpr std::int32_t kLargest = std::numeric_limits<std::int32_t>::max();
  Neighbourhood item;
  item.predicted = static_cast<std::int32_t>(whole_number_in(member(value, "predicted"), "predicted", 0, kLargest));
  item.probability = number_in(member(value, "probability"), "probability", 0, 1);
  for (const json& node : array_in(member(value, "nodes"), "nodes")) {
    item.nodes.push_back(static_cast<std::int32_t>(whole_number_in(node, "nodes", 0, kLargest)));
  }
  item.weight = numbers_in(member(value, "weight"), "weight");
  return item;
}

/// Throws unless a neighbourhood is one of these data.
void expect_fits(const Neighbourhood& item, const NodeData& data) {
  if (!is_drawable(item)) throw DataError("a neighbourhood of " + std::to_string(item.nodes.size()) + " is not drawn");
  const std::string name = "the neighbourhood of node " + std::to_string(item.nodes[0]);
  if (item.weight.size() != item.nodes.size()) throw DataError(name + ": expected one weight for each node");
  for (const std::int32_t node : item.nodes) {
    if (node < data.num_nodes()) continue;
    throw DataError(name + ": there is no node " + std::to_string(node));
  }
  if (!std::binary_search(data.split.test.begin(), data.split.test.end(), item.nodes[0])) {
    throw DataError(name + ": the node is not in the test part");
  }
  if (item.predicted >= data.num_classes()) throw DataError(name + ": the predicted class does not exist");
}

}  // namespace

json to_json(const std::vector<Neighbourhood>& neighbourhoods) {
  json list = json::array();
  for (const Neighbourhood& item : neighbourhoods) {
    list.push_back({{"predicted", item.predicted},
                    {"probability", item.probability},
                    {"nodes", item.nodes},
                    {"weight", item.weight}});
  }
  return list;
}

std::vector<Neighbourhood> neighbourhoods_from_json(const json& list, const NodeData& data) {
  std::vector<Neighbourhood> neighbourhoods;
  for (const json& item : list) {
    neighbourhoods.push_back(neighbourhood_from_json(item));
    expect_fits(neighbourhoods.back(), data);
  }
  return neighbourhoods;
}

Score score_of(const std::vector<double>& logits, const NodeData& data, const std::vector<std::int32_t>& nodes,
               const std::string& part) {
  const auto classes = static_cast<std::size_t>(data.num_classes());
  double loss = 0, right = 0;
  for (const std::int32_t node : nodes) {
    const Answer answer = answer_of(logits, static_cast<std::size_t>(node), classes);
    const std::int32_t label = label_of(data, node);
    loss -= answer.log_probability[static_cast<std::size_t>(label)];
    right += answer.predicted == label ? 1 : 0;
  }
  const auto count = static_cast<double>(nodes.size());
  return {finite(loss / count, "the " + part + " loss"), {right / count}};
}

std::vector<Neighbourhood> find_neighbourhoods(const NodeData& data, const DeviceGraph& graph,
                                               const std::vector<double>& logits, const std::vector<double>& weight) {
  const auto classes = static_cast<std::size_t>(data.num_classes());
  std::vector<std::ptrdiff_t> place(static_cast<std::size_t>(data.num_nodes()), -1);
  std::vector<Neighbourhood> all;
  for (const std::int32_t node : data.split.test) {
    place[static_cast<std::size_t>(node)] = static_cast<std::ptrdiff_t>(all.size());
    const Answer answer = answer_of(logits, static_cast<std::size_t>(node), classes);
    all.push_back(
        {answer.predicted, std::exp(answer.log_probability[static_cast<std::size_t>(answer.predicted)]), {node}, {0}});
  }
  for (std::size_t e = 0; e < graph.source().size(); ++e) {
    const std::int32_t from = graph.source()[e], to = graph.destination()[e];
    const std::ptrdiff_t at = place[static_cast<std::size_t>(to)];
    if (at < 0) continue;
    finite(weight[e], "an attention of an edge");
    Neighbourhood& item = all[static_cast<std::size_t>(at)];
    if (from == to) {
      item.weight[0] = weight[e];
    } else {
      item.nodes.push_back(from);
      item.weight.push_back(weight[e]);
    }
  }
  return all;
}

std::vector<Neighbourhood> choose_for_pictures(std::vector<Neighbourhood> all, const NodeData& data,
                                               std::int64_t count) {
  std::erase_if(all, [](const Neighbourhood& item) { return !is_drawable(item); });
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return spread(a) > spread(b); });
  const auto is_right = [&](const Neighbourhood& item) { return item.predicted == label_of(data, item.nodes[0]); };
  const auto wrong_begin = std::stable_partition(all.begin(), all.end(), is_right);
  const auto wanted = static_cast<std::ptrdiff_t>(count);
  const std::ptrdiff_t wrong = std::min(wanted / 3, all.end() - wrong_begin);
  const std::ptrdiff_t right = std::min(wanted - wrong, wrong_begin - all.begin());
  std::vector<Neighbourhood> chosen(all.begin(), all.begin() + right);
  chosen.insert(chosen.end(), wrong_begin, wrong_begin + wrong);
  return chosen;
}

Picture make_picture(const NodeData& data, const Neighbourhood& neighbourhood, EncoderKind model) {
  const std::int32_t centre = neighbourhood.nodes[0], label = label_of(data, centre);
  Picture picture;
  picture.name = "node_" + std::to_string(centre);
  picture.title = "Node " + std::to_string(centre) + " is of class " + class_text(data, label) + ", predicted " +
                  class_text(data, neighbourhood.predicted) + " (" + format_fixed(100 * neighbourhood.probability, 0) +
                  " %)";
  picture.is_right = neighbourhood.predicted == label;
  picture.has_node_weights = picture.has_link_weights = true;
  if (model == EncoderKind::gcn) picture.weight_name = "weight";
  for (std::size_t n = 0; n < neighbourhood.nodes.size(); ++n) {
    const std::int32_t node = neighbourhood.nodes[n], its_label = label_of(data, node);
    picture.nodes.push_back({class_text(data, its_label), neighbourhood.weight[n], its_label == label});
    if (n != 0) picture.links.push_back({0, n, Bond::plain, neighbourhood.weight[n]});
  }
  return picture;
}

}  // namespace train::nodes
