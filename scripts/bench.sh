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
  for f in "$dir"/bench_* test/bench/bench_*.py; do
    if [ -f "$f" ] && [ -x "$f" ] && [ "$f" != "$dir/bench_machine" ]; then
      n=${f##*/bench_}
      names+=("${n%.py}")
    fi
  done
fi
"$dir/bench_machine"
for n in "${names[@]}"; do
  if [ -x "test/bench/bench_$n.py" ]; then "test/bench/bench_$n.py"; else "$dir/bench_$n"; fi
done
