// SPDX-License-Identifier: MIT
#include "core/epoch_log.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>

#include "core/errors.hpp"

namespace train {
namespace {

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// How much of a log is kept of which `lines` are known: all that agrees with them.
std::size_t kept_bytes(const std::string& path, const std::string& lines) {
  const std::string text = read_text(path);
  const auto same = static_cast<std::size_t>(std::mismatch(text.begin(), text.end(), lines.begin(), lines.end()).first -
                                             text.begin());
  const bool ends_here = same == text.size();
  const bool goes_on = same == lines.size() && text.compare(same, 1, "{") == 0;
  if (ends_here || goes_on) return same;
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(same), '\n');
  throw DataError(path + ":" + std::to_string(line) +
                  ": expected the log of the training that is resumed, found another; give a new file to --log");
}

}  // namespace

std::string log_line(const RunRules& rules, const RunResult& run, std::size_t epoch) {
  nlohmann::ordered_json line = rules.place_of(run);
  line["epoch"] = epoch + 1;
  const EpochRecord& record = run.epochs[epoch];
  const auto add = [&](const std::string& part, const Score& score) {
    line[part + "_loss"] = score.loss;
    for (std::size_t k = 0; k < score.metrics.size(); ++k) {
      line[part + "_" + rules.epochs.metrics[k].key] = score.metrics[k];
    }
  };
  add("train", record.train);
  if (record.valid) add("valid", *record.valid);
  if (record.test) add("test", *record.test);
  line["milliseconds"] = record.milliseconds;
  return line.dump();
}

std::vector<std::string> log_lines(const RunRules& rules, const Results& finished, const RunResult& present) {
  std::vector<std::string> lines;
  const auto add = [&](const RunResult& run) {
    for (std::size_t epoch = 0; epoch < run.epochs.size(); ++epoch) lines.push_back(log_line(rules, run, epoch));
  };
  for (const RunResult& run : finished.runs) add(run);
  add(present);
  return lines;
}

EpochLog::EpochLog(const std::string& path) : path_(path) {
  open(std::ios::trunc);
}

EpochLog::EpochLog(const std::string& path, const std::vector<std::string>& lines) : path_(path) {
  if (path.empty()) return;
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  const std::size_t kept = kept_bytes(path, text);
  std::error_code ignored;
  std::filesystem::resize_file(path, kept, ignored);  // there may be none yet
  open(std::ios::app);
  file_ << text.substr(kept) << std::flush;
  if (!file_) throw DataError("cannot write the log " + path_ + ": " + std::strerror(errno));
}

void EpochLog::open(std::ios::openmode mode) {
  if (path_.empty()) return;
  file_.open(path_, mode | std::ios::binary);
  if (!file_) throw DataError("cannot write the log " + path_ + ": " + std::strerror(errno));
}

void EpochLog::write(const std::string& line) {
  if (path_.empty() || !failure_.empty()) return;
  file_ << line << std::endl;  // a reader sees each epoch as it ends, and a killed run loses none
  if (!file_) failure_ = "cannot write the log " + path_ + ": " + std::strerror(errno);
}

}  // namespace train
