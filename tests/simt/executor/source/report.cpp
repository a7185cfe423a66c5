// SPDX-License-Identifier: MIT
#include "report.hpp"

#include <cstdio>
#include <set>
#include <utility>

namespace simt {
namespace {

constexpr std::size_t kPrintedPerLaunch = 8;

struct Reports {
  std::vector<Finding> kept;
  std::set<std::string> keys;  // of the launch
  std::size_t in_launch = 0;
  std::string last_failure;
};

Reports& reports() {
  static Reports all;
  return all;
}

}  // namespace

std::string line_of(const std::source_location& where) {
  const std::string file = where.file_name();
  return text(file.substr(file.rfind('/') + 1), ":", where.line());
}

bool report(const char* kind, const std::string& what, const std::string& key) {
  Reports& all = reports();
  if (!all.keys.insert(std::string(kind) + (key.empty() ? what : key)).second) return false;
  if (all.in_launch++ == 0) all.last_failure = text("[", kind, "] ", what);
  if (all.in_launch <= kPrintedPerLaunch) std::fprintf(stderr, "simt: [%s] %s\n", kind, what.c_str());
  all.kept.push_back({kind, what});
  return true;
}

void begin_findings() {
  reports().keys.clear();
  reports().in_launch = 0;
}

std::size_t findings_of_launch() {
  return reports().in_launch;
}

const std::string& last_failure() {
  return reports().last_failure;
}

std::vector<Finding> take_findings() {
  return std::exchange(reports().kept, {});
}

}  // namespace simt
