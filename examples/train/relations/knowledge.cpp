// SPDX-License-Identifier: MIT
#include "knowledge.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <string_view>

#include "core/errors.hpp"
#include "data/random_bits.hpp"
#include "data/text_table.hpp"

namespace train::relations {

namespace fs = std::filesystem;

namespace {

std::int32_t id_in(const TextTable& table, std::size_t line, std::int64_t id, std::size_t known) {
  const std::int64_t end = known == 0 ? std::numeric_limits<std::int32_t>::max() : static_cast<std::int64_t>(known);
  if (id < 0 || id >= end) {
    table.fail(line, "expected numbers from 0 on, below " + std::to_string(end) + ", found " + std::to_string(id));
  }
  return static_cast<std::int32_t>(id);
}

/// Names by number, from lines of a number and a name; none where there is no such file.
std::vector<std::string> read_names(const fs::path& file) {
  std::vector<std::string> names;
  if (!fs::exists(file)) return names;
  const TextTable table(file);
  const std::vector<std::string_view> words = table.words(2, "a number and a name");
  for (std::size_t line = 0; line < table.lines(); ++line) {
    if (words[2 * line] != std::to_string(line)) {
      table.fail(line, "expected the number " + std::to_string(line) + ", found " + std::string(words[2 * line]));
    }
    names.emplace_back(words[2 * line + 1]);
  }
  return names;
}

std::vector<Triple> read_numbers(const fs::path& file, const Knowledge& data) {
  const TextTable table(file, TextTable::Separator::blanks);
  const std::vector<std::int64_t> ids = table.integers(3, "head, relation and tail as numbers");
  std::vector<Triple> triples;
  for (std::size_t line = 0; line < table.lines(); ++line) {
    triples.push_back({id_in(table, line, ids[3 * line], data.entities.size()),
                       id_in(table, line, ids[3 * line + 1], data.relations.size()),
                       id_in(table, line, ids[3 * line + 2], data.entities.size())});
  }
  return triples;
}

/// Numbers names as they come.
class Numbering {
 public:
  explicit Numbering(std::vector<std::string>& names) : names_(&names) {}
  std::int32_t operator()(std::string_view name) {
    const auto [place, is_new] = number_.try_emplace(std::string(name), static_cast<std::int32_t>(names_->size()));
    if (is_new) names_->emplace_back(name);
    return place->second;
  }

 private:
  std::vector<std::string>* names_;
  std::map<std::string, std::int32_t> number_;
};

std::vector<Triple> read_words(const fs::path& file, Numbering& entities, Numbering& relations) {
  const TextTable table(file);
  const std::vector<std::string_view> words = table.words(3, "head, relation and tail with tabs between");
  std::vector<Triple> triples;
  for (std::size_t k = 0; k < words.size(); k += 3) {
    const std::int32_t head = entities(words[k]), relation = relations(words[k + 1]);
    triples.push_back({head, relation, entities(words[k + 2])});
  }
  return triples;
}

/// Numbers in place of names where no file gives them.
void name_all(Knowledge& data) {
  std::int64_t entities = 0, relations = 0;
  for (const auto* part : {&data.train, &data.valid, &data.test}) {
    for (const Triple& triple : *part) {
      entities = std::max<std::int64_t>({entities, triple.head + 1, triple.tail + 1});
      relations = std::max<std::int64_t>(relations, triple.relation + 1);
    }
  }
  const auto fill = [](std::vector<std::string>& names, std::int64_t count) {
    for (auto k = static_cast<std::int64_t>(names.size()); k < count; ++k) names.push_back(std::to_string(k));
  };
  fill(data.entities, entities);
  fill(data.relations, relations);
}

void tidy(std::vector<Triple>& triples) {
  std::sort(triples.begin(), triples.end());
  triples.erase(std::unique(triples.begin(), triples.end()), triples.end());
}

}  // namespace

DatasetLocation find_dataset(const std::string& name, const std::string& data) {
  DatasetLocation numbers = find_data(name, data, "train.ids.tsv");
  return numbers.folder ? numbers : find_data(name, data, "train.txt");
}

Knowledge read_knowledge(const fs::path& folder, const std::string& name) {
  Knowledge data;
  data.name = name;
  const auto file = [&](const char* part) { return plain_or_packed(folder / part); };
  if (fs::exists(file("train.ids.tsv"))) {
    data.entities = read_names(file("entities.dict"));
    data.relations = read_names(file("relations.dict"));
    data.train = read_numbers(file("train.ids.tsv"), data);
    data.valid = read_numbers(file("valid.ids.tsv"), data);
    data.test = read_numbers(file("test.ids.tsv"), data);
    name_all(data);
  } else {
    Numbering entities(data.entities), relations(data.relations);
    data.train = read_words(file("train.txt"), entities, relations);
    data.valid = read_words(file("valid.txt"), entities, relations);
    data.test = read_words(file("test.txt"), entities, relations);
  }
  for (auto* part : {&data.train, &data.valid, &data.test}) tidy(*part);
  return data;
}

Knowledge generate_clock(std::uint64_t seed) {
  constexpr std::int32_t kHours = 24;
  constexpr std::int32_t kSteps[]{1, 2, 3, 4, 5, 6, 7, 12};
  Knowledge data;
  data.name = kClockName;
  for (const std::int32_t step : kSteps) data.relations.push_back(std::to_string(step) + " later");
  std::vector<Triple> facts;
  for (std::int32_t hour = 0; hour < kHours; ++hour) {
    data.entities.push_back(std::to_string(hour) + " h");
    for (std::int32_t relation = 0; relation < static_cast<std::int32_t>(std::size(kSteps)); ++relation) {
      facts.push_back({hour, relation, (hour + kSteps[relation]) % kHours});
    }
  }
  RandomBits(mix_seed({seed, 0xC10C4})).shuffle(facts);
  const auto tenth = static_cast<std::ptrdiff_t>(facts.size() / 10);
  data.valid.assign(facts.begin(), facts.begin() + tenth);
  data.test.assign(facts.begin() + tenth, facts.begin() + 2 * tenth);
  data.train.assign(facts.begin() + 2 * tenth, facts.end());
  for (auto* part : {&data.train, &data.valid, &data.test}) tidy(*part);
  return data;
}

std::vector<Triple> both_ways(std::span<const Triple> triples, std::int64_t relations) {
  std::vector<Triple> both(triples.begin(), triples.end());
  for (const Triple& triple : triples) {
    both.push_back({triple.tail, static_cast<std::int32_t>(triple.relation + relations), triple.head});
  }
  std::sort(both.begin(), both.end());
  return both;
}

std::span<const Triple> tails_of(std::span<const Triple> sorted, std::int32_t head, std::int32_t relation) {
  const auto begin = std::lower_bound(sorted.begin(), sorted.end(), Triple{head, relation, 0});
  auto end = begin;
  while (end != sorted.end() && end->head == head && end->relation == relation) ++end;
  return {begin, end};
}

}  // namespace train::relations
