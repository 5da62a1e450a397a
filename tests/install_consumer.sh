#!/bin/sh
# Goal: calx can be installed anywhere and embedded with find_package(calx).
# Method: install the build tree into a fresh prefix, build the consumer against it, run it.
#
# usage: install_consumer.sh BUILD_DIR SOURCE_DIR WORK_DIR CXX_COMPILER
set -eu
build=$1 source=$2 work=$3 compiler=$4
rm -rf "$work"
cmake --install "$build" --prefix "$work/prefix" > "$work.log"
test -x "$work/prefix/bin/calx"
"$work/prefix/bin/calx" --version
cmake -S "$source/tests/consumer" -B "$work/build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Release
cmake --build "$work/build"
out=$("$work/build/consumer")
echo "consumer: $out"
test "${out%% *}" = calx
