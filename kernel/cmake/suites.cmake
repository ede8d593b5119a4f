# Test suites: a suite is one executable of Check tests, named like its target, in
# <build>/tests, and one ctest test with the suite's label (ctest -L unit).

# add_suite(name LABEL unit|contract|integration|e2e|race|hostile SOURCES ... USES target...
#           [EXTERNAL library...])
set(SUITE_TIMEOUT_unit 300)
set(SUITE_TIMEOUT_contract 300)
set(SUITE_TIMEOUT_integration 600)
set(SUITE_TIMEOUT_e2e 900)
set(SUITE_TIMEOUT_race 600)
set(SUITE_TIMEOUT_hostile 900)

function(add_suite name)
  cmake_parse_arguments(S "" "LABEL" "SOURCES;USES;EXTERNAL" ${ARGN})
  if(NOT DEFINED SUITE_TIMEOUT_${S_LABEL})
    message(FATAL_ERROR "suite ${name}: ${S_LABEL} is no label of a suite, see above")
  endif()
  foreach(used IN LISTS S_USES)
    if(NOT TARGET ${used})
      message(FATAL_ERROR "suite ${name} uses ${used}, which is no target")
    endif()
  endforeach()
  add_executable(${name} ${S_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${S_USES} ${S_EXTERNAL} PkgConfig::CHECK)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS ${S_LABEL} TIMEOUT ${SUITE_TIMEOUT_${S_LABEL}})
  if(TORG_SANITIZER) # a forked child hides its report
    set_tests_properties(${name} PROPERTIES ENVIRONMENT CK_FORK=no)
  endif()
endfunction()

# add_script_suite(name LABEL label COMMAND command... [NEEDS program...]): a script that prints
# TAP. A foreign program that is missing makes the suite skipped, with CI=true failed (tests/run).
set(SUITE_TIMEOUT_tool 600)
set(SUITE_TIMEOUT_fault 1500)

function(add_script_suite name)
  cmake_parse_arguments(S "" "LABEL" "COMMAND;NEEDS" ${ARGN})
  add_test(NAME ${name} COMMAND ${S_COMMAND} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  list(JOIN S_NEEDS "," needs)
  set_tests_properties(${name} PROPERTIES LABELS ${S_LABEL}
    TIMEOUT ${SUITE_TIMEOUT_${S_LABEL}}
    ENVIRONMENT "TORG_NEEDS=${needs};TORG_BUILD=${CMAKE_BINARY_DIR}")
endfunction()
