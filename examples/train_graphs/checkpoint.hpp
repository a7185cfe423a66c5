// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "dataset.hpp"
#include "results.hpp"
#include "settings.hpp"
#include "warpgnn/nn/safetensors.hpp"

namespace examples::train_graphs {

/// Where a training stands, without the tensors of the present run. Kept in the checkpoint's metadata.
struct TrainingState {
  Settings settings;
  std::string data;  ///< which data the run used: fingerprint()
  Results results;   ///< of the runs that are finished
  RunResult present;
  std::int64_t step = 0;  ///< steps done of the present epoch
  std::uint64_t dropout_state = 0;
};

/// Name, counts and a hash of a data set, to notice a resume on other data.
std::string fingerprint(const Dataset& dataset);

void save_checkpoint(const std::filesystem::path& path, const TrainingState& state,
                     const std::vector<warpgnn::nn::NamedTensor>& tensors);
/// The line of a log for one epoch of a run, and those of all epochs that a state knows.
std::string log_line(const RunResult& run, std::size_t epoch);
std::vector<std::string> log_lines(const TrainingState& state);

/// Throws DataError for a file that is no checkpoint of this program, or that no training of its settings wrote.
TrainingState read_checkpoint(const std::filesystem::path& path);
/// Throws DataError unless what was explained are graphs of this data set.
void expect_fits(const TrainingState& state, const Dataset& dataset);

}  // namespace examples::train_graphs
