// SPDX-License-Identifier: MIT
#include "core/run_options.hpp"

#include <filesystem>
#include <iostream>

#include "core/errors.hpp"
#include "core/program.hpp"

namespace train {

std::string resume_command(const RunOptions& options, const std::string& program, const std::string& checkpoint) {
  std::string command = program + " --resume " + shell_word(checkpoint) + " --out " + shell_word(options.out);
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

std::optional<std::filesystem::path> folder_of_data(const RunOptions& options, std::string& dataset,
                                                    const std::string& generated, const std::string& marker,
                                                    DatasetLocation (*find)(const std::string&, const std::string&)) {
  if (dataset == generated) return std::nullopt;
  DatasetLocation location = find(dataset, options.data);
  if (location.folder) return std::move(location.folder);
  if (options.was_given("dataset") || options.was_given("data") || !options.resume.empty()) {
    throw DataError("data set " + dataset + " not found in " + location.searched + " (looked for " + marker +
                    " there and in a folder " + dataset + ")");
  }
  std::cout << dataset << " is not in " << location.searched << ": using the generated " << generated << " instead.\n";
  dataset = generated;
  return std::nullopt;
}

std::string checkpoint_path(const RunOptions& options) {
  if (!options.checkpoint.empty()) return options.checkpoint;
  if (!options.resume.empty()) return options.resume;
  return (std::filesystem::path(options.out) / "checkpoint.safetensors").string();
}

}  // namespace train
