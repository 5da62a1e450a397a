# Debian's cross compiler for s390x (64-bit, big-endian), run by qemu-user-static.
set(CMAKE_SYSTEM_PROCESSOR s390x)
set(CALX_TRIPLE s390x-linux-gnu)
set(CALX_DEBIAN_ARCH s390x)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
