// SPDX-License-Identifier: MIT
#include "core/json_values.hpp"

#include <charconv>
#include <sstream>

#include "core/errors.hpp"

namespace train {

using nlohmann::json;

namespace {

constexpr int kDeepest = 16;

/// A value as it may stand in a message: short, and without walking into what may be nested without end.
std::string describe(const json& value) {
  if (value.is_structured()) return value.is_array() ? "a list of " + std::to_string(value.size()) : "an object";
  constexpr std::size_t kLongest = 40;
  const std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  return text.size() > kLongest ? text.substr(0, kLongest) + "..." : text;
}

[[noreturn]] void refuse(const std::string& what, const std::string& expected, const json& value) {
  throw DataError(what + ": expected " + expected + ", found " + describe(value));
}

template <class Value>
std::string range(const char* kind, Value low, Value high) {
  std::ostringstream text;
  text << kind << " from " << low << " to " << high;
  return text.str();
}

}  // namespace

json parse_json(const std::string& text, const std::string& what) {
  try {
    return json::parse(text, [&](int depth, json::parse_event_t, json&) {
      if (depth > kDeepest) throw DataError(what + ": nested too deep");
      return true;
    });
  } catch (const json::exception& error) {
    throw DataError(what + ": " + error.what());
  }
}

const json& member(const json& object, const char* key) {
  if (!object.is_object()) refuse(key, "an object that has it", object);
  const auto found = object.find(key);
  if (found == object.end()) throw DataError(std::string(key) + ": expected a value, found none");
  return *found;
}

const json& array_in(const json& value, const std::string& what, std::size_t size) {
  if (!value.is_array()) refuse(what, "a list", value);
  if (size != SIZE_MAX && value.size() != size) refuse(what, "a list of " + std::to_string(size), value);
  return value;
}

std::int64_t whole_number_in(const json& value, const std::string& what, std::int64_t low, std::int64_t high) {
  const bool fits = value.is_number_unsigned()
                        ? value.get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()}
                        : value.is_number_integer();
  if (!fits || value.get<std::int64_t>() < low || value.get<std::int64_t>() > high) {
    refuse(what, range("a whole number", low, high), value);
  }
  return value.get<std::int64_t>();
}

double number_in(const json& value, const std::string& what, double low, double high) {
  // Comparisons that are false for NaN: it is not in any range.
  if (!value.is_number() || !(value.get<double>() >= low) || !(value.get<double>() <= high)) {
    refuse(what, range("a number", low, high), value);
  }
  return value.get<double>();
}

std::vector<double> numbers_in(const json& value, const std::string& what) {
  std::vector<double> numbers;
  for (const json& item : array_in(value, what)) numbers.push_back(number_in(item, what));
  return numbers;
}

std::uint64_t whole_number_in_text(std::string_view text, const std::string& what) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw DataError(what + ": expected a whole number, found \"" + std::string(text.substr(0, 40)) + '"');
  }
  return value;
}

}  // namespace train
