// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "node_data.hpp"
#include "results.hpp"
#include "settings.hpp"
#include "warpgnn/nn/safetensors.hpp"

namespace examples::train_nodes {

/// Where a training stands, without the tensors of the present run. Kept in the checkpoint's metadata.
struct TrainingState {
  Settings settings;
  std::string data;  ///< which data the run used: fingerprint()
  Results results;   ///< of the runs that are finished
  std::vector<EpochRecord> present;
  std::uint64_t dropout_state = 0;
};

void save_checkpoint(const std::filesystem::path& path, const TrainingState& state,
                     const std::vector<warpgnn::nn::NamedTensor>& tensors);
/// The line of a log for one epoch of a repeat, and those of all epochs that a state knows.
std::string log_line(std::size_t repeat, const std::vector<EpochRecord>& epochs, std::size_t epoch);
std::vector<std::string> log_lines(const TrainingState& state);

/// Throws DataError for a file that is no checkpoint of this program, or that no training of its settings wrote.
TrainingState read_checkpoint(const std::filesystem::path& path);
/// Throws DataError unless what was seen are test nodes of this data set.
void expect_fits(const TrainingState& state, const NodeData& data);

}  // namespace examples::train_nodes
