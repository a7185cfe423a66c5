// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "warpgnn/nn/session.hpp"

namespace warpgnn::nn {

/// A tensor under the name it has in a file. The tensor is not owned.
struct NamedTensor {
  std::string name;
  Tensor* tensor = nullptr;
};

/// The texts of a file's header, by their names.
using Metadata = std::map<std::string, std::string>;

/// The values of all parameters, buffers included. Throws on a name that occurs twice.
std::vector<NamedTensor> named_values(const ParameterList& parameters);

/// Writes a safetensors file (8-byte header length, JSON header, raw little-endian data), which Python's `safetensors`
/// opens. The file is written beside its final name, under one that is nobody else's, and moved there, so a crash
/// leaves the old one whole; what it had written stays behind as NAME.xxxxxxxx.partial. A link is followed; what is no
/// regular file (a device, a pipe) is refused. Throws `io_failure`.
void save_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                      const Metadata& metadata = {});

/// Reads into existing tensors and returns the metadata. Every tensor must be in the file with its dtype and shape;
/// all is checked before the first is written. Tensors of the file that are not asked for are ignored.
/// Throws `io_failure` for a file that is missing, truncated or not a safetensors file, and `invalid_argument` for one
/// that does not match.
Metadata load_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors);

/// Only the metadata.
Metadata read_metadata(const std::filesystem::path& path);

}  // namespace warpgnn::nn
