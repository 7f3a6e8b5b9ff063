#!/usr/bin/env bash
# Cross-compiles the native self-test for arm64 and runs it under qemu-user.
set -euo pipefail
cd "$(dirname "$0")/.."

build=build-arm64
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DNNCONV_SELFTEST=ON \
  -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
  -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++
cmake --build "$build" --target nnconv_selftest --parallel "$(nproc)"

echo "== self-test, arm64 under qemu"
qemu-aarch64-static -L /usr/aarch64-linux-gnu "$build/nnconv_selftest"
