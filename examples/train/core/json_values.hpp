// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

/// Reading of JSON that may have been edited or damaged: each value has its kind and its range, or DataError says what
/// was expected where. (The library's own get() takes 1.5 or true for a whole number and casts 1e300 to one.)
namespace train {

/// Throws DataError for text that is no JSON, or nested deeper than anything of ours is.
nlohmann::json parse_json(const std::string& text, const std::string& what);

/// The member `key` of an object.
const nlohmann::json& member(const nlohmann::json& object, const char* key);
/// An array, of `size` values where a size is given.
const nlohmann::json& array_in(const nlohmann::json& value, const std::string& what, std::size_t size = SIZE_MAX);
std::int64_t whole_number_in(const nlohmann::json& value, const std::string& what, std::int64_t low, std::int64_t high);
/// Always finite.
double number_in(const nlohmann::json& value, const std::string& what,
                 double low = std::numeric_limits<double>::lowest(), double high = std::numeric_limits<double>::max());
std::vector<double> numbers_in(const nlohmann::json& value, const std::string& what);

/// A number that stands as text. Throws DataError.
std::uint64_t whole_number_in_text(std::string_view text, const std::string& what);

}  // namespace train
