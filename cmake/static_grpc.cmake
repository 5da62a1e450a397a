# CALX_GRPC_ARCHIVES: gRPC and all that stands under it, and what calx::signal links, as archives in
# one group, for a program that is linked whole. Debian's own config files know the shared ones.
find_library(CALX_GRPC_ARCHIVE NAMES libgrpc++.a)
set(CALX_GRPC_ARCHIVES)
if(CALX_GRPC_ARCHIVE)
  get_filename_component(folder ${CALX_GRPC_ARCHIVE} DIRECTORY)
  foreach(name grpc++_reflection grpc++ grpc gpr upb address_sorting protobuf re2 cares ssl crypto z
               lmdb)
    if(EXISTS ${folder}/lib${name}.a)
      list(APPEND CALX_GRPC_ARCHIVES ${folder}/lib${name}.a)
    endif()
  endforeach()
  # Abseil is about ninety small archives that need each other.
  file(GLOB abseil ${folder}/libabsl_*.a)
  list(FILTER abseil EXCLUDE REGEX "_test_|_flags_")
  list(APPEND CALX_GRPC_ARCHIVES ${abseil})
endif()
