// SPDX-License-Identifier: MIT
#include "warpgnn/version.hpp"

namespace warpgnn {

const char* version() {
  return kVersion;
}

}  // namespace warpgnn
