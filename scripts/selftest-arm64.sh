#!/usr/bin/env bash
# Cross-compiles the native self-test for arm64, from the objects of the addon, and runs it under qemu-user.
set -euo pipefail
cd "$(dirname "$0")/.."

build=build-linux-arm64
[ -f "$build/CMakeCache.txt" ] || npm run --silent build:prebuilds
cmake --build "$build" --target nnconv_selftest --parallel "$(nproc)"

echo "== self-test, arm64 under qemu"
qemu-aarch64-static -L /usr/aarch64-linux-gnu "$build/nnconv_selftest"
