// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace warpgnn::test {

/// What a tensor's bytes may be used for, told to whoever watches the kernels' accesses: under the executor of
/// tests/simt its memory check, elsewhere nobody. Memory it does not know is passed over.
void mark_uninitialised(const void* memory, std::size_t bytes);
void forbid(const void* memory, std::size_t bytes);

}  // namespace warpgnn::test
