#!/bin/sh
# Goal: calx starts in milliseconds, so it must not load LibTorch or gRPC before a verb needs it.
# Method: read its dynamic section, then the whole closure of libraries the loader would open.
#
# usage: dynamic_section.sh CALX
set -eu
needed=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
closure=$(ldd "$1")
test -n "$needed"
echo "needed: $needed" | tr '\n' ' '
echo
heavy='torch|c10|gomp|protobuf|grpc|absl|gpr|libssl'
if printf '%s\n%s\n' "$needed" "$closure" | grep -Ei "$heavy"; then
  echo "calx must not need the libraries above"
  exit 1
fi
