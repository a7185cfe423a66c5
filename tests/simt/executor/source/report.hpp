// SPDX-License-Identifier: MIT
#pragma once

#include <source_location>
#include <sstream>
#include <string>

#include "simt/simt.hpp"

namespace simt {

template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream stream;
  (stream << ... << parts);
  return stream.str();
}

/// "file:line", without the folders.
std::string line_of(const std::source_location& where);

/// Keeps a finding and prints it. The same `key` is reported once per launch; returns whether it was new.
bool report(const char* kind, const std::string& what, const std::string& key = {});

/// Findings of the launch that is running, and the first of the last launch that had one.
void begin_findings();
std::size_t findings_of_launch();
const std::string& last_failure();

/// Unwinds a lane whose block cannot go on.
struct LaneAborted {};

}  // namespace simt
