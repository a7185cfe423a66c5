// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/results.hpp"
#include "core/task.hpp"
#include "warpgnn/nn/adam.hpp"
#include "warpgnn/nn/safetensors.hpp"

/// Checkpoints are safetensors files, whose metadata say where a training stands. Nothing in a file is trusted.
namespace train {

/// Where a training stands, without the tensors of the present run.
struct TrainingState {
  nlohmann::json settings;
  std::string data;  ///< which data the run used: Task::fingerprint
  Results results;   ///< of the runs that are finished
  RunResult present;
  std::int64_t step = 0;  ///< steps done of the present epoch
  std::uint64_t dropout_state = 0;
};

void save_checkpoint(const std::filesystem::path& path, const Task& task, const TrainingState& state,
                     const std::vector<warpgnn::nn::NamedTensor>& tensors);
/// Gives `task` the settings of a checkpoint. Throws DataError for a file that is no checkpoint of such a task, or that
/// no training of its settings wrote; UsageError for settings that a command line may not say either.
TrainingState read_checkpoint(const std::filesystem::path& path, Task& task);

/// The bytes of one weight matrix between each two of these widths, which any model of such layers has at least.
double bytes_of_weights(std::span<const std::int64_t> widths, warpgnn::Dtype dtype);

/// To be called before a model is made from settings of a file: throws DataError where the file is too small to hold
/// these.
void expect_room_for_weights(const std::filesystem::path& path, std::span<const std::int64_t> widths,
                             warpgnn::Dtype dtype);

/// Throws DataError unless an optimiser that was read did so many steps.
void expect_steps(warpgnn::nn::Adam& adam, std::int64_t steps);

/// Throws TrainingError where a value is not finite.
void expect_finite(std::span<const warpgnn::nn::NamedTensor> tensors);

/// Reads tensors of a checkpoint; each must be there, with its shape, and finite. Throws DataError that names the file.
void load_tensors(const std::filesystem::path& path, std::span<const warpgnn::nn::NamedTensor> tensors);

}  // namespace train
