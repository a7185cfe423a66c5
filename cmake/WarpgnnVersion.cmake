# SPDX-License-Identifier: MIT
# Sets warpgnn_version. It stands in one place, a header that every way to use the library brings along.
set(version_header "${CMAKE_CURRENT_LIST_DIR}/../include/warpgnn/version.hpp")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${version_header}")
set(warpgnn_version "")
foreach(part MAJOR MINOR PATCH)
  file(STRINGS "${version_header}" number REGEX "^#define WARPGNN_VERSION_${part} [0-9]+$")
  if(NOT number MATCHES "([0-9]+)$")
    message(FATAL_ERROR "${version_header} does not define WARPGNN_VERSION_${part}")
  endif()
  list(APPEND warpgnn_version "${CMAKE_MATCH_1}")
endforeach()
list(JOIN warpgnn_version "." warpgnn_version)
