// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "common/choices.hpp"
#include "common/errors.hpp"
#include "common/run_options.hpp"

/// What the programs' command lines have in common.
namespace examples {

inline constexpr std::int64_t kMaxCount = 1'000'000'000;
inline constexpr double kMaxRate = 1e6;

template <class Value>
CLI::Validator between(Value low, Value high, const std::string& kind) {
  const auto check = [=](const std::string& word) -> std::string {
    Value value{};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    const bool is_number = error == std::errc{} && end == word.data() + word.size();
    if (is_number && value >= low && value <= high) return {};
    std::ostringstream message;
    message << "expected " << kind << " from " << low << " to " << high << ", found \"" << word << '"';
    return message.str();
  };
  return CLI::Validator(check, "");
}

inline CLI::Validator whole_number(std::int64_t low, std::int64_t high = kMaxCount) {
  return between(low, high, "a whole number");
}

CLI::Validator not_empty();
/// The name of a data set or of a part of one, which is a folder's: no path.
CLI::Validator plain_name();

inline CLI::Validator number(double low, double high) {
  return between(low, high, "a number");
}

/// Help with the default behind each description in place of CLI11's type and range list.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(30); }
  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_type_size() == 0 ? "" : " " + option->get_type_name();
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    const std::string standard = option->get_default_str();
    return option->get_description() + (standard.empty() ? "" : " [" + standard + "]");
  }
};

/// An option that takes one word of a table.
template <class Value, std::size_t kCount, class Target>
CLI::Option* add_choice(CLI::App& app, const std::string& name, const std::array<Choice<Value>, kCount>& table,
                        Target& target, const std::string& help) {
  const auto read = [&table, &target, name](const std::string& word) {
    const std::optional<Value> value = find_in(table, word);
    if (!value) throw UsageError(name + " takes " + names_of(table) + ", not \"" + word + "\"");
    target = *value;
  };
  return app.add_option_function<std::string>(name, read, help + ": " + names_of(table))->type_name("WORD");
}

void add_seed(CLI::App& app, std::uint64_t& seed, const std::string& of);
void add_machine_options(CLI::App& app, RunOptions& options, warpgnn::Dtype& dtype);
/// `pictured` says of what --pictures is the count.
void add_output_options(CLI::App& app, RunOptions& options, const std::string& pictured);

/// The words after a program's name, as main would have got them.
template <class Parse>
auto parse_words(const std::string& program, const std::vector<std::string>& words, const Parse& parse) {
  std::vector<const char*> argv{program.c_str()};
  for (const std::string& word : words) argv.push_back(word.c_str());
  return parse(static_cast<int>(argv.size()), argv.data());
}

/// Reads the command line. False: help was asked for and stands in options.help. Throws UsageError.
bool parse_command_line(CLI::App& app, int argc, const char* const* argv, RunOptions& options);

}  // namespace examples
