// SPDX-License-Identifier: MIT
#include "core/run_files.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/errors.hpp"
#include "core/files.hpp"

namespace train {
namespace {

namespace fs = std::filesystem;

struct Target {
  std::string name;  ///< for messages
  fs::path path;     ///< links followed
  bool is_folder = false, is_only_read = false;
};

fs::path followed(const fs::path& path) {
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(fs::absolute(path), error);
  return error ? fs::absolute(path).lexically_normal() : whole;
}

Target checkpoint_target(const RunOptions& options) {
  const std::string path = checkpoint_path(options);
  const bool is_given = !options.checkpoint.empty(), is_resumed = !options.resume.empty();
  return {(is_given ? "--checkpoint " : is_resumed ? "--resume " : "the checkpoint ") + path, followed(path)};
}

/// All that a run writes, and the checkpoint that it reads.
std::vector<Target> targets_of(const RunOptions& options) {
  std::vector<Target> targets;
  if (!options.log.empty()) targets.push_back({"--log " + options.log, followed(options.log)});
  targets.push_back(checkpoint_target(options));
  if (!options.resume.empty() && followed(options.resume) != targets.back().path) {
    targets.push_back({.name = "--resume " + options.resume, .path = followed(options.resume), .is_only_read = true});
  }
  for (const char* file : {kMetricsFile, kLossFile, kScoreFile, kPageFile}) {
    const fs::path path = fs::path(options.out) / file;
    targets.push_back({"the report's " + path.string(), followed(path)});
  }
  const fs::path pictures = fs::path(options.out) / kPicturesFolder;
  targets.push_back({"the report's " + pictures.string(), followed(pictures), true});
  return targets;
}

std::string kind_of(fs::file_type type) {
  switch (type) {
    case fs::file_type::directory: return "a folder";
    case fs::file_type::character:
    case fs::file_type::block: return "a device";
    case fs::file_type::fifo: return "a pipe";
    case fs::file_type::socket: return "a socket";
    default: return "something else";
  }
}

void expect_kind(const std::string& name, const fs::path& path, bool is_folder) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) return;
  if (status.type() == (is_folder ? fs::file_type::directory : fs::file_type::regular)) return;
  throw UsageError(name + ": expected a " + (is_folder ? "folder" : "regular file") + " or nothing there, found " +
                   kind_of(status.type()));
}

/// The folder that is there already, of those that lead to a path.
fs::path nearest_folder(fs::path path) {
  std::error_code error;
  while (!fs::exists(path, error) && path.has_relative_path()) path = path.parent_path();
  return path;
}

void expect_writable(const std::string& name, const fs::path& path) {
  const fs::path folder = nearest_folder(path.parent_path());
  std::error_code error;
  if (!fs::is_directory(folder, error)) throw UsageError(name + ": " + folder.string() + " is not a folder");
  for (const fs::path& entry : {folder, path}) {
    if (!fs::exists(entry, error) || ::access(entry.c_str(), W_OK) == 0) continue;
    throw UsageError(name + ": cannot write " + entry.string() + ": " + std::strerror(errno));
  }
}

/// Whether both are one file, or one lies in the other.
bool overlap(const Target& a, const Target& b) {
  const auto [left, right] = std::mismatch(a.path.begin(), a.path.end(), b.path.begin(), b.path.end());
  if (left == a.path.end() || right == b.path.end()) return true;
  std::error_code error;
  return !a.is_folder && !b.is_folder && fs::equivalent(a.path, b.path, error) && !error;
}

void remove_partial_files(const fs::path& checkpoint) {
  const std::string begin = checkpoint.filename().string(), end = ".partial";
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(checkpoint.parent_path(), error)) {
    const std::string name = entry.path().filename().string();
    constexpr std::size_t kMark = 9;  // a point and eight digits
    const bool is_partial = name.starts_with(begin + ".") && name.ends_with(end) &&
                            name.size() == begin.size() + kMark + end.size() &&
                            name.find_first_not_of("0123456789abcdef", begin.size() + 1) == begin.size() + kMark;
    if (is_partial) fs::remove(entry.path(), error);
  }
}

fs::path beside(fs::path path) {
  return path += ".lock";
}

}  // namespace

void expect_sound_targets(const RunOptions& options) {
  const std::string out = "--out " + options.out;
  expect_kind(out, options.out, true);
  expect_writable(out, followed(options.out));
  const std::vector<Target> targets = targets_of(options);
  for (const Target& target : targets) {
    expect_kind(target.name, target.path, target.is_folder);
    if (!target.is_only_read) expect_writable(target.name, target.path);
  }
  for (std::size_t a = 0; a < targets.size(); ++a) {
    if (followed(options.out) == targets[a].path) throw UsageError(targets[a].name + " is the folder of --out");
    for (std::size_t b = a + 1; b < targets.size(); ++b) {
      if (overlap(targets[a], targets[b])) throw UsageError(targets[a].name + " is also " + targets[b].name);
    }
  }
}

RunFiles::RunFiles(const RunOptions& options) {
  make_folder(options.out);
  locks_.emplace_back(fs::path(options.out) / ".lock", "--out " + options.out);
  const auto lock = [&](const std::string& name, const fs::path& path) {
    make_folder(path.parent_path());
    locks_.emplace_back(beside(path), name);
  };
  const Target checkpoint = checkpoint_target(options);
  lock(checkpoint.name, checkpoint.path);
  if (!options.log.empty()) lock("--log " + options.log, followed(options.log));
  remove_partial_files(checkpoint.path);
}

}  // namespace train
