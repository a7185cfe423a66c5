// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/choices.hpp"

namespace CLI {
class App;
}

/// Settings, each described once: from its Field come its option, its words in help, its place in a checkpoint and the
/// way back.
namespace train {

inline constexpr std::int64_t kMaxCount = 1'000'000'000;
inline constexpr double kMaxRate = 1e6;

/// Where a setting lies, and what it may be. Bounds are inclusive.
struct Name {  ///< of a data set or a part of one, which is a folder's: no path
  std::string* value;
};
struct Whole {
  std::int64_t* value;
  std::int64_t low, high = kMaxCount;
};
struct Real {
  double* value;
  double low, high;
};
struct Wholes {  ///< one or more, or none yet
  std::vector<std::int64_t>* values;
  std::int64_t low, high;
};
struct Reals {  ///< so many, or none
  std::vector<double>* values;
  std::size_t count;
  double low, high;
};
struct Word {  ///< one of some, or none yet
  std::vector<std::string> words;
  std::function<std::optional<std::string>()> get;
  std::function<void(const std::string&)> set;
};

template <class Value, std::size_t kCount>
Word choice(const std::array<Choice<Value>, kCount>& table, std::optional<Value>& value) {
  Word word;
  for (const Choice<Value>& choice : table) word.words.emplace_back(choice.name);
  word.get = [&] { return value ? std::optional(name_in(table, *value)) : std::nullopt; };
  word.set = [&](const std::string& name) { value = find_in(table, name); };
  return word;
}
template <class Value, std::size_t kCount>
Word choice(const std::array<Choice<Value>, kCount>& table, Value& value) {
  Word word;
  for (const Choice<Value>& choice : table) word.words.emplace_back(choice.name);
  word.get = [&] { return std::optional(name_in(table, value)); };
  word.set = [&](const std::string& name) { value = find_in(table, name).value_or(value); };
  return word;
}

struct Field {
  std::string name;   ///< on the command line and in checkpoints, without dashes
  std::string group;  ///< of help: Data, Model, Training
  std::string type;   ///< stands behind the name in help
  std::string help;
  std::variant<Name, Whole, Real, Wholes, Reals, Word> setting;
  std::string standard = {};  ///< the default in words; empty: the value
  /// Why it has no use with the rest of the settings, "is for models with attention"; empty: it has.
  std::string useless = {};
};
using Fields = std::vector<Field>;

/// The options that were given, by name without dashes: their words, of a list with commas between.
using GivenOptions = std::map<std::string, std::string>;

void declare_options(CLI::App& app, const Fields& fields);
/// Takes over what was given and has passed the checks of declared options.
void read_options(const GivenOptions& given, const Fields& fields);
/// Throws UsageError for what was given, but has no use with the rest.
void refuse_useless(const GivenOptions& given, const Fields& fields);
/// By name; null is what has no use, and what is not there.
nlohmann::json to_json(const Fields& fields);

}  // namespace train
