#!/usr/bin/env bash
# Builds one of the build types; the release binary ends up at build/release/coxswain.
#   scripts/build.sh [release|asan|tsan [TARGET…]]
set -euo pipefail
cd "$(dirname "$0")/.."
type=${1:-release}
case $type in
  release) opts=(--buildtype=release -Doptimization=2 -Db_lto=true) ;;
  asan) opts=(--buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false) ;;
  # gcc loses track of what is initialised in code that ThreadSanitizer instruments; the other builds check that.
  tsan) opts=(--buildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false -Dc_args=-Wno-maybe-uninitialized) ;;
  *) echo "usage: scripts/build.sh [release|asan|tsan]" >&2; exit 2 ;;
esac
[ -f "build/$type/build.ninja" ] || meson setup "build/$type" --werror "${opts[@]}"
ninja -C "build/$type" "${@:2}"
