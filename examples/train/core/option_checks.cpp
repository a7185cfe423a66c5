// SPDX-License-Identifier: MIT
#include "core/option_checks.hpp"

#include <algorithm>

#include "data/data_folder.hpp"

namespace train {

CLI::Validator not_empty() {
  const auto check = [](const std::string& word) -> std::string {
    return word.empty() ? "expected a file or folder, found nothing" : "";
  };
  return CLI::Validator(check, "");
}

CLI::Validator plain_name() {
  const auto check = [](const std::string& word) -> std::string {
    return is_plain_name(word) ? "" : "expected a name, found \"" + word + "\"; --data takes the folder";
  };
  return CLI::Validator(check, "");
}

CLI::Validator one_of(const std::vector<std::string>& words) {
  const auto check = [words](const std::string& given) -> std::string {
    if (std::find(words.begin(), words.end(), given) != words.end()) return {};
    return "expected " + list_of(words) + ", found \"" + given + '"';
  };
  return CLI::Validator(check, "");
}

std::string list_of(const std::vector<std::string>& words) {
  std::string list;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != 0) list += i + 1 == words.size() ? " or " : ", ";
    list += words[i];
  }
  return list;
}

}  // namespace train
