// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "data/data_folder.hpp"

namespace train::relations {

/// A fact: the head stands in the relation to the tail. Ordered by head, relation, tail.
struct Triple {
  std::int32_t head = 0, relation = 0, tail = 0;
  bool operator==(const Triple&) const = default;
  bool operator<(const Triple& other) const {
    return std::tie(head, relation, tail) < std::tie(other.head, other.relation, other.tail);
  }
};

/// A knowledge graph, whose facts are cut into those to learn from, to choose by and to be judged by.
struct Knowledge {
  std::string name;
  std::vector<std::string> entities, relations;  ///< their names
  std::vector<Triple> train, valid, test;

  std::int64_t num_entities() const { return static_cast<std::int64_t>(entities.size()); }
  std::int64_t num_relations() const { return static_cast<std::int64_t>(relations.size()); }
};

/// Looks for train.ids.tsv or train.txt with find_data.
DatasetLocation find_dataset(const std::string& name, const std::string& data);
/// Reads {train,valid,test}.ids.tsv: head, relation and tail as numbers from 0, named by entities.dict and
/// relations.dict where those are there; or {train,valid,test}.txt: the same as names between tabs, which are numbered
/// as they come. Throws DataError that names the file, the line and what was expected there.
Knowledge read_knowledge(const std::filesystem::path& folder, const std::string& name);

inline constexpr const char* kClockName = "clock";
/// 24 hours on a round dial, and which is 1 to 7 or 12 later than which. A tenth of the facts each is for validation
/// and test: they follow from the others. The same seed gives the same split.
Knowledge generate_clock(std::uint64_t seed);

/// The triples and, of relation + `relations`, their inverses, sorted: a question for a head is one for the tail of the
/// inverse.
std::vector<Triple> both_ways(std::span<const Triple> triples, std::int64_t relations);

/// The tails of a head and a relation in sorted triples.
std::span<const Triple> tails_of(std::span<const Triple> sorted, std::int32_t head, std::int32_t relation);

}  // namespace train::relations
