// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace train {

/// A text file of numbers with commas between, one record per line, plain or packed by gzip; or with spaces or tabs
/// between. Accepts spaces around numbers, Windows line ends, a missing last line end and blank lines at the end;
/// anything else is a DataError that names file and line.
class TextTable {
 public:
  enum class Separator { commas, blanks };
  explicit TextTable(const std::filesystem::path& path, Separator separator = Separator::commas);

  std::size_t lines() const { return lines_.size(); }
  const std::string& name() const { return name_; }
  /// All lines as rows of `columns` integers. `meaning` says what a line should be, for messages.
  std::vector<std::int64_t> integers(std::size_t columns, std::string_view meaning) const;
  /// All lines as rows of integers that may differ in length; `lengths` receives how many are in each.
  std::vector<std::int64_t> ragged_integers(std::vector<std::size_t>& lengths, std::string_view meaning) const;
  /// One integer for each line, or nothing where the line says nan. Whole numbers may be written as 3.0, as they are
  /// where others are nan.
  std::vector<std::optional<std::int64_t>> optional_integers(std::string_view meaning) const;
  /// All lines from `first` on as rows of finite numbers, as many in each as in the first of them; `columns` receives
  /// how many.
  std::vector<double> reals(std::size_t& columns, std::string_view meaning, std::size_t first = 0) const;
  /// All lines as rows of `columns` words with tabs between, which are not empty; views of the table's memory.
  std::vector<std::string_view> words(std::size_t columns, std::string_view meaning) const;
  /// Throws unless the file has as many lines as `what` counts.
  void expect_lines(std::size_t expected, const std::string& what) const;
  /// Throws "NAME:LINE: message"; lines count from 0 here and from 1 in the message.
  [[noreturn]] void fail(std::size_t line, const std::string& message) const;

 private:
  std::size_t columns_of(std::size_t line) const;
  [[noreturn]] void refuse(std::size_t line, std::string_view meaning) const;
  template <class Value, class Accept>
  void parse_line(std::size_t line, std::size_t columns, std::string_view meaning, std::vector<Value>& values,
                  const Accept& accept) const;

  std::string name_;
  std::string text_;
  std::vector<std::string_view> lines_;
};

}  // namespace train
