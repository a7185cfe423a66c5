// SPDX-License-Identifier: MIT
#include "tests/support/damaged_files.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

namespace warpgnn::test {

using nlohmann::json;

namespace {

constexpr std::size_t kLength = sizeof(std::uint64_t);  // before the header stands how long it is

std::size_t header_bytes(const std::string& file) {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, file.data(), kLength);
  return bytes;
}

class Damage {
 public:
  explicit Damage(std::uint64_t seed) : random_(seed) {}

  std::string to(const std::string& file) {
    switch (below(8)) {
      case 0: return flipped(file, file.size());
      case 1: return flipped(file, kLength + header_bytes(file));
      case 2: return resized(file);
      default: return edited(file);
    }
  }

 private:
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }

  std::string flipped(std::string file, std::size_t end) {
    for (std::size_t flips = 1 + below(8); flips > 0; --flips) {
      char& byte = file[below(end)];
      byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << below(8)));
    }
    return file;
  }

  std::string resized(std::string file) {
    file.resize(below(2) == 0 ? below(file.size()) : file.size() + 1 + below(100), '\7');
    return file;
  }

  std::string edited(const std::string& file) {
    json header = header_of(file);
    json& metadata = header.at("__metadata__");
    std::vector<std::string> documents;
    for (const auto& [key, text] : metadata.items()) {
      if (json::accept(text.get<std::string>())) documents.push_back(key);
    }
    const std::size_t which = below(documents.size() + 1);
    if (which == documents.size()) {
      edit(header);
    } else {
      json document = json::parse(metadata.at(documents[which]).get<std::string>());
      edit(document);
      metadata[documents[which]] = document.dump();
    }
    return with_header(file, header);
  }

  /// Changes one value at a random place of a tree.
  void edit(json& root) {
    json* at = &root;
    while (at->is_structured() && !at->empty() && below(6) != 0) {
      const auto child = std::next(at->begin(), static_cast<std::ptrdiff_t>(below(at->size())));
      if (below(12) == 0) {
        at->erase(child);
        return;
      }
      if (at->is_array() && below(12) == 0) {
        at->push_back(json(*child));
        return;
      }
      at = &*child;
    }
    *at = replacement(*at);
  }

  json replacement(const json& old) {
    static const std::vector<json> kValues{
        nullptr, true, 0,       -1,        1,     2,          3,         7,          1'000'000'000, 2'147'483'648,
        0.5,     -0.5, 1e18,    1e300,     1e19,  "",         "x",       "gat",      json::array(), json::object(),
        "F64",   9e-9, {0, 16}, {-1, 1e9}, 200,   2'000'000U, INT64_MAX, UINT64_MAX, INT64_MIN,     1'000'000'000'000,
        "nan",   "\n", {{}},    "--help",  65536, 1e-320};
    if (old.is_number_integer() && below(2) == 0)
      return old.get<std::int64_t>() + static_cast<std::int64_t>(below(5)) - 2;
    if (old.is_number_float() && below(2) == 0) return -old.get<double>();
    if (old.is_array() && below(8) == 0) return json(200, old.empty() ? json(1) : old.front());
    return kValues[below(kValues.size())];
  }

  std::mt19937_64 random_;
};

}  // namespace

json header_of(const std::string& file) {
  return json::parse(file.substr(kLength, header_bytes(file)));
}

std::string with_header(const std::string& file, const json& header) {
  const std::string text = header.dump();
  std::string bytes(kLength, '\0');
  const std::uint64_t length = text.size();
  std::memcpy(bytes.data(), &length, kLength);
  return bytes + text + file.substr(kLength + header_bytes(file));
}

std::string damaged(const std::string& file, std::uint64_t seed) {
  return Damage(seed).to(file);
}

}  // namespace warpgnn::test
