// SPDX-License-Identifier: MIT
#include "data/text_table.hpp"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <memory>

#include "core/errors.hpp"
#include "core/memory.hpp"

namespace train {
namespace {

constexpr std::string_view kBlank = " \t\r";

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kLongest = 40;
  std::string quote = "\"";
  for (const char c : text.substr(0, kLongest)) quote += c >= ' ' && c < 127 ? c : '?';
  return quote + (text.size() > kLongest ? "...\"" : "\"");
}

/// The content of a file, unpacked when it is a gzip file.
std::string read_whole(const std::filesystem::path& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) throw DataError("cannot read " + path.string() + ": " + std::strerror(errno));
  std::string text;
  std::vector<char> block(1 << 16);
  for (int bytes = 0; (bytes = gzread(file.get(), block.data(), static_cast<unsigned>(block.size()))) > 0;) {
    naming_memory("the text of " + path.string(), static_cast<double>(text.size()),
                  [&] { text.append(block.data(), static_cast<std::size_t>(bytes)); });
  }
  int error = Z_OK;
  const char* const message = gzerror(file.get(), &error);
  if (error == Z_ERRNO) throw DataError("cannot read " + path.string() + ": " + std::strerror(errno));
  if (error != Z_OK) throw DataError(path.filename().string() + ": damaged gzip data: " + message);
  return text;
}

/// Puts a comma in place of the blanks between two numbers.
void put_commas(std::string& text) {
  std::size_t end = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t next = std::min(text.find_first_not_of(kBlank, at), text.size());
    const bool is_between = end > 0 && text[end - 1] != '\n' && next < text.size() && text[next] != '\n';
    if (next > at && is_between) text[end++] = ',';
    at = next;
    while (at < text.size() && kBlank.find(text[at]) == std::string_view::npos) text[end++] = text[at++];
  }
  text.resize(end);
}

}  // namespace

TextTable::TextTable(const std::filesystem::path& path, Separator separator)
    : name_(path.filename().string()), text_(read_whole(path)) {
  if (separator == Separator::blanks) put_commas(text_);
  for (std::string_view rest = text_; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    lines_.push_back(trim(rest.substr(0, end)));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  while (!lines_.empty() && lines_.back().empty()) lines_.pop_back();
}

void TextTable::fail(std::size_t line, const std::string& message) const {
  throw DataError(name_ + ":" + std::to_string(line + 1) + ": " + message);
}

void TextTable::expect_lines(std::size_t expected, const std::string& what) const {
  if (lines() == expected) return;
  throw DataError(name_ + ": expected " + std::to_string(expected) + " lines, one per " + what + ", found " +
                  std::to_string(lines()) + (lines() < expected ? " (is the file truncated?)" : ""));
}

std::size_t TextTable::columns_of(std::size_t line) const {
  return 1 + static_cast<std::size_t>(std::count(lines_[line].begin(), lines_[line].end(), ','));
}

void TextTable::refuse(std::size_t line, std::string_view meaning) const {
  fail(line, "expected " + std::string(meaning) + ", found " +
                 (lines_[line].empty() ? "an empty line" : quoted(lines_[line])));
}

template <class Value, class Accept>
void TextTable::parse_line(std::size_t line, std::size_t columns, std::string_view meaning, std::vector<Value>& values,
                           const Accept& accept) const {
  std::string_view rest = lines_[line];
  for (std::size_t column = 0; column < columns; ++column) {
    const std::size_t comma = rest.find(',');
    if ((comma == std::string_view::npos) != (column + 1 == columns)) refuse(line, meaning);
    const std::string_view field = trim(rest.substr(0, comma));
    Value value{};
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (error != std::errc{} || end != field.data() + field.size() || !accept(value)) refuse(line, meaning);
    values.push_back(value);
    if (comma != std::string_view::npos) rest.remove_prefix(comma + 1);
  }
}

std::vector<std::int64_t> TextTable::integers(std::size_t columns, std::string_view meaning) const {
  std::vector<std::int64_t> values;
  values.reserve(lines() * columns);
  for (std::size_t line = 0; line < lines(); ++line) {
    parse_line(line, columns, meaning, values, [](std::int64_t) { return true; });
  }
  return values;
}

std::vector<std::int64_t> TextTable::ragged_integers(std::vector<std::size_t>& lengths,
                                                     std::string_view meaning) const {
  std::vector<std::int64_t> values;
  lengths.clear();
  for (std::size_t line = 0; line < lines(); ++line) {
    lengths.push_back(columns_of(line));
    parse_line(line, lengths.back(), meaning, values, [](std::int64_t) { return true; });
  }
  return values;
}

std::vector<std::optional<std::int64_t>> TextTable::optional_integers(std::string_view meaning) const {
  constexpr double kExact = 9007199254740992.0;  // whole numbers up to here are exact in a double
  std::vector<std::optional<std::int64_t>> values;
  for (std::size_t line = 0; line < lines(); ++line) {
    std::vector<double> real;
    const std::string_view field = lines_[line];
    std::int64_t whole = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), whole);
    if (error == std::errc{} && end == field.data() + field.size()) {
      values.emplace_back(whole);
      continue;
    }
    parse_line(line, 1, meaning, real, [](double value) {
      return std::isnan(value) || (std::trunc(value) == value && std::abs(value) <= kExact);
    });
    values.push_back(std::isnan(real[0]) ? std::nullopt : std::optional(static_cast<std::int64_t>(real[0])));
  }
  return values;
}

std::vector<double> TextTable::reals(std::size_t& columns, std::string_view meaning, std::size_t first) const {
  columns = first >= lines() ? 0 : columns_of(first);
  const std::string expected = std::to_string(columns) + (columns == 1 ? " number, " : " numbers, ");
  std::vector<double> values;
  values.reserve(lines() * columns);
  for (std::size_t line = first; line < lines(); ++line) {
    parse_line(line, columns, expected + std::string(meaning), values,
               [](double value) { return std::isfinite(value); });
  }
  return values;
}

std::vector<std::string_view> TextTable::words(std::size_t columns, std::string_view meaning) const {
  std::vector<std::string_view> values;
  for (std::size_t line = 0; line < lines(); ++line) {
    std::string_view rest = lines_[line];
    for (std::size_t column = 0; column < columns; ++column) {
      const std::size_t tab = rest.find('\t');
      const std::string_view word = trim(rest.substr(0, tab));
      if ((tab == std::string_view::npos) != (column + 1 == columns) || word.empty()) refuse(line, meaning);
      values.push_back(word);
      if (tab != std::string_view::npos) rest.remove_prefix(tab + 1);
    }
  }
  return values;
}

}  // namespace train
