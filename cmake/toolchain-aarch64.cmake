# Debian's cross compiler for aarch64, run by qemu-user-static.
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CALX_TRIPLE aarch64-linux-gnu)
set(CALX_DEBIAN_ARCH arm64)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
