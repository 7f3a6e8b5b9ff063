#!/usr/bin/env bash
# Installs a tarball of the package in a bare Debian with nothing but this machine's Node.js: no compiler,
# no cmake, no libgomp. As root, with debootstrap and access to a Debian mirror.
#
#   scripts/check-bare-debian.sh nnconv-X.Y.Z.tgz [SUITE [MIRROR]]
set -euo pipefail
[ $# -ge 1 ] || { sed -n 's/^# *//p' "$0" | tail -n +2; exit 2; }
tarball=$(realpath "$1")
suite=${2:-bookworm}
mirror=${3:-http://deb.debian.org/debian}
cd "$(dirname "$0")/.."

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
root=$dir/root
debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$dir/debootstrap.log" ||
  { tail -n 20 "$dir/debootstrap.log"; exit 1; }

node=$(readlink -f "$(command -v node)")
npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
cp "$node" "$root/usr/bin/node"
mkdir -p "$root/usr/lib/node_modules"
cp -r "$npm" "$root/usr/lib/node_modules/"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/bin/npm"

# The chroot has no network: npm takes dependencies from a cache that is filled here.
mkdir -p "$dir/filling" "$root/project"
echo '{ "private": true }' | tee "$dir/filling/package.json" >"$root/project/package.json"
cp "$tarball" "$root/nnconv.tgz"
cp scripts/prebuild/smoke.js "$root/"
npm install --silent --prefix "$dir/filling" --cache "$root/npm-cache" "$tarball"

# The first snippet of the README's that uses the package.
awk '/^```js$/ { on = 1; next } /^```$/ && on { exit } on' README.md >"$root/project/snippet.js"

cat >"$root/check.sh" <<'EOF'
set -e
for tool in c++ g++ gcc clang cmake make; do
  if command -v $tool; then echo "there is a $tool"; exit 1; fi
done
if find / -xdev -name 'libgomp.so*' | grep .; then exit 1; fi
cd /project
npm install --offline --no-audit --no-fund --foreground-scripts --cache /npm-cache /nnconv.tgz
node snippet.js
node /smoke.js /project/node_modules/nnconv
EOF
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root chroot "$root" sh /check.sh
