// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace warpgnn::test {

/// Whether this program counts its allocations: AddressSanitizer wants to see them itself.
bool counts_allocations();

/// Calls of operator new by this thread so far.
std::int64_t allocations();

}  // namespace warpgnn::test
