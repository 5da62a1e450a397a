# One folder, one library calx::<name>, one test program, one bench program. Every file is named.
#
# calx_layer(NAME
#   HEADERS  public headers                    SOURCES  sources and private headers
#   TESTS    GoogleTest sources                SLOW     test sources labelled `slow`
#   BENCHES  Google Benchmark sources
#   PROGRAMS sources of further programs, which the layer builds itself
#   USES     the only layers whose headers this one may include (public)
#   LINKS    outside libraries (private: no public header may include theirs)
#   TEST_LINKS  outside libraries of the tests alone)
#
# The USES line is the rule; tools/tidy reads build/layers.txt and fails on any other include.
file(WRITE ${PROJECT_BINARY_DIR}/layers.txt "")
set(CALX_WARNINGS -Wall -Wextra -Wconversion -Wshadow -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND CALX_WARNINGS -Wno-restrict)  # g++ 12 sees one in std::string (PR 105329)
  # And at -O3 one in braced members of that type; -O2, clang and the sanitizers still look.
  list(APPEND CALX_WARNINGS $<$<CONFIG:Release>:-Wno-maybe-uninitialized>)
endif()

function(calx_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" ""
                        "HEADERS;SOURCES;TESTS;SLOW;BENCHES;PROGRAMS;USES;LINKS;TEST_LINKS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "calx_layer(${name}): unknown words ${arg_UNPARSED_ARGUMENTS}")
  endif()
  string(JOIN " " uses ${arg_USES})
  string(JOIN " " files ${arg_HEADERS} ${arg_SOURCES} ${arg_TESTS} ${arg_SLOW} ${arg_BENCHES}
                        ${arg_PROGRAMS})
  string(JOIN " " public ${arg_HEADERS})
  file(APPEND ${PROJECT_BINARY_DIR}/layers.txt
       "layer ${name} ${uses}\nfiles ${files}\npublic ${public}\n")
  list(TRANSFORM arg_HEADERS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)

  if(arg_SOURCES)
    add_library(calx_${name} STATIC ${arg_SOURCES})
    set(scope PUBLIC)
    target_compile_options(calx_${name} PRIVATE ${CALX_WARNINGS})
    target_compile_definitions(calx_${name} PRIVATE FMT_HEADER_ONLY)
    target_link_libraries(calx_${name} PRIVATE ${arg_LINKS})
  else()
    add_library(calx_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(calx::${name} ALIAS calx_${name})
  set_target_properties(calx_${name} PROPERTIES EXPORT_NAME ${name})
  target_sources(calx_${name} ${scope} FILE_SET HEADERS
                 BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${arg_HEADERS})
  target_compile_features(calx_${name} ${scope} cxx_std_23)
  list(TRANSFORM arg_USES PREPEND calx::)
  target_link_libraries(calx_${name} ${scope} ${arg_USES})
  if(CALX_INSTALL_LAYERS)
    install(TARGETS calx_${name} EXPORT calx_targets
            ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
            FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  endif()

  if(CALX_BUILD_TESTS AND (arg_TESTS OR arg_SLOW))
    calx_test_program(${name} "${arg_TESTS}" ${name} "${arg_TEST_LINKS}")
    calx_test_program(${name} "${arg_SLOW}" slow "${arg_TEST_LINKS}")
  endif()
  if(CALX_BUILD_BENCHES AND arg_BENCHES)
    add_executable(${name}_bench ${arg_BENCHES})
    target_compile_options(${name}_bench PRIVATE ${CALX_WARNINGS})
    target_link_libraries(${name}_bench PRIVATE calx::${name} ${arg_TEST_LINKS}
                          benchmark::benchmark_main)
    if(CALX_BUILD_TESTS)
      # SkipWithError leaves the exit status at 0, so the test reads the output.
      add_test(NAME ${name}.bench_smoke
               COMMAND ${name}_bench --benchmark_min_time=0.001)
      set_tests_properties(${name}.bench_smoke PROPERTIES
                           FAIL_REGULAR_EXPRESSION "ERROR OCCURRED" LABELS ${name})
    endif()
  endif()
endfunction()

# One test program of a layer; slow tests form a program of their own. One label a program, for
# gtest_discover_tests() of CMake 3.25 takes a list of labels apart.
function(calx_test_program name sources label links)
  if(NOT sources)
    return()
  endif()
  set(program ${name}_test)
  set(prefix ${name}.)
  if(label STREQUAL "slow")
    set(program ${name}_slow_test)
    set(prefix ${name}.slow.)
  endif()
  add_executable(${program} ${sources})
  target_compile_options(${program} PRIVATE ${CALX_WARNINGS})
  if(CALX_SANITIZE)
    target_compile_options(${program} PRIVATE -O0)  # half the time of the compiler
  endif()
  target_compile_definitions(${program} PRIVATE CALX_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                                CALX_BINARY_DIR="${PROJECT_BINARY_DIR}")
  target_link_libraries(${program} PRIVATE calx::${name} ${links} GTest::gmock GTest::gtest_main)
  gtest_discover_tests(${program} TEST_PREFIX ${prefix} DISCOVERY_TIMEOUT 60
                       PROPERTIES LABELS ${label} TIMEOUT 900)
endfunction()
