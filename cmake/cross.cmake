# What the toolchain files of other architectures share. Programs are linked statically, so that
# qemu-user needs neither a loader nor libraries; script/sysroot fetches the static libraries.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_C_COMPILER ${CALX_TRIPLE}-gcc)
set(CMAKE_CXX_COMPILER ${CALX_TRIPLE}-g++)
set(CMAKE_LIBRARY_ARCHITECTURE ${CALX_TRIPLE})
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
find_program(CALX_EMULATOR qemu-${CMAKE_SYSTEM_PROCESSOR}-static REQUIRED)
set(CMAKE_CROSSCOMPILING_EMULATOR ${CALX_EMULATOR})

set(CALX_SYSROOT ${CMAKE_CURRENT_LIST_DIR}/../build/sysroot/${CALX_DEBIAN_ARCH})
if(CALX_AGENT)
  string(APPEND CALX_SYSROOT -agent)  # gRPC instead of libsodium
endif()
set(CMAKE_FIND_ROOT_PATH ${CALX_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)  # header-only packages come from the build machine
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)
set(ENV{PKG_CONFIG_LIBDIR} ${CALX_SYSROOT}/usr/lib/${CALX_TRIPLE}/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CALX_SYSROOT})
