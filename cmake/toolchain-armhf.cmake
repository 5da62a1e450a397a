# Debian's cross compiler for armhf (ARMv7 with VFPv3-D16: Zynq 7000), run by qemu-user-static.
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CALX_TRIPLE arm-linux-gnueabihf)
set(CALX_DEBIAN_ARCH armhf)
set(CMAKE_CXX_FLAGS_INIT -D_FILE_OFFSET_BITS=64)  # a journal may grow past 2 GiB
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
