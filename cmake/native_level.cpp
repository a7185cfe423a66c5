// SPDX-License-Identifier: MIT
// Prints the instruction-set level of the machine that builds, for WARPGNN_CPU_LEVELS=native.

#include <cstdio>

#include "host/cpu/level.hpp"

int main() {
  constexpr const char* kNames[] = {"baseline", "v3", "v4"};
  std::fputs(kNames[static_cast<int>(warpgnn::backend::processor_level())], stdout);
}
