// SPDX-License-Identifier: MIT
#include "guesses.hpp"

#include <algorithm>
#include <numeric>

#include "core/errors.hpp"
#include "core/json_values.hpp"
#include "core/statistics.hpp"
#include "draw/svg.hpp"

namespace train::relations {

using nlohmann::json;

namespace {

constexpr std::size_t kBest = 6, kNeighbours = 12;
/// So many facts are looked at for each picture.
constexpr std::int64_t kLookedAt = 8;

Guess guess(RelationTraining& training, const Triple& fact) {
  const Answers answers = training.answer({fact.head, fact.relation, {&fact, 1}});
  Guess guess{fact, answers.rank, {}, {}, training.gathered(fact.head)};
  std::vector<std::int32_t> order(answers.chance.size());
  std::iota(order.begin(), order.end(), 0);
  const auto chance_of = [&](std::int32_t entity) { return answers.chance[static_cast<std::size_t>(entity)]; };
  const auto surer = [&](std::int32_t a, std::int32_t b) { return chance_of(a) > chance_of(b); };
  const auto best = static_cast<std::ptrdiff_t>(std::min(kBest, order.size()));
  std::partial_sort(order.begin(), order.begin() + best, order.end(), surer);
  guess.best.assign(order.begin(), order.begin() + best);
  if (std::find(guess.best.begin(), guess.best.end(), fact.tail) == guess.best.end()) guess.best.push_back(fact.tail);
  for (const std::int32_t entity : guess.best) guess.chance.push_back(chance_of(entity));
  const auto heavier = [](const Gathered& a, const Gathered& b) { return a.weight > b.weight; };
  std::stable_sort(guess.gathered.begin(), guess.gathered.end(), heavier);
  if (guess.gathered.size() > kNeighbours) guess.gathered.resize(kNeighbours);
  return guess;
}

/// Of both_ways.
std::string relation_name(const Knowledge& data, std::int32_t relation) {
  const auto count = static_cast<std::int32_t>(data.relations.size());
  const std::string name = data.relations[static_cast<std::size_t>(relation % count)];
  return relation < count ? name : "inverse of " + name;
}

std::int32_t id_in(const json& value, const char* what, std::int64_t low, std::int64_t end) {
  return static_cast<std::int32_t>(whole_number_in(value, what, low, end - 1));
}

}  // namespace

std::vector<Guess> make_guesses(RelationTraining& training, const Knowledge& data, std::int64_t count) {
  std::vector<Guess> right, wrong;
  const std::size_t all = data.test.size();
  const std::size_t looked_at = std::min(all, static_cast<std::size_t>(kLookedAt * count));
  for (std::size_t k = 0; k < looked_at; ++k) {
    Guess made = guess(training, data.test[k * all / looked_at]);
    (made.rank <= 1 ? right : wrong).push_back(std::move(made));
  }
  std::vector<Guess> chosen;
  for (std::size_t k = 0; k < std::max(right.size(), wrong.size()); ++k) {
    for (const auto* list : {&right, &wrong}) {
      if (k < list->size() && static_cast<std::int64_t>(chosen.size()) < count) chosen.push_back((*list)[k]);
    }
  }
  return chosen;
}

json to_json(const std::vector<Guess>& guesses) {
  json list = json::array();
  for (const Guess& guess : guesses) {
    json gathered = json::array();
    for (const Gathered& one : guess.gathered) gathered.push_back({one.relation, one.entity, one.weight});
    list.push_back({{"fact", {guess.fact.head, guess.fact.relation, guess.fact.tail}},
                    {"rank", guess.rank},
                    {"best", guess.best},
                    {"chance", guess.chance},
                    {"gathered", gathered}});
  }
  return list;
}

std::vector<Guess> guesses_from_json(const json& list, const Knowledge& data) {
  const std::int64_t entities = data.num_entities(), relations = data.num_relations();
  std::vector<Guess> guesses;
  for (const json& value : list) {
    const json& fact = array_in(member(value, "fact"), "fact", 3);
    Guess guess;
    guess.fact = {id_in(fact[0], "fact", 0, entities), id_in(fact[1], "fact", 0, relations),
                  id_in(fact[2], "fact", 0, entities)};
    guess.rank = number_in(member(value, "rank"), "rank", 1, static_cast<double>(entities));
    for (const json& entity : array_in(member(value, "best"), "best")) {
      guess.best.push_back(id_in(entity, "best", 0, entities));
    }
    guess.chance = numbers_in(member(value, "chance"), "chance");
    if (guess.chance.size() != guess.best.size()) throw DataError("chance: expected one for each of best");
    for (const json& one : array_in(member(value, "gathered"), "gathered")) {
      array_in(one, "gathered", 3);
      guess.gathered.push_back({id_in(one[0], "gathered", -1, 2 * relations), id_in(one[1], "gathered", 0, entities),
                                number_in(one[2], "gathered", 0)});
    }
    guesses.push_back(std::move(guess));
  }
  return guesses;
}

Picture make_picture(const Knowledge& data, const Guess& guess) {
  const auto name_of = [&](std::int32_t entity) { return data.entities[static_cast<std::size_t>(entity)]; };
  const auto [head, relation, tail] = guess.fact;
  Picture picture;
  picture.name = "fact_" + std::to_string(head) + "_" + std::to_string(relation) + "_" + std::to_string(tail);
  picture.title = name_of(head) + ", " + data.relations[static_cast<std::size_t>(relation)] + "? Right is " +
                  name_of(tail) + ", of rank " + format_number(guess.rank, 6);
  picture.is_right = guess.rank <= 1;
  picture.has_node_weights = true;
  picture.nodes.push_back({"?", 0, true});
  const auto add = [&](std::int32_t entity, double weight,
                       const std::string& by) {  // names are too long for nodes: numbers, and a list
    const std::string number = std::to_string(picture.nodes.size());
    picture.title += (number == "1" ? ". 1: " : "; " + number + ": ") + name_of(entity) + by;
    picture.nodes.push_back({number, weight, entity == guess.fact.tail});
    picture.links.push_back({0, picture.nodes.size() - 1, Bond::plain, weight});
  };
  if (guess.gathered.empty()) {
    picture.weight_name = "chance";
    for (std::size_t k = 0; k < guess.best.size(); ++k) add(guess.best[k], guess.chance[k], "");
    return picture;
  }
  for (const Gathered& one : guess.gathered) {
    if (one.relation < 0) {
      picture.nodes[0].weight = one.weight;
    } else {
      add(one.entity, one.weight, " (" + relation_name(data, one.relation) + ")");
    }
  }
  return picture;
}

}  // namespace train::relations
