# SPDX-License-Identifier: MIT
# Installs warpgnn to a fresh prefix, then configures, builds and runs the consumers in C++ and in C against it.
# Arguments: WARPGNN_BUILD, CONSUMER, WORK, GENERATOR, C_COMPILER, CXX_COMPILER, FLAGS, BUILD_TYPE.

file(REMOVE_RECURSE "${WORK}")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${WARPGNN_BUILD}" --prefix "${WORK}/prefix"
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

# consume(FOLDER PROGRAMS...): builds the project in a folder of CONSUMER and runs its programs.
function(consume folder)
  execute_process(COMMAND "${CMAKE_COMMAND}" -S "${CONSUMER}/${folder}" -B "${WORK}/build/${folder}" -G "${GENERATOR}"
                          "-DCMAKE_C_COMPILER=${C_COMPILER}" "-DCMAKE_CXX_COMPILER=${CXX_COMPILER}"
                          "-DCMAKE_C_FLAGS=${FLAGS}" "-DCMAKE_CXX_FLAGS=${FLAGS}" "-DCMAKE_BUILD_TYPE=${BUILD_TYPE}"
                          "-DCMAKE_PREFIX_PATH=${WORK}/prefix" --no-warn-unused-cli
                  COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND "${CMAKE_COMMAND}" --build "${WORK}/build/${folder}" COMMAND_ERROR_IS_FATAL ANY)
  foreach(program IN LISTS ARGN)
    execute_process(COMMAND "${WORK}/build/${folder}/${program}" COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
endfunction()
consume(. consumer)
consume(c consumer example)
