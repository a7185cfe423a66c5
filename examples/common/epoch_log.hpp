#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "common/epochs.hpp"

namespace examples {

/// Writes one JSON record per line and epoch.
class EpochLog {
 public:
  /// An empty path logs nothing. `append`: go on with the file of a resumed training.
  EpochLog(const std::string& path, bool append);
  /// `record` says which epoch it is; the scores follow.
  void write(nlohmann::ordered_json record, const EpochRecord& epoch);

 private:
  std::string path_;
  std::ofstream file_;
};

}  // namespace examples
