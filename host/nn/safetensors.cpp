// SPDX-License-Identifier: MIT
#include "warpgnn/nn/safetensors.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <vector>

#include "warpgnn/error.hpp"

namespace warpgnn::nn {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMaxHeader = 100'000'000;  // the format's own limit
constexpr int kDeepest = 8;                        // of the header's lists and objects; the format needs three
constexpr const char* kMetadataName = "__metadata__";

const char* file_dtype(Dtype dtype) {
  switch (dtype) {
    case Dtype::float32: return "F32";
    case Dtype::float64: return "F64";
    case Dtype::int32: return "I32";
    case Dtype::int64: return "I64";
    case Dtype::float16: return "F16";
    case Dtype::bfloat16: return "BF16";
  }
  return "";
}

std::vector<std::int64_t> shape_of(const TensorView& view) {
  return {view.shape.begin(), view.shape.begin() + view.ndim};
}

[[noreturn]] void fail_io(const std::filesystem::path& path, const std::string& what) {
  throw Error(ErrorCode::io_failure, path.string() + ": " + what);
}

[[noreturn]] void fail_tensors(const std::string& what) {
  throw Error(ErrorCode::invalid_argument, "tensors: " + what);
}

void expect_usable(std::span<const NamedTensor> tensors) {
  std::set<std::string> seen;
  for (const NamedTensor& named : tensors) {
    if (named.tensor == nullptr || !named.tensor->defined())
      fail_tensors("expected a tensor, '" + named.name + "' is none");
    if (named.name == kMetadataName) fail_tensors("expected another name than '" + named.name + "'");
    if (!seen.insert(named.name).second) fail_tensors("expected each name once, got '" + named.name + "' twice");
  }
}

/// Text of a JSON value whose strings the caller gave.
std::string dump(const Json& json) {
  try {
    return json.dump();
  } catch (const Json::exception&) {
    throw Error(ErrorCode::invalid_argument, "tensors, metadata: expected names and values in UTF-8");
  }
}

std::string make_header(std::span<const NamedTensor> tensors, const Metadata& metadata) {
  Json header;
  if (!metadata.empty()) header[kMetadataName] = metadata;
  std::size_t offset = 0;
  for (const NamedTensor& named : tensors) {
    const TensorView& view = named.tensor->view();
    const std::size_t end = offset + named.tensor->bytes();
    header[named.name] = {
        {"dtype", file_dtype(view.dtype)}, {"shape", shape_of(view)}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.empty() ? "{}" : dump(header);
  text.append((8 - text.size() % 8) % 8, ' ');  // keeps the data aligned, as the format recommends
  return text;
}

/// JSON text, or a discarded value for what is none or is nested without reason: such values take long to take apart.
Json parse_header(const std::string& text) {
  bool is_deep = false;
  const auto watch = [&](int depth, Json::parse_event_t, Json&) {
    is_deep |= depth > kDeepest;
    return !is_deep;
  };
  Json header = Json::parse(text, watch, false);
  return is_deep ? Json(Json::value_t::discarded) : header;
}

/// Whether all of a list is whole numbers. The parser's own conversion takes 1.5 or true for one, and a number for a
/// list.
bool holds_integers(const Json& list) {
  return list.is_array() &&
         std::all_of(list.begin(), list.end(), [](const Json& value) { return value.is_number_integer(); });
}

/// An open file whose header has been read and found sound.
struct File {
  std::filesystem::path path;
  std::ifstream stream;
  Json header;
  std::uint64_t data_begin = 0, data_bytes = 0;

  explicit File(std::filesystem::path from) : path(std::move(from)) {
    std::error_code error;
    // Opening a pipe would wait for its other end.
    if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error)) {
      fail_io(path, "expected a regular file");
    }
    stream.open(path, std::ios::binary);
    if (!stream) fail_io(path, std::string("cannot be opened: ") + std::strerror(errno));
    const std::uint64_t size = std::filesystem::file_size(path, error);
    std::uint64_t header_bytes = 0;
    if (error || size < sizeof header_bytes) fail_io(path, "expected a safetensors file, it is too short");
    stream.read(reinterpret_cast<char*>(&header_bytes), sizeof header_bytes);
    if (header_bytes > kMaxHeader || header_bytes > size - sizeof header_bytes) {
      fail_io(path, "expected a safetensors file, its header does not fit");
    }
    std::string text(header_bytes, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(header_bytes));
    header = parse_header(text);
    if (!stream || !header.is_object()) fail_io(path, "expected a safetensors file, its header is not JSON");
    data_begin = sizeof header_bytes + header_bytes;
    data_bytes = size - data_begin;
  }

  Metadata metadata() const {
    Metadata result;
    const auto found = header.find(kMetadataName);
    if (found == header.end()) return result;
    if (!found->is_object()) fail_io(path, "expected __metadata__ to be an object");
    for (const auto& [key, value] : found->items()) {
      if (!value.is_string()) fail_io(path, "expected __metadata__ to hold text, '" + key + "' is not");
      result[key] = value.get<std::string>();
    }
    return result;
  }

  /// As the format demands, the tensors' data lies side by side and is all there is: two tensors that share theirs, or
  /// bytes of no tensor, are another's work.
  void expect_no_gaps() const {
    std::vector<std::array<std::uint64_t, 2>> ranges;
    for (const auto& [name, entry] : header.items()) {
      if (name == kMetadataName) continue;
      const auto offsets = entry.is_object() ? entry.find("data_offsets") : entry.end();
      if (offsets == entry.end() || !holds_integers(*offsets) || offsets->size() != 2) {
        fail_io(path, "expected dtype, shape and two data_offsets for '" + name + "'");
      }
      ranges.push_back({(*offsets)[0].get<std::uint64_t>(), (*offsets)[1].get<std::uint64_t>()});
    }
    std::sort(ranges.begin(), ranges.end());
    std::uint64_t end = 0;
    for (const auto& range : ranges) {
      if (range[0] != end || range[1] < end) fail_io(path, "its tensors overlap or leave gaps between them");
      end = range[1];
    }
    if (end != data_bytes) {
      fail_io(path, "the data of its tensors is truncated or out of place: expected " + std::to_string(end) +
                        " bytes, got " + std::to_string(data_bytes));
    }
  }

  /// Where a tensor's data begins in the file, after checking that it is what `named` wants.
  std::uint64_t find(const NamedTensor& named) const {
    const auto found = header.find(named.name);
    const TensorView& view = named.tensor->view();
    if (found == header.end()) mismatch(named.name, "a tensor of that name", "none");
    std::string dtype;
    std::vector<std::int64_t> shape;
    std::array<std::uint64_t, 2> range{};
    try {
      found->at("dtype").get_to(dtype);
      for (const char* list : {"shape", "data_offsets"}) {
        if (!holds_integers(found->at(list)))
          fail_io(path, "expected whole numbers as the " + std::string(list) + " of '" + named.name + "'");
      }
      found->at("shape").get_to(shape);
      found->at("data_offsets").get_to(range);
      if (found->at("data_offsets").size() != range.size())
        fail_io(path, "expected two data_offsets for '" + named.name + "'");
    } catch (const Json::exception&) {
      fail_io(path, "expected dtype, shape and data_offsets for '" + named.name + "'");
    }
    if (dtype != file_dtype(view.dtype)) mismatch(named.name, file_dtype(view.dtype), dtype);
    if (shape != shape_of(view)) mismatch(named.name, "shape " + Json(shape_of(view)).dump(), Json(shape).dump());
    if (range[0] > range[1] || range[1] > data_bytes || range[1] - range[0] != named.tensor->bytes()) {
      fail_io(path, "the data of '" + named.name + "' is truncated or out of place");
    }
    return data_begin + range[0];
  }

 private:
  [[noreturn]] void mismatch(const std::string& name, const std::string& expected, const std::string& given) const {
    throw Error(ErrorCode::invalid_argument,
                path.string() + ": '" + name + "': expected " + expected + ", got " + given);
  }
};

/// A new file beside `path`, named so that nobody else writes to it.
std::filesystem::path create_beside(const std::filesystem::path& path) {
  std::random_device random;
  for (;;) {
    std::array<char, 24> ending{};
    std::snprintf(ending.data(), ending.size(), ".%08x.partial", static_cast<unsigned>(random()));
    std::filesystem::path partial = path;
    partial += ending.data();
    const int descriptor = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0) {
      ::close(descriptor);
      return partial;
    }
    if (errno != EEXIST) fail_io(path, std::string("cannot be written: ") + std::strerror(errno));
  }
}

