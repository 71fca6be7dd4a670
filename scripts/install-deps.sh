#!/usr/bin/env bash
# Installs the Debian packages that building needs, with "node" also what a node and the examples need at run time, with
# "test" also what testing needs. Says nothing when all are there.
#   scripts/install-deps.sh [build|node|test]
set -euo pipefail

build=(gcc meson ninja-build pkg-config python3 libuv1-dev libssl-dev libyaml-dev zlib1g-dev libpcre2-dev
  libcmocka-dev libsqlite3-dev
  libnghttp2-dev libhttp-parser-dev libmnl-dev libwslay-dev
  libcurl4-openssl-dev libarchive-dev)
# containers, and what the image of examples/hello is made of
node=(containerd runc busybox-static)
test=(ccache clang clang-format libclang-rt-14-dev libjansson-dev nghttp2-client openssl python3-kubernetes
  tzdata iproute2 nftables curl "${node[@]}")
# Debian's npm, unless there is one from elsewhere (which it could not stand beside)
command -v npm >/dev/null || test+=(npm)

want=("${build[@]}")
case ${1:-build} in
  build) ;;
  node) want+=("${node[@]}") ;;
  test) want+=("${test[@]}") ;;
  *) echo "usage: scripts/install-deps.sh [build|node|test]" >&2; exit 2 ;;
esac

missing=()
for p in "${want[@]}"; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
echo "installing: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
