// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "core/file_lock.hpp"
#include "core/run_options.hpp"

/// What a run writes: --log, a checkpoint, and the report in --out.
namespace train {

/// The names that a report has in its folder.
inline constexpr const char* kMetricsFile = "metrics.json";
inline constexpr const char* kLossFile = "loss.svg";
inline constexpr const char* kScoreFile = "score.svg";
inline constexpr const char* kPageFile = "index.html";
inline constexpr const char* kPicturesFolder = "pictures";

/// Throws UsageError, before anything is read or written, where a target is something else than a regular file (a
/// device, a pipe, a folder; a folder is what --out must be), cannot be written, or is another target too.
void expect_sound_targets(const RunOptions& options);

/// The targets of this run, which no other run may have as long as this lives. Makes their folders, and removes what a
/// killed run left of a checkpoint that it was writing. Throws DataError.
class RunFiles {
 public:
  explicit RunFiles(const RunOptions& options);

 private:
  std::vector<FileLock> locks_;
};

}  // namespace train
