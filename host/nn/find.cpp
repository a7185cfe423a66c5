// SPDX-License-Identifier: MIT
// Parameters by name.

#include <algorithm>
#include <numeric>

#include "warpgnn/error.hpp"
#include "warpgnn/nn/session.hpp"

namespace warpgnn::nn {

namespace {

constexpr std::size_t kNamesInMessage = 3;

/// How many characters have to be inserted, left out or exchanged to make one name the other (Levenshtein 1966).
std::size_t distance_of(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t exchanged = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({exchanged, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

/// The names nearest to the one that was asked for.
std::string near_names(const ParameterList& parameters, std::string_view name) {
  std::vector<std::pair<std::size_t, std::string_view>> names;
  for (const Parameter* each : parameters) names.emplace_back(distance_of(name, each->name), each->name);
  std::sort(names.begin(), names.end());
  std::string text;
  for (std::size_t k = 0; k < std::min(names.size(), kNamesInMessage); ++k) {
    text += (k == 0 ? "" : ", ") + std::string(names[k].second);
  }
  return text;
}

}  // namespace

Parameter& find(const ParameterList& parameters, std::string_view name) {
  const auto has_name = [name](const Parameter* each) { return each->name == name; };
  const auto found = std::find_if(parameters.begin(), parameters.end(), has_name);
  if (found == parameters.end()) {
    throw Error(ErrorCode::invalid_argument,
                "name: expected that of a parameter, got \"" + std::string(name) + "\"; " +
                    (parameters.empty() ? "the list is empty" : "the nearest are " + near_names(parameters, name)));
  }
  if (std::find_if(found + 1, parameters.end(), has_name) != parameters.end()) {
    throw Error(ErrorCode::invalid_argument,
                "name: expected that of one parameter, got \"" + std::string(name) + "\", which several have");
  }
  return **found;
}

}  // namespace warpgnn::nn
