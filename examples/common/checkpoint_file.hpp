// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "warpgnn/nn/adam.hpp"
#include "warpgnn/nn/safetensors.hpp"

/// What the programs' checkpoints have in common. Nothing in a file is trusted.
namespace examples {

/// The metadata of a safetensors file that says to be of this format. Throws DataError that names the file.
warpgnn::nn::Metadata read_checkpoint_metadata(const std::filesystem::path& path, const std::string& format);
/// The text under a key. Throws DataError where there is none.
const std::string& text_of(const warpgnn::nn::Metadata& metadata, const std::string& key);

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

}  // namespace examples
