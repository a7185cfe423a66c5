// SPDX-License-Identifier: MIT
#include "core/checkpoint.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/command_line.hpp"
#include "core/errors.hpp"
#include "core/json_values.hpp"
#include "draw/svg.hpp"

namespace train {

namespace nn = warpgnn::nn;
using warpgnn::Dtype;

namespace {

constexpr std::uint64_t kMostSteps = std::numeric_limits<std::int32_t>::max();

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

nn::Metadata read_metadata(const std::filesystem::path& path, const std::string& format) {
  nn::Metadata metadata = nn::read_metadata(path);
  const auto found = metadata.find("format");
  if (found == metadata.end() || found->second != format) {
    throw DataError("expected a \"" + format + "\", found " +
                    (found == metadata.end() ? "a file without a format" : '"' + found->second + '"'));
  }
  return metadata;
}

const std::string& text_of(const nn::Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) throw DataError(key + ": expected a value, found none");
  return found->second;
}

std::string format_of(const Task& task) {
  return "warpgnn-train " + task.name() + " checkpoint 1";
}

}  // namespace

void save_checkpoint(const std::filesystem::path& path, const Task& task, const TrainingState& state,
                     const std::vector<nn::NamedTensor>& tensors) {
  nn::save_safetensors(path, tensors,
                       {{"format", format_of(task)},
                        {"settings", state.settings.dump()},
                        {"data", state.data},
                        {"results", to_json(state.results).dump()},
                        {"present", to_json(state.present).dump()},
                        {"epoch", std::to_string(state.present.epochs.size())},
                        {"step", std::to_string(state.step)},
                        {"dropout_state", std::to_string(state.dropout_state)}});
}

TrainingState read_checkpoint(const std::filesystem::path& path, Task& task) {
  return naming_file(path, [&] {
    const nn::Metadata metadata = read_metadata(path, format_of(task));
    const auto parsed = [&](const char* key) { return parse_json(text_of(metadata, key), key); };
    TrainingState state;
    state.settings = parsed("settings");
    take_settings(task, state.settings);
    const RunRules rules = task.rules();
    state.data = text_of(metadata, "data");
    state.results = results_from_json(parsed("results"), rules);
    state.present = present_from_json(parsed("present"), rules, state.results);
    const std::uint64_t step = whole_number_in_text(text_of(metadata, "step"), "step");
    if (step > kMostSteps) throw DataError("step: expected at most " + std::to_string(kMostSteps));
    state.step = static_cast<std::int64_t>(step);
    state.dropout_state = whole_number_in_text(text_of(metadata, "dropout_state"), "dropout_state");
    return state;
  });
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

}  // namespace train
