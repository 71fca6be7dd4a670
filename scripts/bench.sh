#!/usr/bin/env bash
# Builds the release and prints one line a figure: name value unit peer=… goal=… ok|short, after the machine's
# yardsticks. Names select benchmarks (codec, cow, …); none means all.
#   scripts/bench.sh [NAME…]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install-deps.sh test
scripts/build.sh release >/dev/null
for f in build/release/test/bench/bench_*; do
  [ -x "$f" ] && [ -f "$f" ] || continue
  name=$(basename "$f")
  name=${name#bench_}
  if [ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || [ "$name" = machine ]; then
    "$f"
  fi
done
