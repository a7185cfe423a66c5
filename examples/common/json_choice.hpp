#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "common/choices.hpp"
#include "common/errors.hpp"

namespace examples {

/// The value that a table has for the word under `key`. Throws DataError for a word that the table lacks.
template <class Table>
auto choice_from(const nlohmann::json& json, const char* key, const Table& table) {
  const auto name = json.at(key).get<std::string>();
  const auto value = find_in(table, name);
  if (!value) throw DataError("the settings name an unknown " + std::string(key) + ": " + name);
  return *value;
}

}  // namespace examples
