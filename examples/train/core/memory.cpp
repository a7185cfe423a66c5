// SPDX-License-Identifier: MIT
#include "core/memory.hpp"

#include <unistd.h>

#include "core/errors.hpp"
#include "draw/svg.hpp"

namespace train {

void fail_for_memory(const std::string& what, double bytes) {
  throw DataError("there is not enough memory for " + what +
                  (bytes > 0 ? ", which takes " + format_bytes(bytes) + " at least" : ""));
}

void expect_memory(const std::string& what, double bytes) {
  const double machine = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  if (bytes > machine) fail_for_memory(what, bytes);
}

}  // namespace train
