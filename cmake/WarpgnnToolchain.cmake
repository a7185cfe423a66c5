# SPDX-License-Identifier: MIT
# Everything that depends on the tools at hand: CUDA or not, the compiler cache, warnings, sanitizers, static linking.

# --- Compiler cache ---------------------------------------------------------------------------------------------------

find_program(WARPGNN_CCACHE ccache)
mark_as_advanced(WARPGNN_CCACHE)
set(compiler_cache "")  # what was not found is no command
if(WARPGNN_CCACHE)
  set(compiler_cache "${WARPGNN_CCACHE}")
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)  # the cache saves more, and would not keep what includes them
endif()
if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${compiler_cache})
endif()

# --- CUDA ---------------------------------------------------------------------------------------------------------------

set(WARPGNN_WITH_CUDA OFF)
if(NOT WARPGNN_CUDA STREQUAL "OFF")
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES "${WARPGNN_CUDA_ARCHITECTURES}")
  endif()
  if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
    find_program(CMAKE_CUDA_COMPILER nvcc PATHS /usr/local/cuda/bin ENV CUDA_PATH PATH_SUFFIXES bin)
    if(NOT CMAKE_CUDA_COMPILER)
      unset(CMAKE_CUDA_COMPILER CACHE)
    endif()
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    include(WarpgnnCUDAToolkit)
    set(WARPGNN_WITH_CUDA ON)
    # Keeps the resource report of each object beside it (see tests/resource_budget.txt).
    set(CMAKE_CUDA_COMPILER_LAUNCHER "${PROJECT_SOURCE_DIR}/scripts/compiler_report.sh" ptxas
                                     "^ptxas info|bytes stack frame" ${compiler_cache})
    message(STATUS "CUDA ${CUDAToolkit_VERSION}: building the CPU and CUDA backends for ${CMAKE_CUDA_ARCHITECTURES}")
  elseif(WARPGNN_CUDA STREQUAL "ON")
    message(FATAL_ERROR "WARPGNN_CUDA=ON, but no CUDA compiler was found")
  else()
    message(STATUS "CUDA compiler not found: building the CPU backend only")
  endif()
endif()

# --- Static dependencies ------------------------------------------------------------------------------------------------

if(WARPGNN_STATIC_DEPENDENCIES)
  set(ZLIB_USE_STATIC_LIBS ON)
  add_link_options(-static-libstdc++ -static-libgcc -Wl,--gc-sections -Wl,--strip-all)
  execute_process(COMMAND "${CMAKE_CXX_COMPILER}" -print-file-name=libgomp.a
                  OUTPUT_VARIABLE libgomp OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(IS_ABSOLUTE "${libgomp}")
    set(OpenMP_gomp_LIBRARY "${libgomp}" CACHE FILEPATH "The OpenMP runtime")
  endif()
  # What stays shared is found beside the program or in the toolkit of the machine that runs it.
  set(CMAKE_BUILD_RPATH "$ORIGIN;/usr/local/cuda/lib64")
endif()

# Sets `result` to the static variant of a CUDA library's target where that is asked for and there, else the shared one.
function(warpgnn_cuda_library name result)
  if(WARPGNN_STATIC_DEPENDENCIES AND TARGET CUDA::${name}_static)
    set(${result} CUDA::${name}_static PARENT_SCOPE)
  else()
    set(${result} CUDA::${name} PARENT_SCOPE)
  endif()
endfunction()

# --- Our own code -------------------------------------------------------------------------------------------------------

if(WARPGNN_SANITIZE)
  add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-fsanitize=${WARPGNN_SANITIZE};-fno-omit-frame-pointer>")
  add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-fno-sanitize-recover=all>")
  add_link_options("-fsanitize=${WARPGNN_SANITIZE}")
endif()

# Warnings for a target that we wrote, and the language where it is C.
# -Wconversion is left out of CUDA files: nvcc's generated host code trips it.
function(warpgnn_own_code target)
  set(host_warnings -Wall -Wextra -Wshadow)
  set(cxx_warnings ${host_warnings} -Wconversion)
  set(c_warnings ${host_warnings} -Wpedantic -Wconversion)
  set(cuda_warnings "-Xcompiler=-Wall,-Wextra,-Wshadow")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    list(APPEND cxx_warnings -Wno-restrict)  # false alarms in std::string operator+ (GCC bug 105651)
  endif()
  if(WARPGNN_WERROR)
    list(APPEND cxx_warnings -Werror)
    list(APPEND c_warnings -Werror)
    list(APPEND cuda_warnings -Werror=all-warnings)
  endif()
  set_target_properties(${target} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${cxx_warnings}>"
                                           "$<$<COMPILE_LANGUAGE:C>:${c_warnings}>"
                                           "$<$<COMPILE_LANGUAGE:CUDA>:${cuda_warnings}>")
endfunction()
