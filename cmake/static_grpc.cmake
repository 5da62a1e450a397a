# gRPC and what stands under it as archives: the target calx_grpc for programs that are linked
# whole. Debian's own config files know the shared libraries alone.
find_program(CALX_PROTOC protoc REQUIRED)
find_library(CALX_GRPC_ARCHIVE NAMES libgrpc++.a REQUIRED)
get_filename_component(folder ${CALX_GRPC_ARCHIVE} DIRECTORY)
set(archives)
foreach(name grpc++_reflection grpc++ grpc gpr upb address_sorting protobuf re2 cares ssl crypto z)
  if(NOT EXISTS ${folder}/lib${name}.a)
    message(FATAL_ERROR "no lib${name}.a beside ${CALX_GRPC_ARCHIVE}")
  endif()
  list(APPEND archives ${folder}/lib${name}.a)
endforeach()
# Abseil is about ninety small archives that need each other.
file(GLOB abseil ${folder}/libabsl_*.a)
list(FILTER abseil EXCLUDE REGEX "_test_|_flags_")
find_package(Threads REQUIRED)
add_library(calx_grpc INTERFACE)
target_link_libraries(calx_grpc INTERFACE
  -Wl,--start-group ${archives} ${abseil} -Wl,--end-group Threads::Threads atomic)
