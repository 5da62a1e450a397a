# Debian's cross compiler for mips (32-bit, big-endian), run by qemu-user-static.
set(CMAKE_SYSTEM_PROCESSOR mips)
set(CALX_TRIPLE mips-linux-gnu)
set(CALX_DEBIAN_ARCH mips)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
