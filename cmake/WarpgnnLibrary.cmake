# SPDX-License-Identifier: MIT
# The library: host side, CPU backend, and either the CUDA kernels or the stubs that say they are not built.

file(GLOB_RECURSE public_headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/*.hpp" "${PROJECT_SOURCE_DIR}/include/*.h")
set(dlpack_header "${PROJECT_SOURCE_DIR}/include/warpgnn/dlpack.hpp")  # needs a package that nothing else needs
list(REMOVE_ITEM public_headers "${dlpack_header}")
file(GLOB_RECURSE host_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/host/*.cpp")
file(GLOB_RECURSE cuda_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/kernels/*.cu")
set(no_cuda_source "${PROJECT_SOURCE_DIR}/host/core/no_cuda.cpp")
list(REMOVE_ITEM host_sources "${no_cuda_source}")
# Without dense products there is no linear, and nothing that is made of it: no layers, and no C interface to both.
set(no_linear_source "${PROJECT_SOURCE_DIR}/host/cpu/no_linear.cpp")
set(no_blas_source "${PROJECT_SOURCE_DIR}/kernels/base/no_blas.cpp")
if(WARPGNN_DENSE)
  list(REMOVE_ITEM host_sources "${no_linear_source}")
else()
  list(FILTER host_sources EXCLUDE REGEX "/host/(nn|c)/|/host/cpu/dense/linear")
  list(FILTER cuda_sources EXCLUDE REGEX "/kernels/(dense/linear|base/blas)\\.cu$")
  list(APPEND cuda_sources "${no_blas_source}")
endif()
# The loops of the CPU backend: one folder for each family of ops.
set(simd_sources ${host_sources})
list(FILTER simd_sources INCLUDE REGEX "/host/cpu/(aggregate|attention|dense|pool)/")
list(REMOVE_ITEM host_sources ${simd_sources})

# All but what is behind the seam of host/core/backend.hpp: compiled once, linked with one CUDA side or another.
add_library(warpgnn_host OBJECT ${host_sources})
target_include_directories(warpgnn_host PRIVATE "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}")
target_compile_features(warpgnn_host PRIVATE cxx_std_20)
target_link_libraries(warpgnn_host PRIVATE OpenMP::OpenMP_CXX $<TARGET_NAME_IF_EXISTS:nlohmann_json::nlohmann_json>)
target_precompile_headers(warpgnn_host PRIVATE "${PROJECT_SOURCE_DIR}/host/core/backend.hpp")
warpgnn_own_code(warpgnn_host)
# It parses the headers of files: its time to compile counts, its speed does not.
set_source_files_properties("${PROJECT_SOURCE_DIR}/host/nn/safetensors.cpp" PROPERTIES COMPILE_OPTIONS -O1)

# --- Loops of the CPU backend, once per instruction-set level; host/cpu/dispatch.cpp chooses at run time ---------------

set(warpgnn_host_objects $<TARGET_OBJECTS:warpgnn_host>)
set(warpgnn_dense "")
if(WARPGNN_DENSE)
  set(warpgnn_dense Eigen3::Eigen)
endif()
set(warpgnn_onednn $<$<BOOL:${WARPGNN_ONEDNN}>:OneDNN::OneDNN>)
# The level of the machine that builds.
function(warpgnn_native_level result)
  if(NOT DEFINED WARPGNN_NATIVE_LEVEL)
    try_run(native_ran native_built "${PROJECT_BINARY_DIR}" "${PROJECT_SOURCE_DIR}/cmake/native_level.cpp"
            CMAKE_FLAGS "-DINCLUDE_DIRECTORIES=${PROJECT_SOURCE_DIR}" CXX_STANDARD 20 RUN_OUTPUT_VARIABLE level)
    set(WARPGNN_NATIVE_LEVEL "${level}" CACHE INTERNAL "Instruction-set level of the machine that builds")
  endif()
  set(${result} "${WARPGNN_NATIVE_LEVEL}" PARENT_SCOPE)
endfunction()

# Vectors that the level has no instructions for, and that are taken apart, are said.
set(simd_warnings $<$<CXX_COMPILER_ID:GNU>:-Wvector-operation-performance>)
set(simd_flags_v3 -march=x86-64-v3 ${simd_warnings})
set(simd_flags_v4 -march=x86-64-v4 -mprefer-vector-width=512 ${simd_warnings})
set(simd_levels baseline)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$" AND NOT WARPGNN_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  if(WARPGNN_CPU_LEVELS STREQUAL "native")
    warpgnn_native_level(simd_levels)
    message(STATUS "CPU loops for this machine alone: ${simd_levels}")
  elseif(WARPGNN_CPU_LEVELS STREQUAL "all")
    set(simd_levels baseline v3 v4)
  else()
    set(simd_levels "${WARPGNN_CPU_LEVELS}")
  endif()
  set(unknown_levels ${simd_levels})
  list(REMOVE_ITEM unknown_levels baseline v3 v4)
  if(unknown_levels OR NOT simd_levels)
    message(FATAL_ERROR "WARPGNN_CPU_LEVELS: expected all, native, or a list of baseline, v3, v4, got \"${WARPGNN_CPU_LEVELS}\"")
  endif()
endif()
set(built_levels "")
foreach(level baseline v3 v4)
  if(level IN_LIST simd_levels)
    list(APPEND built_levels true)
  else()
    list(APPEND built_levels false)
  endif()
endforeach()
list(JOIN built_levels "," built_levels)
set_source_files_properties("${PROJECT_SOURCE_DIR}/host/cpu/dispatch.cpp" PROPERTIES
                            COMPILE_DEFINITIONS "WARPGNN_BUILT_LEVELS=${built_levels}")
foreach(level IN LISTS simd_levels)
  if(NOT simd_sources)
    break()
  endif()
  set(target warpgnn_simd_${level})
  add_library(${target} OBJECT ${simd_sources})
  target_compile_features(${target} PRIVATE cxx_std_20)
  target_compile_definitions(${target} PRIVATE WARPGNN_ISA=${level} WARPGNN_ONEDNN=$<BOOL:${WARPGNN_ONEDNN}>)
  target_compile_options(${target} PRIVATE -O3 -fno-math-errno -fno-trapping-math -ffp-contract=fast
                                           ${simd_flags_${level}})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE OpenMP::OpenMP_CXX ${warpgnn_dense} ${warpgnn_onednn})
  warpgnn_own_code(${target})
  list(APPEND warpgnn_host_objects $<TARGET_OBJECTS:${target}>)
endforeach()

# --- The library ----------------------------------------------------------------------------------------------------------

# What a library needs whatever its CUDA side.
function(warpgnn_complete_library target)
  target_sources(${target} PRIVATE ${warpgnn_host_objects})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_link_libraries(${target} PRIVATE OpenMP::OpenMP_CXX ${warpgnn_onednn} Threads::Threads)
  warpgnn_own_code(${target})
endfunction()

add_library(warpgnn)
add_library(warpgnn::warpgnn ALIAS warpgnn)
target_sources(warpgnn PUBLIC FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES ${public_headers}
                              FILE_SET dlpack TYPE HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES "${dlpack_header}")
set_target_properties(warpgnn PROPERTIES VERSION "${PROJECT_VERSION}" SOVERSION "${PROJECT_VERSION_MAJOR}"
                                         VERIFY_INTERFACE_HEADER_SETS ON INTERFACE_HEADER_SETS_TO_VERIFY HEADERS)
warpgnn_complete_library(warpgnn)

# --- CUDA ---------------------------------------------------------------------------------------------------------------

if(WARPGNN_WITH_CUDA)
  set(WARPGNN_CUBLAS "")
  if(WARPGNN_DENSE)
    warpgnn_cuda_library(cublas WARPGNN_CUBLAS)
  endif()
  target_sources(warpgnn PRIVATE ${cuda_sources})
  target_link_libraries(warpgnn PRIVATE CUDA::cudart_static ${WARPGNN_CUBLAS})
  set_target_properties(warpgnn PROPERTIES CUDA_RUNTIME_LIBRARY Static)
  target_compile_options(warpgnn PRIVATE "$<$<COMPILE_LANGUAGE:CUDA>:-std=c++20;-Xptxas=-v>")
else()
  target_sources(warpgnn PRIVATE "${no_cuda_source}")
endif()
