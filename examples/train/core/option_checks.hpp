// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <sstream>
#include <string>

/// What options of the command line may be.
namespace train {

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

inline CLI::Validator whole_number(std::int64_t low, std::int64_t high) {
  return between(low, high, "a whole number");
}
inline CLI::Validator number(double low, double high) {
  return between(low, high, "a number");
}
/// A file or folder.
CLI::Validator not_empty();
/// The name of a data set or of a part of one, which is a folder's: no path.
CLI::Validator plain_name();
/// One of these words.
CLI::Validator one_of(const std::vector<std::string>& words);
/// "a, b or c"
std::string list_of(const std::vector<std::string>& words);

}  // namespace train
