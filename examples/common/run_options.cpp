// SPDX-License-Identifier: MIT
#include "common/run_options.hpp"

#include <filesystem>
#include <iostream>

#include "common/errors.hpp"
#include "common/program.hpp"

namespace examples {

using nlohmann::json;

namespace {

std::string word_of(const json& value, const std::string& name) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return value.dump();
  if (!value.is_array()) throw DataError("--" + name + ": expected a word, a number or a list of numbers");
  std::string words;
  for (const json& number : value) {
    if (!number.is_number()) throw DataError("--" + name + ": expected a list of numbers");
    words += (words.empty() ? "" : ",") + number.dump();
  }
  return words;
}

}  // namespace

std::vector<std::string> words_of(const json& stored, const RunOptions& options) {
  if (!stored.is_object()) throw DataError("settings: expected an object");
  std::vector<std::string> words;
  for (const auto& [name, value] : stored.items()) {
    const auto given = options.given.find(name);
    if (given != options.given.end()) {
      words.push_back("--" + name + "=" + given->second);
    } else if (!value.is_null()) {
      words.push_back("--" + name + "=" + word_of(value, name));
    }
  }
  return words;
}

void expect_same_settings(const json& made, const json& stored) {
  for (const auto& [name, value] : stored.items()) {
    if (!made.contains(name)) throw DataError("settings: there is none called \"" + name + '"');
  }
  for (const auto& [name, value] : made.items()) {
    if (!stored.contains(name)) throw DataError("settings: --" + name + " is missing");
    if (stored.at(name) != value) throw DataError("settings: --" + name + " is not of the right kind");
  }
}

void refuse_other_settings(const json& wanted, const json& stored) {
  for (const auto& [name, value] : stored.items()) {
    if (wanted.at(name) == value) continue;
    throw UsageError("--" + name + " " + wanted.at(name).dump() + " differs from the checkpoint's " + value.dump() +
                     "; a resumed run keeps its settings");
  }
}

std::string resume_command(const RunOptions& options, const std::string& program, const std::string& checkpoint) {
  std::string command =
      shell_word(program) + " --resume " + shell_word(checkpoint) + " --out " + shell_word(options.out);
  const auto repeat = [&](const char* name, const std::string& value) {
    if (options.was_given(name)) command += std::string(" --") + name + " " + shell_word(value);
  };
  repeat("data", options.data);
  repeat("device", name_in(kDevices, options.device));
  repeat("threads", std::to_string(options.threads));
  repeat("log", options.log);
  repeat("checkpoint", options.checkpoint);
  repeat("checkpoint-every", std::to_string(options.checkpoint_every));
  repeat("pictures", std::to_string(options.pictures));
  return command;
}

void accept_missing_data(const RunOptions& options, const std::string& dataset, const DatasetLocation& location,
                         const std::string& marker, const std::string& generated) {
  if (options.was_given("dataset") || options.was_given("data") || !options.resume.empty()) {
    throw DataError("data set " + dataset + " not found in " + location.searched + " (looked for " + marker +
                    " there and in a folder " + dataset + ")");
  }
  std::cout << dataset << " is not in " << location.searched << ": using the generated " << generated << " instead.\n";
}

std::string checkpoint_path(const RunOptions& options) {
  if (!options.checkpoint.empty()) return options.checkpoint;
  if (!options.resume.empty()) return options.resume;
  return (std::filesystem::path(options.out) / "checkpoint.safetensors").string();
}

}  // namespace examples
