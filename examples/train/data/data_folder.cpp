// SPDX-License-Identifier: MIT
#include "data/data_folder.hpp"

#include <cstdlib>
#include <vector>

#include "core/errors.hpp"

namespace train {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> search_path(const std::string& data) {
  if (!data.empty()) return {data};
  std::vector<fs::path> folders;
  if (const char* given = std::getenv("WARPGNN_DATA"); given != nullptr && *given != '\0') folders.emplace_back(given);
  folders.emplace_back("examples/data");
  folders.emplace_back(EXAMPLES_DATA);  // the same from any working directory, as long as the sources are there
  folders.emplace_back("../shared/data");
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    folders.push_back(fs::path(home) / ".cache" / "warpgnn");
  }
  return folders;
}

}  // namespace

fs::path plain_or_packed(const fs::path& file) {
  std::error_code ignored;
  const fs::path packed = file.string() + ".gz";
  return !fs::exists(file, ignored) && fs::exists(packed, ignored) ? packed : file;
}

bool is_plain_name(const std::string& name) {
  return !name.empty() && name.find_first_of("/\\") == std::string::npos && name != "." && name != "..";
}

DatasetLocation find_data(const std::string& name, const std::string& data, const std::string& marker) {
  if (!is_plain_name(name)) {
    throw UsageError("--dataset takes a name, not \"" + name + "\"; --data takes the folder");
  }
  DatasetLocation location;
  for (const fs::path& folder : search_path(data)) {
    for (const fs::path& candidate : {folder / name, folder}) {
      std::error_code ignored;
      if (!fs::is_regular_file(plain_or_packed(candidate / marker), ignored)) continue;
      location.folder = candidate;
      return location;
    }
    location.searched += (location.searched.empty() ? "" : ", ") + folder.string();
  }
  return location;
}

}  // namespace train
