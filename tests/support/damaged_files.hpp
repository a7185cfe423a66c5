// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace warpgnn::test {

/// A safetensors file with one of these done to it, which `seed` chooses: bits flipped, most of them in the header;
/// bytes cut off or added; a value changed, left out or repeated in the header, or in the JSON that one of the metadata
/// holds as text.
std::string damaged(const std::string& file, std::uint64_t seed);

/// What stands in the header of a safetensors file.
nlohmann::json header_of(const std::string& file);
/// The file with another header.
std::string with_header(const std::string& file, const nlohmann::json& header);

}  // namespace warpgnn::test
