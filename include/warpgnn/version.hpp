// SPDX-License-Identifier: MIT
#pragma once

/// The version of these headers, which is the project's: CMakeLists.txt reads it here, and the C interface includes it.
#define WARPGNN_VERSION_MAJOR 0
/// Its second part.
#define WARPGNN_VERSION_MINOR 1
/// Its third part.
#define WARPGNN_VERSION_PATCH 0

#ifdef __cplusplus

#define WARPGNN_TEXT_OF(number) #number
#define WARPGNN_TEXT(number) WARPGNN_TEXT_OF(number)

namespace warpgnn {

/// The same as text, major.minor.patch: what this was compiled against.
inline constexpr const char* kVersion =
    WARPGNN_TEXT(WARPGNN_VERSION_MAJOR) "." WARPGNN_TEXT(WARPGNN_VERSION_MINOR) "." WARPGNN_TEXT(WARPGNN_VERSION_PATCH);

/// The version of the library that this was linked with, in the same form. Where it is a shared library it may differ
/// from kVersion.
const char* version();

}  // namespace warpgnn

#undef WARPGNN_TEXT
#undef WARPGNN_TEXT_OF

#endif
