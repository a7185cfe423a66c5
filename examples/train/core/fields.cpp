// SPDX-License-Identifier: MIT
#include "core/fields.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "core/errors.hpp"
#include "core/option_checks.hpp"

namespace train {

using nlohmann::json;

namespace {

constexpr int kMostListed = 64;

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

template <class Value>
std::string in_words(Value value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

template <class Value>
Value number_of(const std::string& word) {
  Value value{};
  std::from_chars(word.data(), word.data() + word.size(), value);
  return value;
}

template <class Value>
std::vector<Value> numbers_of(const std::string& words) {
  std::vector<Value> values;
  std::istringstream list(words);
  for (std::string word; std::getline(list, word, ',');) values.push_back(number_of<Value>(word));
  return values;
}

/// What the kind of a setting adds to its option; its default in words.
std::string constrain(CLI::Option& option, const Field& field) {
  const Overloaded by_kind{
      [&](const Name& name) {
        option.check(plain_name());
        return *name.value;
      },
      [&](const Whole& whole) {
        option.check(whole_number(whole.low, whole.high));
        return in_words(*whole.value);
      },
      [&](const Real& real) {
        option.check(number(real.low, real.high));
        return in_words(*real.value);
      },
      [&](const Wholes& list) {
        option.delimiter(',')->expected(1, kMostListed)->check(whole_number(list.low, list.high));
        return std::string();
      },
      [&](const Reals& list) {
        option.delimiter(',')->expected(static_cast<int>(list.count))->check(number(list.low, list.high));
        return std::string();
      },
      [&](const Word& word) {
        option.check(one_of(word.words));
        return word.get().value_or("");
      }};
  return std::visit(by_kind, field.setting);
}

std::string help_of(const Field& field) {
  const Word* const word = std::get_if<Word>(&field.setting);
  return word == nullptr ? field.help : field.help + ": " + list_of(word->words);
}

template <class List>
json list_json(const List& values) {
  return values.empty() ? json(nullptr) : json(values);
}

}  // namespace

void declare_options(CLI::App& app, const Fields& fields) {
  for (const Field& field : fields) {
    const auto kept_elsewhere = [](const CLI::results_t&) { return true; };
    CLI::Option* const option = app.add_option("--" + field.name, kept_elsewhere, help_of(field));
    option->type_name(field.type)->group(field.group);
    const std::string value = constrain(*option, field);
    option->default_str(field.standard.empty() ? value : field.standard);
  }
}

void read_options(const GivenOptions& given, const Fields& fields) {
  for (const Field& field : fields) {
    const auto found = given.find(field.name);
    if (found == given.end()) continue;
    const std::string& words = found->second;
    const Overloaded by_kind{[&](const Name& name) { *name.value = words; },
                             [&](const Whole& whole) { *whole.value = number_of<std::int64_t>(words); },
                             [&](const Real& real) { *real.value = number_of<double>(words); },
                             [&](const Wholes& list) { *list.values = numbers_of<std::int64_t>(words); },
                             [&](const Reals& list) { *list.values = numbers_of<double>(words); },
                             [&](const Word& word) { word.set(words); }};
    std::visit(by_kind, field.setting);
  }
}

void refuse_useless(const GivenOptions& given, const Fields& fields) {
  for (const Field& field : fields) {
    if (!field.useless.empty() && given.contains(field.name)) throw UsageError("--" + field.name + " " + field.useless);
  }
}

json to_json(const Fields& fields) {
  json object = json::object();
  for (const Field& field : fields) {
    const Overloaded by_kind{[](const Name& name) { return json(*name.value); },
                             [](const Whole& whole) { return json(*whole.value); },
                             [](const Real& real) { return json(*real.value); },
                             [](const Wholes& list) { return list_json(*list.values); },
                             [](const Reals& list) { return list_json(*list.values); },
                             [](const Word& word) {
                               const std::optional<std::string> value = word.get();
                               return value ? json(*value) : json(nullptr);
                             }};
    object[field.name] = field.useless.empty() ? std::visit(by_kind, field.setting) : json(nullptr);
  }
  return object;
}

}  // namespace train
