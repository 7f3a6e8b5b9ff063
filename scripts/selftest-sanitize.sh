#!/usr/bin/env bash
# Builds the native self-test with the address and undefined-behaviour sanitizers and runs it: under
# every instruction set of this CPU, unless NNCONV_ISA names one.
set -euo pipefail
cd "$(dirname "$0")/.."

# Where the CPU has AVX-512, its tiles run anyway.
wide=ON
if grep -qsw avx512bw /proc/cpuinfo; then wide=OFF; fi

build=build-asan
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DNNCONV_WIDE_TEST="$wide" \
  -DNNCONV_SANITIZE=address,undefined
cmake --build "$build" --target nnconv_selftest --parallel "$(nproc)"

export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
echo '== self-test under sanitizers'
"$build/nnconv_selftest"
