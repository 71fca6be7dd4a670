#!/usr/bin/env bash
# Builds the release and prints one line a figure: name value unit peer=… goal=… ok|short. The machine's yardsticks come
# first. Names select benchmarks (codec, cow, …); none means all.
#   scripts/bench.sh [NAME…]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install-deps.sh test
scripts/build.sh release >/dev/null
dir=build/release/test/bench
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  for f in "$dir"/bench_*; do
    if [ -f "$f" ] && [ -x "$f" ] && [ "$f" != "$dir/bench_machine" ]; then
      names+=("${f##*/bench_}")
    fi
  done
fi
"$dir/bench_machine"
for n in "${names[@]}"; do
  "$dir/bench_$n"
done