/// Where a file of that name lies, links followed. What is no file is not replaced by one.
std::filesystem::path replaceable(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) return path;
  if (!std::filesystem::is_regular_file(status)) fail_io(path, "expected a regular file or none");
  const std::filesystem::path target = std::filesystem::canonical(path, error);
  return error ? path : target;
}

void write_file(const std::filesystem::path& path, const std::string& header, std::span<const NamedTensor> tensors) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (!file) fail_io(path, std::string("cannot be written: ") + std::strerror(errno));
  const std::uint64_t header_bytes = header.size();
  file.write(reinterpret_cast<const char*>(&header_bytes), sizeof header_bytes);
  file.write(header.data(), static_cast<std::streamsize>(header.size()));
  std::vector<char> data;
  for (const NamedTensor& named : tensors) {
    data.resize(named.tensor->bytes());
    named.tensor->copy_to_host(data.data(), data.size());
    file.write(data.data(), static_cast<std::streamsize>(data.size()));
  }
  file.flush();
  if (!file) fail_io(path, std::string("cannot be written to its end: ") + std::strerror(errno));
}

}  // namespace

std::vector<NamedTensor> named_values(const ParameterList& parameters) {
  std::vector<NamedTensor> tensors;
  tensors.reserve(parameters.size());
  for (Parameter* parameter : parameters) tensors.push_back({parameter->name, &parameter->value});
  expect_usable(tensors);
  return tensors;
}

void save_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                      const Metadata& metadata) {
  expect_usable(tensors);
  const std::string header = make_header(tensors, metadata);
  const std::filesystem::path target = replaceable(path), partial = create_beside(target);
  try {
    write_file(partial, header, tensors);
    std::filesystem::rename(partial, target);
  } catch (const std::exception& failure) {
    std::error_code ignored;
    std::filesystem::remove(partial, ignored);
    if (dynamic_cast<const std::filesystem::filesystem_error*>(&failure) != nullptr) {
      fail_io(path, std::string("cannot be replaced: ") + failure.what());
    }
    throw;
  }
}

Metadata load_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors) {
  expect_usable(tensors);
  File file(path);
  Metadata metadata = file.metadata();
  std::vector<std::vector<char>> data;
  data.reserve(tensors.size());
  for (const NamedTensor& named : tensors) {
    file.stream.seekg(static_cast<std::streamoff>(file.find(named)));
    auto& bytes = data.emplace_back(named.tensor->bytes());
    file.stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!file.stream) fail_io(path, "the data of '" + named.name + "' cannot be read");
  }
  file.expect_no_gaps();
  for (std::size_t k = 0; k < tensors.size(); ++k) tensors[k].tensor->copy_from_host(data[k].data(), data[k].size());
  return metadata;
}

Metadata read_metadata(const std::filesystem::path& path) {
  return File(path).metadata();
}

}  // namespace warpgnn::nn
