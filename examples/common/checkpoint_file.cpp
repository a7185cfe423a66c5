// SPDX-License-Identifier: MIT
#include "common/checkpoint_file.hpp"

#include <algorithm>
#include <cmath>

#include "common/errors.hpp"
#include "common/svg.hpp"

namespace examples {

namespace nn = warpgnn::nn;
using warpgnn::Dtype;

namespace {

template <class Value>
bool all_finite(const warpgnn::Tensor& tensor) {
  const std::vector<Value> values = tensor.to_host<Value>();
  return std::all_of(values.begin(), values.end(), [](Value value) { return std::isfinite(value); });
}

bool is_finite(const warpgnn::Tensor& tensor) {
  switch (tensor.view().dtype) {
    case Dtype::float32: return all_finite<float>(tensor);
    case Dtype::float64: return all_finite<double>(tensor);
    default: return true;
  }
}

}  // namespace

nn::Metadata read_checkpoint_metadata(const std::filesystem::path& path, const std::string& format) {
  return naming_file(path, [&] {
    nn::Metadata metadata = nn::read_metadata(path);
    const auto found = metadata.find("format");
    if (found == metadata.end() || found->second != format) {
      throw DataError("expected a \"" + format + "\", found " +
                      (found == metadata.end() ? "a file without a format" : '"' + found->second + '"'));
    }
    return metadata;
  });
}

const std::string& text_of(const nn::Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) throw DataError(key + ": expected a value, found none");
  return found->second;
}

double bytes_of_weights(std::span<const std::int64_t> widths, Dtype dtype) {
  double bytes = 0;  // in floating point, which no width overflows
  for (std::size_t layer = 0; layer + 1 < widths.size(); ++layer) {
    bytes += static_cast<double>(widths[layer]) * static_cast<double>(widths[layer + 1]) *
             static_cast<double>(warpgnn::size_of(dtype));
  }
  return bytes;
}

void expect_room_for_weights(const std::filesystem::path& path, std::span<const std::int64_t> widths, Dtype dtype) {
  const double bytes = bytes_of_weights(widths, dtype);
  const auto size = static_cast<double>(std::filesystem::file_size(path));
  if (bytes <= size) return;
  throw DataError(path.string() + ": the weights of its settings' layers take " + format_bytes(bytes) +
                  " at least, the file has " + format_bytes(size));
}

void expect_steps(nn::Adam& adam, std::int64_t steps) {
  const nn::NamedTensor step = adam.state().front();
  const std::int64_t found = step.tensor->to_host<std::int64_t>()[0];
  if (found == steps) return;
  throw DataError(step.name + ": expected " + std::to_string(steps) + ", found " + std::to_string(found));
}

void expect_finite(std::span<const nn::NamedTensor> tensors) {
  for (const nn::NamedTensor& named : tensors) {
    if (!is_finite(*named.tensor)) throw TrainingError(named.name + " has values that are not finite");
  }
}

void load_tensors(const std::filesystem::path& path, std::span<const nn::NamedTensor> tensors) {
  naming_file(path, [&] {
    nn::load_safetensors(path, tensors);
    expect_finite(tensors);
  });
}

}  // namespace examples
