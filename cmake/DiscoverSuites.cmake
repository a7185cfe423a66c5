# SPDX-License-Identifier: MIT
# Writes what ctest includes: one test for each suite of a GoogleTest program. Run as a script after the program is linked.
# Arguments: PROGRAM, FILTER, PROPERTIES, OUTPUT.

execute_process(COMMAND "${PROGRAM}" --gtest_list_tests "--gtest_filter=${FILTER}"
                OUTPUT_VARIABLE listed COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE ";" "\\;" listed "${listed}")
string(REPLACE "\n" ";" lines "${listed}")
set(script "")
foreach(line IN LISTS lines)
  if(line MATCHES "^([A-Za-z_0-9/]+)\\.( |$)")  # the tests of a suite are indented below it
    set(suite "${CMAKE_MATCH_1}")
    string(APPEND script "add_test([=[${suite}]=] [=[${PROGRAM}]=] --gtest_brief=1 [=[--gtest_filter=${suite}.*${FILTER}]=])\n"
                         "set_tests_properties([=[${suite}]=] PROPERTIES ${PROPERTIES})\n")
  endif()
endforeach()
if(script STREQUAL "")
  message(FATAL_ERROR "${PROGRAM} lists no tests")
endif()
file(WRITE "${OUTPUT}" "${script}")
