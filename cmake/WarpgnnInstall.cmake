# SPDX-License-Identifier: MIT
# Installation: headers, library, and a package config that finds what a static library needs at link time.

include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/warpgnn")
install(TARGETS warpgnn EXPORT warpgnn-targets FILE_SET HEADERS FILE_SET dlpack)
install(EXPORT warpgnn-targets NAMESPACE warpgnn:: DESTINATION "${package_dir}")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/warpgnn-config.cmake.in"
                              "${PROJECT_BINARY_DIR}/warpgnn-config.cmake" INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/warpgnn-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/warpgnn-config.cmake" "${PROJECT_BINARY_DIR}/warpgnn-config-version.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/FindOneDNN.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/WarpgnnCUDAToolkit.cmake"
        DESTINATION "${package_dir}")
